"""Whether a delivery was signed with a secret: the documented way, and each provider's own.

Pure: a delivery and secrets in, a verdict out. What is malformed is refused before any secret is looked at; how old a
delivery may be is its endpoint's own setting, so that is asked where the endpoint is known. Comparisons take as long
for a near miss as for a far one.

Sources: Marketing & CRM API, "Receive Webhook"; SendGrid, "Event Webhook Security Features"; Twilio, "Validating
Signatures"; HubSpot, "Validate v3 request signatures"; Mailchimp, "Sync Audience Data with Webhooks".
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.auth.webhooks.sealing import Secrets
from app.errors import Unauthorized
from app.tables.webhooks import Provider
from app.values.instants import read_instant

SIGNATURE = "x-webhook-signature"
TIMESTAMP = "x-webhook-timestamp"
SENDGRID_SIGNATURE = "x-twilio-email-event-webhook-signature"
SENDGRID_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
TWILIO_SIGNATURE = "x-twilio-signature"
TWILIO_SETTINGS = "x-twilio-webhooks-signature-settings"
HUBSPOT_SIGNATURE = "x-hubspot-signature-v3"
HUBSPOT_TIMESTAMP = "x-hubspot-request-timestamp"
FORM = "application/x-www-form-urlencoded"
MAX_SIGNATURE = 1_024
MAX_PARAMETERS = 1_000

_SECONDS = re.compile(r"[0-9]{1,11}", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{1,14}", re.ASCII)
_SURELY_MILLISECONDS = re.compile(r"[0-9]{12,14}", re.ASCII)
# HubSpot signs the address with these decoded, however it was called.
_HUBSPOT_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("|".join(_HUBSPOT_DECODED), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Check:
    """How a delivery is checked: against secrets, and against the clock."""

    holds: Callable[[Secrets], bool]
    stamp: datetime | None = None
    """The moment that was signed; None where the scheme signs none."""
    is_events: bool = False
    """Whether that is the moment at which an event in the body happened, and so says nothing of when it was sent."""

    def is_fresh(self, tolerance_s: int | None, *, now: datetime) -> bool:
        """Whether it may be that old. Any may where there is no tolerance: what comes again has no effect."""
        if self.stamp is None or self.is_events or tolerance_s is None:
            return True
        return abs(now - self.stamp) <= timedelta(seconds=tolerance_s)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as a provider made it."""

    provider: str
    """As the path names it; perhaps one we do not know."""
    method: str
    url: str
    """The whole address that was called, its query unchanged."""
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes
    token: str | None = None
    """The last part of the connection's own URL; None on the documented bare path."""

    @property
    def is_form(self) -> bool:
        """Whether the body says that it is a form."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def check_of(delivery: Delivery, provider: Provider) -> Check:
    """How to check this delivery, by the headers it came with. Unauthorized where it cannot be checked.

    `X-Webhook-Signature` decides where it was sent: the delivery must then be signed in the documented way.
    """
    if SIGNATURE in delivery.headers or TIMESTAMP in delivery.headers:
        return _documented(delivery)
    return _SCHEMES[provider](delivery)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The documented signature: lower-case hexadecimal HMAC-SHA256 of `timestamp.body`."""
    message = timestamp.encode("latin-1", "replace") + b"." + body
    return hmac.new(_bytes(secret), message, hashlib.sha256).hexdigest()


@lru_cache(500)
def read_public_key(text: str) -> ec.EllipticCurvePublicKey:
    """SendGrid's verification key, as SendGrid shows it (base64) or as PEM; ValueError where it is none."""
    lines = [line.strip() for line in text.strip().splitlines() if not line.startswith("-----")]
    try:
        key = load_der_public_key(base64.b64decode("".join(lines), validate=True))
    except (ValueError, binascii.Error):
        raise ValueError("is not SendGrid's verification key (base64, as its settings show it)") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("is a public key, but not one of the curve P-256 that SendGrid signs with")
    return key


def _documented(delivery: Delivery) -> Check:
    """The document calls it the event's timestamp: that may be of whenever the event happened."""
    sent = _header(delivery, SIGNATURE).removeprefix("sha256=")
    stamp = _header(delivery, TIMESTAMP)
    moment = _readable(_moment(stamp))
    of_event = re.search(
        rb'"timestamp"\s*:\s*"?' + re.escape(stamp.encode("latin-1", "replace")) + rb'"?\s*[,}]',
        delivery.body,
    )
    return Check(
        lambda secrets: _same(sent, sign(secrets.own, stamp, delivery.body)), moment, of_event is not None
    )


