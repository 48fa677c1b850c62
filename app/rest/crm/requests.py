"""From the Marketing & CRM API's requests to the graph's variables.

Source: Marketing & CRM API, query parameters and request bodies. Unknown keys are ignored.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from app.auth.webhooks.signatures import SIGNATURE
from app.domain.funnels.stages import FunnelType
from app.domain.promos.terms import PromoType, type_of
from app.errors import Invalid
from app.rest.crm.paging import WHOLE, page_variables
from app.rest.fields import Fields, chosen
from app.rest.route import RequestParts
from app.tables.campaigns import CampaignStatus, CampaignType
from app.tables.segments import SegmentType
from app.values.instants import day_printed, read_date, read_instant, show_given
from app.values.systems import CRM


def campaigns(parts: RequestParts) -> dict[str, Any]:
    """The page, and the filters that were sent."""
    status, kind = _choice(parts, "status", CampaignStatus), _choice(parts, "type", CampaignType)
    wanted = {
        "status": [status] if status else None,
        "type": [kind] if kind else None,
        "startsFrom": _from(parts, "start_date"),
    }
    return {**page_variables(parts), "filter": {name: value for name, value in wanted.items() if value}}


def campaign(parts: RequestParts) -> dict[str, Any]:
    """The id of the path, `camp_42`. What cannot be stored names no campaign."""
    return {"id": _named(parts.path["campaign_id"])}


def whole_list(parts: RequestParts) -> dict[str, Any]:
    """A page of a list that is documented without pages."""
    return page_variables(parts, limit=WHOLE)


def campaign_create(parts: RequestParts) -> dict[str, Any]:
    """`schedule` and `content` are nested here; the promo is named beside them."""
    sent = Fields.of_body(parts.body)
    content, schedule = sent.inside("content"), sent.inside("schedule")
    said = {
        "subject": content.text("subject"),
        "body": content.text("body"),
        "ctaText": content.text("cta_text"),
        "ctaUrl": content.text("cta_url"),
    }
    given = {
        "name": sent.needed("name", sent.text("name"), '"Flash Sale Friday"'),
        "type": sent.needed("type", sent.code("type", CampaignType), '"promotion"'),
        "channels": sent.needed("channels", sent.texts("channels") or None, '["push", "email"]'),
        "segmentId": _segment(sent.needed("segment_id", sent.text("segment_id"), '"seg_all_customers"')),
        "content": _present(said) or None,
        **_edge(schedule, "start_date", day="startsOn", instant="startsAt"),
        **_edge(schedule, "end_date", day="endsOn", instant="endsAt", ends=True),
        "promoCode": sent.text("promo_code"),
        "promoDiscountPercent": sent.amount("promo_discount_percent"),
    }
    return {"input": _present(given)}


def segment_create(parts: RequestParts) -> dict[str, Any]:
    """The criteria are passed on as they are: the graph says what is wrong with them."""
    sent = Fields.of_body(parts.body)
    given = {
        "name": sent.needed("name", sent.text("name"), '"High Value Customers"'),
        "type": sent.needed("type", sent.code("type", SegmentType), '"dynamic"'),
        "criteria": sent.values.get("criteria"),
    }
    return {"input": _present(given)}


def promo_create(parts: RequestParts) -> dict[str, Any]:
    """Every documented field; amounts are in the group's currency."""
    sent = Fields.of_body(parts.body)
    given = {
        "code": sent.needed("code", sent.text("code"), '"WELCOME20"'),
        **_type(sent.needed("type", sent.text("type"), '"percentage"')),
        "value": sent.amount("value"),
        "minOrderAmount": sent.amount("min_order_amount"),
        "maxDiscount": sent.amount("max_discount"),
        "usageLimit": sent.whole("usage_limit"),
        "perCustomerLimit": sent.whole("per_customer_limit"),
        "validFrom": sent.given("valid_from"),
        "validUntil": sent.given("valid_until"),
        "appliesTo": sent.object("applies_to"),
        "segmentId": _segment(sent.text("customer_segment_id")),
    }
    return {"input": _present(given)}


