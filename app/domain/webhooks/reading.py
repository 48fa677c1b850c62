"""From a delivery's body to its events: the providers' own shapes, and the documented one.

Each element stands for itself: what cannot be read is told beside the others. An event that does not say enough is
stored and ignored.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from app.domain.contacts.statements import CHANNELS as CONSENTS
from app.domain.contacts.statements import address_or_none
from app.domain.webhooks import consent
from app.domain.webhooks.consent import Word
from app.domain.webhooks.elements import INVALID, MALFORMED, Element, Refused, elements, fields
from app.domain.webhooks.providers import CHANNEL, normalised
from app.errors import Invalid
from app.tables.contacts import ContactChannel
from app.tables.webhooks import Provider
from app.values.instants import read_instant
from app.values.json_text import write_json

EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""Earlier moments count as none: senders that do not know the moment send the beginning of some calendar."""
NONE_IN_GO = "0001-01-01T00:00:00Z"
MAX_WORD = 200
MAX_ADDRESS = 320
FORM = "application/x-www-form-urlencoded"
_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="sorted")


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a delivery."""

    raw_kind: str
    """As the sender calls it."""
    kind: str
    """In the documented words, without a channel before it."""
    channel: str
    key: str
    """The same for the same event, however often it is delivered and with whatever others."""
    at: datetime | None
    """When it happened, if known."""
    email: str | None
    phone: str | None
    campaign: str | None
    """Its name for the campaign: one of our ids, or an imported one."""
    body: str
    """The event's JSON text, as sent; of a form its fields as an object."""
    by_machine: bool = False
    """Whether a machine did it, such as a mail proxy that fetches pictures before anybody looks."""
    contact: str | None = None
    """The provider's own id of whom it is about."""
    words: tuple[Word, ...] = ()
    """What it says about writing to whom it is about."""


class Delivered(list[Happened]):
    """The events of a delivery in their order, and beside them what could not be taken."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[Refused] = []
        self.is_list = False
        """Whether the body may hold several: then what is refused does not refuse the others."""


def read_delivery(provider: Provider, body: str, *, content_type: str = "", query: str = "") -> Delivered:
    """All events of a body. Invalid (`MALFORMED_BODY`) where it cannot be read at all.

    `query` is that of the address called, where Twilio puts what does not fit into its form (`campaign_id=…`).
    """
    told = fields(query)
    found = Delivered()
    if content_type.partition(";")[0].strip().lower() == FORM:
        form = fields(body)
        if not form:
            raise Invalid("The form is empty.", path=["body"], code=MALFORMED)
        parts: list[Element | Refused] = [Element(form, write_json(form).decode())]
    else:
        parts, found.is_list = elements(body)
    for part in parts:
        if isinstance(part, Refused):
            found.refused.append(part)
            continue
        try:
            found.append(_happened(provider, part.value, part.text, told))
        except Invalid as why:
            path = tuple(map(str, why.path))
            found.refused.append(Refused(part.text, INVALID, why.message, path))
    return found


def _happened(provider: Provider, event: Mapping[str, Any], text: str, told: Mapping[str, Any]) -> Happened:
    """The provider's own keys decide whose shape it is: an `event_type` beside them is an argument of the sender's."""
    if "event_type" in event and not _is_own(provider, event):
        return _documented(provider, event, text)
    return _READERS[provider](event, text, told)


_SENDGRID_EVENTS = frozenset(
    {
        "processed", "deferred", "delivered", "dropped", "bounce", "open", "click", "spamreport", "unsubscribe",
        "group_unsubscribe", "group_resubscribe", "account_status_change",
    }
)  # fmt: skip


def _is_own(provider: Provider, event: Mapping[str, Any]) -> bool:
    match provider:
        case Provider.SENDGRID:
            named = "sg_event_id" in event or "sg_message_id" in event
            kind = event.get("event")
            return "event" in event and (named or (isinstance(kind, str) and kind in _SENDGRID_EVENTS))
        case Provider.TWILIO:
            own = ("MessageSid", "SmsSid", "SmsMessageSid", "MessageStatus", "SmsStatus")
            return any(key in event for key in own) or ("specversion" in event and "data" in event)
        case Provider.MAILCHIMP:
            return "type" in event and "fired_at" in event
        case Provider.HUBSPOT:
            return "subscriptionType" in event


def _documented(provider: Provider, event: Mapping[str, Any], text: str) -> Happened:
    """Source: Marketing & CRM API, "Receive Webhook". Must be valid, since the rules are the API's own."""
    if not isinstance(event["event_type"], str) or not event["event_type"].strip():
        raise Invalid("`event_type` must be a text like email.opened.", path=["body", "event_type"])
    at = _instant(event.get("timestamp"))
    if at is None and event.get("timestamp") is not None:
        raise Invalid(
            "`timestamp` must be a date-time like 2026-01-24T18:30:00Z.", path=["body", "timestamp"]
        )
    named = _word(event.get("event_id")) or _word(event.get("id"))
    return _made(
        provider,
        event["event_type"],
        text,
        key=f"id/{named}" if named else _fingerprint(event),
        at=at,
        email=event.get("email"),
        phone=event.get("phone"),
        campaign=event.get("campaign_id"),
        by_machine=event.get("sg_machine_open"),
        channel=_word(event.get("channel")),
        words=consent.documented(normalised(provider, event["event_type"])[0], event),
    )