def _sendgrid(delivery: Delivery) -> Check:
    sent, stamp = _header(delivery, SENDGRID_SIGNATURE), _header(delivery, SENDGRID_TIMESTAMP)
    moment = _readable(_moment(stamp))
    signature = _unbase64(sent)
    message = stamp.encode("latin-1", "replace") + delivery.body

    def check(secrets: Secrets) -> bool:
        if secrets.provider is None:
            return False
        try:
            read_public_key(secrets.provider).verify(signature, message, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    return Check(check, moment)


def _twilio(delivery: Delivery) -> Check:
    """Twilio signs no moment; a repeated delivery is recognised by its message instead."""
    sent = _header(delivery, TWILIO_SIGNATURE)
    algorithm = _twilio_algorithm(delivery.headers.get(TWILIO_SETTINGS, ""))
    if delivery.is_form:
        signed = _twilio_parameters(delivery.body)
    else:
        # Not a form: the address carries the body's digest, and the address is what is signed.
        named = parse_qs(urlsplit(delivery.url).query).get("bodySHA256", [""])[0]
        if not _same(named, hashlib.sha256(delivery.body).hexdigest()):
            raise Unauthorized("The body is not the one whose bodySHA256 the address names.")
        signed = ""
    messages = [
        (address + signed).encode("utf-8", "replace") for address in _with_and_without_port(delivery.url)
    ]

    def check(secrets: Secrets) -> bool:
        if secrets.provider is None:
            return False
        made = [_base64_mac(secrets.provider, message, algorithm) for message in messages]
        # All of them are compared, even after one matched.
        return any([_same(sent, one) for one in made])

    return Check(check)


def _hubspot(delivery: Delivery) -> Check:
    sent, stamp = _header(delivery, HUBSPOT_SIGNATURE), _header(delivery, HUBSPOT_TIMESTAMP)
    moment = _readable(_unix(int(stamp) / 1000) if _MILLISECONDS.fullmatch(stamp) else None)
    decoded = _ESCAPE.sub(lambda found: _HUBSPOT_DECODED[found[0].upper()], delivery.url)
    messages = [
        delivery.method.encode() + address.encode("utf-8", "replace") + delivery.body + stamp.encode()
        for address in dict.fromkeys((delivery.url, decoded))
    ]

    def check(secrets: Secrets) -> bool:
        if secrets.provider is None:
            return False
        made = [_base64_mac(secrets.provider, message, "sha256") for message in messages]
        return any([_same(sent, one) for one in made])

    return Check(check, moment)


def _mailchimp(delivery: Delivery) -> Check:
    """Mailchimp signs nothing: it calls the address it was given, and the address holds the secret."""
    sent = parse_qs(urlsplit(delivery.url).query).get("secret", [""])[0]
    if not sent or len(sent) > MAX_SIGNATURE:
        raise Unauthorized("Mailchimp calls with `?secret=…`, the secret that was shown with the connection.")
    return Check(lambda secrets: _same(sent, secrets.own))


_SCHEMES: dict[Provider, Callable[[Delivery], Check]] = {
    Provider.SENDGRID: _sendgrid,
    Provider.TWILIO: _twilio,
    Provider.MAILCHIMP: _mailchimp,
    Provider.HUBSPOT: _hubspot,
}


def _header(delivery: Delivery, name: str) -> str:
    value = delivery.headers.get(name, "")
    if not value or len(value) > MAX_SIGNATURE:
        own = "" if name in (SIGNATURE, TIMESTAMP) else f", or {name}"
        raise Unauthorized(f"The delivery is not signed: send {SIGNATURE} and {TIMESTAMP}{own}.")
    return value


def _moment(stamp: str) -> datetime | None:
    if _SURELY_MILLISECONDS.fullmatch(stamp):
        return _unix(int(stamp) / 1000)
    if _SECONDS.fullmatch(stamp):
        return _unix(int(stamp))
    try:
        return read_instant(stamp)
    except ValueError:
        return None


def _unix(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _readable(moment: datetime | None) -> datetime:
    if moment is None:
        raise Unauthorized(
            "The delivery's timestamp cannot be read: send Unix seconds or milliseconds, or RFC 3339."
        )
    return moment


def _twilio_algorithm(settings: str) -> str:
    """`key=…,algorithm=HMAC_SHA256`, where the account signs with a shared key."""
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            known = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}.get(value.strip().upper())
            if known is None:
                raise Unauthorized(f"The signature algorithm {value.strip()[:40]!r} is not known here.")
            return known
    return "sha1"


def _twilio_parameters(body: bytes) -> str:
    """Names and values joined, sorted by name; of a repeated name each distinct value once, sorted."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise Unauthorized("The form that was signed cannot be read.") from None
    return "".join(name + value for name, value in sorted(set(pairs)))


def _with_and_without_port(url: str) -> list[str]:
    # Twilio itself is inconsistent here; its own libraries try both.
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return [url]
    if port:
        return [url, parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl()]
    return [url, parts._replace(netloc=f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}").geturl()]


def _base64_mac(secret: str, message: bytes, algorithm: str) -> str:
    return base64.b64encode(hmac.new(_bytes(secret), message, algorithm).digest()).decode()


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Unauthorized("The signature is not base64.") from None


def _same(sent: str, made: str) -> bool:
    return hmac.compare_digest(_bytes(sent), _bytes(made))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