def _type(text: str) -> dict[str, str]:
    """The document shows one type and leaves the set open: another one is kept as this API's clients wrote it."""
    return {"typeCode" if type_of(text) in set(PromoType) else "ownType": text}


def delivery(parts: RequestParts) -> dict[str, Any]:
    """The body as it was sent. Of the query only what can describe an event, and only where it was signed.

    The documented signature does not cover the address, and Mailchimp's query holds its secret.
    """
    signed = SIGNATURE not in parts.headers
    told = [(name, value) for name, value in parts.query.multi_items() if signed and name == "campaign_id"]
    given = {
        "provider": parts.path["provider"],
        "body": parts.body,
        "contentType": parts.headers.get("content-type"),
        "query": urlencode(told) or None,
    }
    return {"input": _present(given)}


def funnel(parts: RequestParts) -> dict[str, Any]:
    """Without days: the last thirty, today included. The graph knows which day it is for the group."""
    kind = _choice(parts, "funnel_type", FunnelType)
    if kind is None:
        names = ", ".join(member.value for member in FunnelType)
        raise Invalid(f"`funnel_type` is required: one of {names}.", path=["funnel_type"])
    since, until = _day(parts, "start_date"), _day(parts, "end_date")
    if since is not None and until is not None and since > until:
        raise Invalid("`end_date` must not be before `start_date`.", path=["end_date"])
    return {
        "type": kind,
        "since": since and since.isoformat(),
        "until": until and until.isoformat(),
    }


def _edge(schedule: Fields, name: str, *, day: str, instant: str, ends: bool = False) -> dict[str, str]:
    """A start or an end: a day, also in the form this API prints it in, or a moment."""
    printed = day_printed(schedule.text(name) or "", ends=ends)
    return schedule.edge(name, day=day, instant=instant) if printed is None else {day: printed.isoformat()}


def _segment(name: str | None) -> str | None:
    return None if name is None else _named(name)


def _named(name: str) -> str:
    return f"{CRM}:{name if name.isprintable() else ''}"


def _choice(parts: RequestParts, name: str, known: type[Any]) -> str | None:
    text = (parts.query.get(name) or "").strip()
    return chosen(text, known, name, [name]) if text else None


def _from(parts: RequestParts, name: str) -> str | None:
    """A day, also in the form it is printed in, is a day of each campaign's store."""
    text = (parts.query.get(name) or "").strip()
    printed = day_printed(text, ends=False)
    try:
        return show_given(read_instant(printed.isoformat() if printed else text)) if text else None
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None


def _day(parts: RequestParts, name: str) -> Any:
    text = (parts.query.get(name) or "").strip()
    try:
        # A moment counts as its day.
        return (read_date(text) if len(text) <= 10 else read_instant(text).date()) if text else None
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


CAMPAIGN_NAMES = {
    "segmentId": "segment_id",
    "startsOn": "schedule.start_date",
    "startsAt": "schedule.start_date",
    "endsOn": "schedule.end_date",
    "endsAt": "schedule.end_date",
    "content.ctaText": "content.cta_text",
    "content.ctaUrl": "content.cta_url",
    "promoCode": "promo_code",
    "promoDiscountPercent": "promo_discount_percent",
}
"""Fields of the graph's input in this API's words, where they differ."""
PROMO_NAMES = {
    "minOrderAmount": "min_order_amount",
    "maxDiscount": "max_discount",
    "usageLimit": "usage_limit",
    "perCustomerLimit": "per_customer_limit",
    "validFrom": "valid_from",
    "validUntil": "valid_until",
    "appliesTo": "applies_to",
    "segmentId": "customer_segment_id",
}
SEGMENT_NAMES: dict[str, str] = {}


def called(path: Sequence[Any], names: dict[str, str]) -> tuple[str, ...]:
    """A path of the graph's input, in this API's words."""
    parts = [str(part) for part in path]
    for length in range(len(parts), 0, -1):
        found = names.get(".".join(parts[:length]))
        if found is not None:
            return (*found.split("."), *parts[length:])
    return tuple(parts)
