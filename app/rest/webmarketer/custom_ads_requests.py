"""From the Webmarketer API's requests about custom ads and interactions to the graph's variables.

Source: Webmarketer API 1.0.0, "Custom Ads" and "Interactions".
"""

from typing import Any

from app.errors import Invalid, NotFound
from app.rest.fields import Fields
from app.rest.route import RequestParts
from app.rest.webmarketer import parameters
from app.rest.webmarketer.bodies import moment, needed_moment, object_in
from app.rest.webmarketer.parameters import present
from app.values.json_text import kind_of

CAMPAIGN_SORTS = {"name": "NAME", "campaignId": "ID", "active": "STATUS"}
OUTLAY_SORTS = {
    "campaignId": "CAMPAIGN",
    "startDate": "STARTS_AT",
    "endDate": "ENDS_AT",
    "amount": "AMOUNT",
    "country": "COUNTRY",
    "region": "REGION",
}


def campaigns(parts: RequestParts) -> dict[str, Any]:
    """The page, the filters that were sent, and the order."""
    ident = parameters.text(parts, "campaignId")
    wanted = present(
        isActive=parameters.flag(parts, "active"),
        **({} if ident is None else {"ids": [_nobodys_or(ident)]}),
        slug=parameters.text(parts, "campaignSlug"),
        nameLike=parameters.text(parts, "nameLike"),
        isExplicit=parameters.flag(parts, "explicit"),
    )
    return {
        "wmktId": _wmkt_id(parts),
        **parameters.page(parts),
        "filter": wanted,
        **present(orderBy=_campaign_order(parts)),
    }


def campaign(parts: RequestParts) -> dict[str, Any]:
    """One campaign of the integration."""
    return {"wmktId": _wmkt_id(parts), "campaign": {"ids": [_campaign(parts, "id")]}}


def campaign_create(parts: RequestParts) -> dict[str, Any]:
    """A slug of its own, a name, and whether it is active at once."""
    sent = Fields.of_body(parts.body)
    active = sent.flag("active")
    given = {
        "wmktId": _wmkt_id(parts),
        "slug": sent.needed("campaignSlug", sent.text("campaignSlug"), '"spring"'),
        "name": sent.needed("name", sent.text("name"), '"Spring"'),
        "active": True if active is None else active,
    }
    return {"input": given}


def campaign_update(parts: RequestParts) -> dict[str, Any]:
    """Name and active; anything else is ignored."""
    sent = Fields.of_body({} if parts.body == [] else parts.body)
    wmkt_id = _wmkt_id(parts) if "wmktId" in parts.path else None
    given = present(
        id=_campaign(parts, "id"), wmktId=wmkt_id, name=sent.text("name"), active=sent.flag("active")
    )
    return {"input": given}


def outlays(parts: RequestParts) -> dict[str, Any]:
    """The page, the period, and the order."""
    wanted = present(since=parameters.instant(parts, "since"), until=parameters.until(parts))
    return {
        "wmktId": _wmkt_id(parts),
        "campaign": {"ids": [_campaign(parts, "parentCampaignId")]},
        **parameters.page(parts),
        "filter": wanted,
        **present(orderBy=parameters.order(parts, OUTLAY_SORTS)),
    }


def outlay(parts: RequestParts) -> dict[str, Any]:
    """One outlay of the campaign."""
    return {
        "wmktId": _wmkt_id(parts),
        "campaign": {"ids": [_campaign(parts, "parentCampaignId")]},
        "id": _outlay(parts),
    }


def outlay_create(parts: RequestParts) -> dict[str, Any]:
    """How much, from when until when, and perhaps where."""
    sent = Fields.of_body(parts.body)
    given = {
        "wmktId": _wmkt_id(parts),
        "campaignId": _campaign(parts, "parentCampaignId"),
        "amount": sent.needed("amount", _amount(sent), "1200.50"),
        "currency": _currency(sent),
        "startsAt": needed_moment(sent, "startDate"),
        "endsAt": needed_moment(sent, "endDate"),
        "country": sent.text("country"),
        "region": sent.text("region"),
    }
    return {"input": present(**given)}


def outlay_update(parts: RequestParts) -> dict[str, Any]:
    """What is to change. Null clears country and region; for the other fields it counts as not sent."""
    sent = Fields.of_body({} if parts.body == [] else parts.body)
    given = present(
        id=_outlay(parts),
        wmktId=_wmkt_id(parts),
        parentCampaignId=_campaign(parts, "parentCampaignId"),
        campaignId=_target(sent),
        amount=_amount(sent),
        currency=_currency(sent),
        startsAt=moment(sent, "startDate"),
        endsAt=moment(sent, "endDate"),
    )
    return {"input": given | {name: sent.text(name) for name in ("country", "region") if name in sent.values}}


def offline_interaction(parts: RequestParts) -> dict[str, Any]:
    """Whom it was with, what led to it, and when; now, unless a date is given (choice WM-C15)."""
    sent = Fields.of_body(parts.body)
    given = {
        "project": parameters.project(parts),
        "occurredAt": moment(sent, "date"),
        "userData": object_in(sent.values, "userData") or {},
        "nodeData": object_in(sent.values, "nodeData") or {},
    }
    return {"input": present(**given)}


def _wmkt_id(parts: RequestParts) -> str:
    name = parts.path["wmktId"]
    return name if name.isprintable() else ""


def _campaign(parts: RequestParts, name: str) -> str:
    return parameters.object_id(parts.path[name], "campaign")


def _outlay(parts: RequestParts) -> str:
    return parameters.object_id(parts.path["outlayId"], "outlay")


def _nobodys_or(ident: str) -> str:
    """A filter by an id that cannot be one matches nothing."""
    try:
        return parameters.object_id(ident, "campaign")
    except NotFound:
        return "camp_0"


def _campaign_order(parts: RequestParts) -> list[dict[str, str]] | None:
    """`active` is false before true, and `active` the first of the graph's states."""
    asked = parameters.order(parts, CAMPAIGN_SORTS)
    if asked and asked[0]["field"] == "STATUS":
        return [{"field": "STATUS", "direction": "ASC" if asked[0]["direction"] == "DESC" else "DESC"}]
    return asked


def _target(sent: Fields) -> str | None:
    """Where an outlay moves to: an id, or an object that holds one (choice WM-C10)."""
    value = sent.values.get("campaignId")
    if isinstance(value, dict):
        value = value.get("id", value.get("_id"))
    if value is None or value == []:
        return None
    if not isinstance(value, str):
        raise Invalid(f"`campaignId` must be a campaign's id, not {kind_of(value)}.", path=["campaignId"])
    return parameters.object_id(value, "campaign")


def _amount(sent: Fields) -> str | None:
    """A number, or `{value}` as it is shown on reading (choice WM-C9)."""
    value = sent.values.get("amount")
    return sent.inside("amount").amount("value") if isinstance(value, dict) else sent.amount("amount")


def _currency(sent: Fields) -> str | None:
    """What the object says beside its value, which has to be the integration's."""
    return sent.inside("amount").text("currency") if isinstance(sent.values.get("amount"), dict) else None
