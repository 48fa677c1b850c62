"""From the Criteo API's requests to the graph's variables.

Source: Criteo, "Create a campaign", "Searching Campaigns", "Update Campaigns". Ids come as texts or numbers, an amount
as a number or as `{"value": n}`, which is how the vendor's SDKs send them (CR-C12).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.domain.spend.operations import MAX_CHANGES
from app.domain.spend.rules import LIMIT_INVALID
from app.errors import Invalid, TooLarge
from app.plan.checking import MAX_ITEMS
from app.rest.failing import MALFORMED_BODY
from app.rest.fields import Fields
from app.rest.route import RequestParts
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from app.values.json_text import kind_of
from app.values.money import show_decimal
from app.values.systems import CRITEO

LIST_CAP = 1000
"""The most campaigns a search answers with."""
KIND = "Campaign"
GOALS = {"Acquisition": "ACQUISITION", "Retention": "RETENTION"}
"""The goals a campaign can be given; older campaigns have `Unspecified`."""
UNDEFINED = "undefined"
"""The renewal of what is uncapped (CR-C7)."""
WRONG_TYPE = "WRONG_TYPE"
_MAX_DIGITS = 20


def campaign(parts: RequestParts) -> dict[str, Any]:
    """The number of the path. What cannot be stored names no campaign."""
    number = parts.path["campaign_id"]
    return {"id": f"{CRITEO}:{number if number.isprintable() else ''}"}


def search(parts: RequestParts) -> dict[str, Any]:
    """Both filters must match; one that is absent, null or empty matches everything."""
    filters = Fields.of_body(parts.body).inside("filters")
    wanted = {
        "ids": _numbers(filters, "campaignIds"),
        "storeIds": _numbers(filters, "advertiserIds"),
    }
    return {"first": LIST_CAP, "filter": {name: given for name, given in wanted.items() if given}}


def create(parts: RequestParts) -> dict[str, Any]:
    """`data` has type and attributes. An id in it is ignored: the server assigns one."""
    body = Fields.of_body(parts.body)
    if not isinstance(body.values.get("data"), dict):
        raise Invalid(
            "`data` must be an object with `type` and `attributes`.", path=["data"], code=MALFORMED_BODY
        )
    data = body.inside("data")
    if data.text("type") != KIND:
        raise Invalid(f"`data.type` must be {KIND}.", path=["data", "type"], code=WRONG_TYPE)
    sent = data.inside("attributes")
    goal = sent.text("goal")
    if goal not in GOALS:
        raise Invalid("`goal` is required: Acquisition or Retention.", path=[*sent.path, "goal"])
    advertiser = number_of(sent.values.get("advertiserId"))
    if advertiser is None:
        raise Invalid('`advertiserId` is required, for example "12345".', path=[*sent.path, "advertiserId"])
    order: dict[str, Any] = {
        "name": sent.needed("name", sent.text("name"), '"My Campaign"'),
        "storeId": f"{CRITEO}:{advertiser}",
        "objective": GOALS[goal],
    }
    limit = read_limit(sent.values.get("spendLimit"), [*sent.path, "spendLimit"])
    return {"input": {**order, **({"spendLimit": limit} if limit else {})}}


@dataclass(frozen=True, slots=True)
class Item:
    """One of the updates in a PATCH: what to ask the graph for, or why not to."""

    index: int
    id: str = ""
    """Empty where there was none that can be read."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """The change as the graph takes it; empty where the update is at fault."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """The attributes as they came."""
    fault: str = ""
    """A code of ours."""
    why: str = ""


def items_of(body: object) -> list[Item]:
    """The updates, in their order. Only what is not a list of updates at all is refused as a whole (CR-C4)."""
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise Invalid(
            "The body must be an object whose `data` is an array of campaigns.", code=MALFORMED_BODY
        )
    count = len(body["data"])
    if count > MAX_CHANGES:
        raise TooLarge(f"There are {count} updates; at most {MAX_CHANGES} are taken at once.", path=["data"])
    return [_item(index, given) for index, given in enumerate(body["data"])]


def update(parts: RequestParts) -> dict[str, Any]:
    """All updates that name a campaign, so that one named twice is noticed, whichever numbers were used (CR-C5).

    Those at fault ask for no change.
    """
    items = [{"id": f"{CRITEO}:{item.id}", **item.asked} for item in items_of(parts.body) if item.id]
    return {"input": {"items": items}}


def read_limit(given: object, path: Sequence[str | int]) -> dict[str, Any]:
    """A spend limit as the graph takes it. Of an uncapped one neither renewal nor amount is read (CR-14)."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _wrong(f"`spendLimit` must be an object, not {kind_of(given)}.", path)
    kind = given.get("spendLimitType")
    if kind is not None and kind not in list(SpendLimitType):
        raise _wrong("`spendLimitType` must be capped or uncapped.", [*path, "spendLimitType"])
    if kind == SpendLimitType.UNCAPPED:
        return {"type": "UNCAPPED"}
    asked: dict[str, Any] = {} if kind is None else {"type": "CAPPED"}
    if "spendLimitRenewal" in given:
        renewal = given["spendLimitRenewal"]
        if renewal not in (None, UNDEFINED, *SpendLimitRenewal):
            raise _wrong(
                "`spendLimitRenewal` must be daily, monthly or lifetime.", [*path, "spendLimitRenewal"]
            )
        asked["renewal"] = None if renewal in (None, UNDEFINED) else renewal.upper()
    if "spendLimitAmount" in given:
        asked["amount"] = _amount(given["spendLimitAmount"], [*path, "spendLimitAmount"])
    return asked