def _sendgrid(event: Mapping[str, Any], text: str, _: Mapping[str, Any]) -> Happened:
    """Source: SendGrid, "Event Webhook Reference"."""
    named = _word(event.get("sg_event_id"))
    # Custom arguments are beside SendGrid's own keys; older integrations have them in an object.
    custom = event.get("unique_args") if isinstance(event.get("unique_args"), dict) else {}
    campaign = event.get("campaign_id") or (custom or {}).get("campaign_id") or event.get("singlesend_id")
    return _made(
        Provider.SENDGRID,
        _word(event.get("event")) or "",
        text,
        key=f"id/{named}" if named else _fingerprint(event),
        at=_instant(event.get("timestamp")),
        email=event.get("email"),
        campaign=campaign,
        by_machine=event.get("sg_machine_open"),
        words=consent.sendgrid(event),
    )


def _twilio(event: Mapping[str, Any], text: str, told: Mapping[str, Any]) -> Happened:
    """Source: Twilio, "Outbound Message Status in Status Callbacks" (a form) and "Event Streams" (JSON)."""
    data = event.get("data") if isinstance(event.get("data"), dict) else event
    assert isinstance(data, Mapping)
    status = data.get("MessageStatus") or data.get("SmsStatus") or data.get("messageStatus")
    if not isinstance(status, str) and isinstance(event.get("type"), str):
        status = event["type"].rpartition(".")[2]  # com.twilio.messaging.message.delivered
    sid = _word(data.get("MessageSid") or data.get("SmsSid") or data.get("messageSid"))
    raw = (_word(status) or "").lower()
    comes_in = raw == "received" or (not raw and "Body" in data)
    raw = raw or ("received" if comes_in else "")
    # A message that came in is from the person; of one that was sent the person is whom it went to.
    theirs = ("From", "from") if comes_in else ("To", "to")
    address = _word(data.get(theirs[0]) or data.get(theirs[1]), longest=MAX_ADDRESS) or ""
    scheme, colon, number = address.partition(":")
    return _made(
        Provider.TWILIO,
        raw,
        text,
        # One message is delivered once: both ways of reporting it are the same event.
        key=f"message/{sid}/{normalised(Provider.TWILIO, raw)[0]}" if sid else _fingerprint(event),
        at=_instant(data.get("timestamp")) or _instant(event.get("time")),
        phone=number if colon else address,
        campaign=told.get("campaign_id") or data.get("campaign_id"),
        channel=scheme.lower() if colon else None,
        words=consent.twilio_message(data) if comes_in else consent.twilio_status(data),
    )


