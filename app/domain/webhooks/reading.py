"""From a delivery's body to its events: the providers' own shapes, and the documented one.

The parts of a body must be readable, or all of it is refused. An event that does not say enough is stored and ignored:
otherwise its provider would send it again and again, and the others in the delivery with it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from app.domain.webhooks.providers import CHANNEL, normalised
from app.errors import Invalid, TooLarge
from app.tables.projects import DEFAULT_EVENT_BYTES
from app.tables.webhooks import Provider
from app.values.instants import read_instant
from app.values.json_text import kind_of, read_json, write_json
from app.values.texts import read_text

MAX_EVENTS = 5_000
MAX_PARAMETERS = 1_000
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""Earlier moments count as none: senders that do not know the moment send the beginning of some calendar."""
NONE_IN_GO = "0001-01-01T00:00:00Z"
MAX_WORD = 200
MAX_ADDRESS = 320
FORM = "application/x-www-form-urlencoded"
MALFORMED = "MALFORMED_BODY"
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


def read_delivery(
    provider: Provider, body: str, *, content_type: str = "", query: str = ""
) -> list[Happened]:
    """All events of a body, in their order. Invalid (`MALFORMED_BODY`) where it cannot be read.

    `query` is that of the address called, where Twilio puts what does not fit into its form (`campaign_id=…`).
    """
    told = _fields(query)
    if content_type.partition(";")[0].strip().lower() == FORM:
        form = _fields(body)
        if not form:
            raise Invalid("The form is empty.", path=["body"], code=MALFORMED)
        return [_happened(provider, form, write_json(form).decode(), told)]
    return [_happened(provider, value, text, told) for value, text in _items(body)]


def _items(body: str) -> list[tuple[dict[str, Any], str]]:
    """The objects of a body that is one or a list of them, each with its text as sent."""
    try:
        raw = body.encode()
        whole = read_json(raw)
        if not isinstance(whole, list):
            texts = [body]
        elif len(whole) > MAX_EVENTS:
            raise TooLarge(f"There are {len(whole)} events; at most {MAX_EVENTS} are taken at once.")
        else:
            texts = [bytes(item).decode() for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except (ValueError, UnicodeEncodeError) as why:
        raise Invalid(str(why), path=["body"], code=MALFORMED) from None
    values = whole if isinstance(whole, list) else [whole]
    for at, (value, text) in enumerate(zip(values, texts, strict=True)):
        if len(text.encode()) > DEFAULT_EVENT_BYTES:
            raise TooLarge(f"Event {at} has more than {DEFAULT_EVENT_BYTES} bytes.", path=["body"])
        if not isinstance(value, dict):
            place = f"Event {at}" if isinstance(whole, list) else "The body"
            raise Invalid(
                f"{place} must be a JSON object, not {kind_of(value)}.", path=["body"], code=MALFORMED
            )
    return list(zip(values, texts, strict=True))


def _fields(text: str) -> dict[str, Any]:
    """A form's fields; one that repeats is a list."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
        fields: dict[str, Any] = {}
        for name, value in pairs:
            read_text(name), read_text(value, longest=2**20)
            before = fields.get(name)
            fields[name] = (
                value if before is None else [*(before if isinstance(before, list) else [before]), value]
            )
    except ValueError as why:
        raise Invalid(f"The form cannot be read: {why}.", path=["body"], code=MALFORMED) from None
    return fields


def _happened(provider: Provider, event: Mapping[str, Any], text: str, told: Mapping[str, Any]) -> Happened:
    if "event_type" in event:
        return _documented(provider, event, text)
    return _READERS[provider](event, text, told)


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
    address = _word(data.get("To") or data.get("to"), longest=MAX_ADDRESS) or ""
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
    )


def _mailchimp(event: Mapping[str, Any], text: str, told: Mapping[str, Any]) -> Happened:
    """Source: Mailchimp, "Sync Audience Data with Webhooks": a form with `data[…]` fields."""
    kind = _word(event.get("type")) or ""
    campaign = event.get("data[campaign_id]")
    if kind == "campaign":
        kind = f"campaign_{_word(event.get('data[status]')) or 'unknown'}"
        campaign = event.get("data[id]")
    return _made(
        Provider.MAILCHIMP,
        kind,
        text,
        key=_fingerprint(event),
        at=_instant(event.get("fired_at")),
        email=event.get("data[email]"),
        campaign=told.get("campaign_id") or campaign,
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
) -> Happened:
    kind, before = normalised(provider, raw)
    return Happened(
        raw_kind=raw.strip()[:MAX_WORD],
        kind=kind[:64],
        channel=(before or (channel or "").lower() or CHANNEL[provider])[:64],
        key=key if len(key) <= MAX_WORD else _fingerprint({"key": key}),
        at=at if at is not None and at >= EARLIEST else None,
        email=_word(email, longest=MAX_ADDRESS),
        phone=_word(phone, longest=64),
        campaign=_word(campaign, longest=64),
        body=text,
        by_machine=by_machine is True or by_machine == "true",
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