def number_of(given: object) -> str | None:
    """An id, sent as a text or as a number."""
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    return given if isinstance(given, str) and given.isprintable() and given else None


def _item(index: int, given: object) -> Item:
    if not isinstance(given, dict):
        return Item(index, fault=MALFORMED_BODY, why=f"Each update is an object, not {kind_of(given)}.")
    ident = number_of(given.get("id"))
    if ident is None:
        return Item(index, fault="INVALID", why='`id` is required, for example "99999".')
    sent = given.get("attributes")
    sent = {} if sent is None else sent
    if given.get("type", KIND) != KIND:
        return Item(index, ident, fault=WRONG_TYPE, why=f"`type` must be {KIND}.")
    if not isinstance(sent, dict):
        return Item(
            index, ident, fault="INVALID", why=f"`attributes` must be an object, not {kind_of(sent)}."
        )
    try:
        limit = read_limit(sent.get("spendLimit"), ["spendLimit"])
    except Invalid as wrong:
        return Item(index, ident, fault=wrong.reason, why=wrong.message)
    asked: dict[str, Any] = {}
    if limit:
        asked["spendLimit"] = limit
    if isinstance(goal := sent.get("goal"), str) and goal in GOALS:
        asked["objective"] = GOALS[goal]
    return Item(index, ident, asked, sent)


def _amount(given: object, path: Sequence[str | int]) -> str | None:
    value = given.get("value") if isinstance(given, dict) else given
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _wrong(f"`spendLimitAmount` must be a number, not {kind_of(value)}.", path)
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_MAX_DIGITS or number.adjusted() >= _MAX_DIGITS:
        raise _wrong(f"`spendLimitAmount` has at most {_MAX_DIGITS} digits.", path)
    return show_decimal(number)


def _numbers(filters: Fields, name: str) -> list[str]:
    given = filters.values.get(name)
    if given is None:
        return []
    if isinstance(given, list) and len(given) > MAX_ITEMS:
        raise TooLarge(
            f"`{name}` has {len(given)} ids; at most {MAX_ITEMS} are taken at once.", path=["filters", name]
        )
    numbers = [number_of(one) for one in given] if isinstance(given, list) else [None]
    if None in numbers:
        raise Invalid(f'`{name}` must be an array of ids like "12345".', path=["filters", name])
    return [f"{CRITEO}:{number}" for number in numbers if number is not None]


def _wrong(message: str, path: Sequence[str | int]) -> Invalid:
    return Invalid(message, path=path, code=LIMIT_INVALID)
