"""What a provider's event says about writing to somebody: pure, from its own keys.

Whether an event is in the provider's documented set decides whether it counts as applied; what it says of consent is
heard either way. Sources: SendGrid, "Event Webhook Reference"; Mailchimp, "Sync Audience Data with Webhooks"; Twilio,
"Advanced Opt-Out" and "Error and Warning Dictionary"; HubSpot, "Webhooks API" and its default contact properties.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.contacts.statements import MAX_DETAIL, MAX_LIST
from app.tables.contacts import StatementKind as Kind


@dataclass(frozen=True, slots=True)
class Word:
    """What an event says about writing to its recipient."""

    kind: Kind
    list: str = ""
    detail: str | None = None
    """Of `moved` the next address."""


NOTHING: tuple[Word, ...] = ()
_DOCUMENTED: Mapping[str, Kind] = {
    "subscribed": Kind.SUBSCRIBED,
    "resubscribed": Kind.RESUBSCRIBED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "spamreport": Kind.SPAM_COMPLAINT,
    "complained": Kind.SPAM_COMPLAINT,
    "bounced": Kind.HARD_BOUNCE,
    "cleaned": Kind.CLEANED,
}
_SOFT = frozenset({"blocked", "soft", "transient", "block"})
_DROPPED: Mapping[str, Kind] = {
    "bounced address": Kind.HARD_BOUNCE,
    "unsubscribed address": Kind.UNSUBSCRIBED,
    "spam reporting address": Kind.SPAM_COMPLAINT,
    "invalid": Kind.INVALID_ADDRESS,
}
"""Why SendGrid did not even try, where that says something about the address."""
STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ARRET", "OPTOUT", "REVOKE"}
)
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
_ERRORS: Mapping[str, Kind] = {
    "21610": Kind.STOPPED,  # the recipient has unsubscribed
    "21211": Kind.INVALID_ADDRESS,  # not a telephone number
    "21217": Kind.INVALID_ADDRESS,  # does not appear to be valid
    "21614": Kind.INVALID_ADDRESS,  # not a mobile number
    "30005": Kind.INVALID_ADDRESS,  # unknown or no longer in service
    "30006": Kind.INVALID_ADDRESS,  # a landline, or a carrier that takes no messages
}
"""Others pass: 30003 is a telephone that is off, 30004 a message that was blocked."""
_HUBSPOT_OPT_OUT = "hs_email_optout"
_HUBSPOT_ADDRESS: Mapping[str, Kind] = {
    "hs_email_bad_address": Kind.INVALID_ADDRESS,
    "hs_email_hard_bounce_reason_enum": Kind.HARD_BOUNCE,
    "hs_email_hard_bounce_reason": Kind.HARD_BOUNCE,
}
_NOT_LETTERS = re.compile(r"[^A-Z]+")


def documented(kind: str, event: Mapping[str, Any]) -> tuple[Word, ...]:
    """Source: Marketing & CRM API, "Receive Webhook"; `kind` without its channel."""
    found = _DOCUMENTED.get(kind)
    if found is None or (found is Kind.HARD_BOUNCE and _text(event.get("type")).lower() in _SOFT):
        return NOTHING
    of_list = found in (Kind.SUBSCRIBED, Kind.RESUBSCRIBED, Kind.UNSUBSCRIBED)
    return (_word(found, list=event.get("list_id") if of_list else None, detail=event.get("reason")),)


def sendgrid(event: Mapping[str, Any]) -> tuple[Word, ...]:
    """Unsubscribing is of all mail, or of one of SendGrid's groups. A block is a mail's trouble, not an address's."""
    detail = event.get("reason") or event.get("status")
    match _text(event.get("event")).lower():
        case "unsubscribe":
            return (_word(Kind.UNSUBSCRIBED),)
        case "group_unsubscribe":
            return (_word(Kind.UNSUBSCRIBED, list=event.get("asm_group_id")),)
        case "group_resubscribe":
            return (_word(Kind.RESUBSCRIBED, list=event.get("asm_group_id")),)
        case "spamreport":
            return (_word(Kind.SPAM_COMPLAINT),)
        case "bounce" if _text(event.get("type")).lower() not in _SOFT:
            return (_word(Kind.HARD_BOUNCE, detail=detail),)
        case "dropped" if kind := _DROPPED.get(_text(event.get("reason")).lower()):
            return (_word(kind, detail=detail),)
    return NOTHING


def mailchimp(event: Mapping[str, Any]) -> tuple[Word, ...]:
    """Joining and leaving are of an audience; what happened to an address is of all of them."""
    of_list, reason = mailchimp_field(event, "list_id"), _text(mailchimp_field(event, "reason")).lower()
    match _text(event.get("type")).lower():
        case "subscribe":
            return (_word(Kind.SUBSCRIBED, list=of_list),)
        case "unsubscribe" | "cleaned" if reason == "abuse":
            return (_word(Kind.SPAM_COMPLAINT, detail=reason),)
        case "unsubscribe":
            return (_word(Kind.UNSUBSCRIBED, list=of_list, detail=reason),)
        case "cleaned":
            return (_word(Kind.CLEANED, detail=reason),)
        case "upemail" if new := _text(mailchimp_field(event, "new_email")):
            return (_word(Kind.MOVED, detail=new),)
    return NOTHING


def mailchimp_field(event: Mapping[str, Any], name: str) -> object:
    """A field of Mailchimp's `data`, which its form flattens."""
    nested = event.get("data")
    return event.get(f"data[{name}]") or (nested.get(name) if isinstance(nested, Mapping) else None)


def twilio_status(data: Mapping[str, Any]) -> tuple[Word, ...]:
    """What an error of a message that was sent says about the number."""
    code = _text(data.get("ErrorCode") or data.get("errorCode"))
    return (_word(_ERRORS[code], detail=code),) if code in _ERRORS else NOTHING


def twilio_message(data: Mapping[str, Any]) -> tuple[Word, ...]:
    """A text message that came in: `OptOutType` says how Twilio took it, else its only word does."""
    body = _text(data.get("Body") or data.get("body"))
    plain = unicodedata.normalize("NFKD", body.upper())
    word = _text(data.get("OptOutType")).upper() or _NOT_LETTERS.sub(
        "", "".join(c for c in plain if not unicodedata.combining(c))
    )
    if word in STOP_WORDS:
        return (_word(Kind.STOPPED, detail=body),)
    return (_word(Kind.STARTED, detail=body),) if word in START_WORDS else NOTHING


def hubspot(event: Mapping[str, Any]) -> tuple[Word, ...]:
    """HubSpot tells of subscriptions as changes of a contact's properties."""
    if not _text(event.get("subscriptionType")).lower().endswith("propertychange"):
        return NOTHING
    name, value = _text(event.get("propertyName")), event.get("propertyValue")
    is_set = value is True or _text(value).lower() not in ("", "false", "0", "no")
    if kind := _HUBSPOT_ADDRESS.get(name):
        return (_word(kind, detail=name),) if is_set else NOTHING
    if name == _HUBSPOT_OPT_OUT or name.startswith(f"{_HUBSPOT_OPT_OUT}_"):
        of_list = name.removeprefix(_HUBSPOT_OPT_OUT).removeprefix("_")
        return (_word(Kind.UNSUBSCRIBED if is_set else Kind.RESUBSCRIBED, list=of_list),)
    return NOTHING


def _word(kind: Kind, *, list: object = None, detail: object = None) -> Word:
    return Word(kind, _text(list)[:MAX_LIST], _text(detail)[:MAX_DETAIL] or None)


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""