def _mailchimp(event: Mapping[str, Any], text: str, told: Mapping[str, Any]) -> Happened:
    """Source: Mailchimp, "Sync Audience Data with Webhooks": a form with `data[…]` fields."""
    kind = _word(event.get("type")) or ""
    own = partial(consent.mailchimp_field, event)
    campaign = own("campaign_id")
    if kind == "campaign":
        kind = f"campaign_{_word(own('status')) or 'unknown'}"
        campaign = own("id")
    return _made(
        Provider.MAILCHIMP,
        kind,
        text,
        key=_fingerprint(event),
        at=_instant(event.get("fired_at")),
        email=own("old_email") if kind == "upemail" else own("email"),
        campaign=told.get("campaign_id") or campaign,
        words=consent.mailchimp(event),
    )


def _hubspot(event: Mapping[str, Any], text: str, _: Mapping[str, Any]) -> Happened:
    """Source: HubSpot, "Webhooks API". Its `eventId` alone is not unique, and retries count `attemptNumber` up."""
    kind = _word(event.get("subscriptionType")) or ""
    if kind == "object.creation" and event.get("objectTypeId") == "0-1":
        kind = "contact.creation"
    same = {name: value for name, value in event.items() if name != "attemptNumber"}
    return _made(
        Provider.HUBSPOT,
        kind,
        text,
        key=_fingerprint(same),
        at=_instant(event.get("occurredAt"), per_second=1000),
        email=event.get("email"),
        campaign=event.get("campaign_id"),
        contact=event.get("objectId"),
        words=consent.hubspot(event),
    )


_READERS = {
    Provider.SENDGRID: _sendgrid,
    Provider.TWILIO: _twilio,
    Provider.MAILCHIMP: _mailchimp,
    Provider.HUBSPOT: _hubspot,
}


def _made(
    provider: Provider,
    raw: str,
    text: str,
    *,
    key: str,
    at: datetime | None,
    email: object = None,
    phone: object = None,
    campaign: object = None,
    channel: str | None = None,
    by_machine: object = None,
    contact: object = None,
    words: tuple[Word, ...] = (),
) -> Happened:
    kind, before = normalised(provider, raw)
    by = (before or (channel or "").lower() or CHANNEL[provider])[:64]
    if words and by in CONSENTS and not _word(contact, longest=64):
        _check_address(CONSENTS[by], email=email, phone=phone)
    return Happened(
        raw_kind=raw.strip()[:MAX_WORD],
        kind=kind[:64],
        channel=by,
        key=key if len(key) <= MAX_WORD else _fingerprint({"key": key}),
        at=at if at is not None and at >= EARLIEST else None,
        email=_word(email, longest=MAX_ADDRESS),
        phone=_word(phone, longest=64),
        campaign=_word(campaign, longest=64),
        body=text,
        by_machine=by_machine is True or by_machine == "true",
        contact=_word(contact, longest=64),
        words=words,
    )


def _check_address(channel: ContactChannel, *, email: object, phone: object) -> None:
    """What says something about writing to somebody, and not to whom, must not pass for something that took effect.

    Whose agreement to text messages it is may be told by their e-mail address, and the other way round.
    """
    # Which country a number without one is of does not decide whether it is one.
    for of, value in ((ContactChannel.EMAIL, email), (ContactChannel.SMS, phone)):
        if address_or_none(of, _word(value, longest=MAX_ADDRESS)) is not None:
            return
    name, example = (
        ("email", "ada@example.com") if channel is ContactChannel.EMAIL else ("phone", "+33612345678")
    )
    raise Invalid(
        f"This says whether somebody may be written to; `{name}` must say whom, like {example}.",
        path=["body", name],
    )


def _word(value: object, *, longest: int = MAX_WORD) -> str | None:
    """A short text or whole number as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value.strip()) > longest:
        return None
    return value.strip()


def _instant(value: object, *, per_second: int = 1) -> datetime | None:
    """Unix time as a number or digits, or a date-time; None where it is neither."""
    try:
        if value == NONE_IN_GO:
            return EARLIEST - timedelta(1)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
            value = int(value)
        if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(float(value) / per_second, UTC)
        return read_instant(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _fingerprint(event: Mapping[str, Any]) -> str:
    """For events without an id of their own: the same keys and values mean the same event."""
    return "sha256/" + hashlib.sha256(_CANONICAL.encode(event)).hexdigest()
