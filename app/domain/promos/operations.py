"""Making, changing and deleting promos."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, PROMO_BORDERS, borders
from app.domain.days import settle_days
from app.domain.groups.finding import currency_of_group
from app.domain.inputs import Path
from app.domain.promos.book import take_in
from app.domain.promos.campaigns import link, oldest_of, unlink
from app.domain.promos.fields import PromoFields, check_coins, check_together
from app.domain.promos.terms import PromoType
from app.domain.rows import insert_row, update_row
from app.domain.settable import path_of, written
from app.errors import Conflict, Failure, Forbidden, Invalid, NotFound
from app.values.codes import code_key
from app.values.instants import as_day_alone, day_alone
from app.values.scope import ScopeShape

_EDGES = ("valid_from", "valid_until")
_LIMITS = frozenset({"usage_limit", "per_customer_limit", "first_order_only"})
OWN_PROMO = (
    f"{PROMO_BORDERS} AND promo.id = $4 AND promo.deleted_at IS NULL"
    " AND ($2::bigint IS NULL AND $3::bigint[] IS NULL OR promo.campaign_id IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM promo_campaign link WHERE link.group_id = $1 AND link.promo_id = promo.id AND NOT EXISTS"
    f" (SELECT 1 FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = link.campaign_id)))"
)
"""A promo that may be changed here: under a narrower scope than the group, only with all its campaigns in it."""
_SEEN = f"SELECT 1 FROM promo WHERE {PROMO_BORDERS} AND promo.id = $4 AND promo.deleted_at IS NULL"
_LOCK = f"SELECT promo.* FROM promo WHERE {OWN_PROMO} FOR NO KEY UPDATE"
_DELETE = f"UPDATE promo SET deleted_at = $5, updated_at = $5 WHERE {OWN_PROMO}"
_CAMPAIGN = f"""
SELECT currency FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
"""
_SEGMENT = "SELECT 1 FROM segment WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_TAKEN = """
SELECT 1 FROM promo
 WHERE group_id = $1 AND code_key = $2 AND deleted_at IS NULL AND id IS DISTINCT FROM $3
"""


async def create_promo(tx: Transaction, given: PromoFields, *, now: datetime) -> int:
    """A new promo; its id. Currency: its campaign's, else the group's.

    Under a narrower scope than the group it belongs to a campaign of that scope. It follows its campaign where it is
    given one and no dates, unless it says that it does not.
    """
    values = written(given)
    if values.get("type") in (PromoType.FREE_DELIVERY, PromoType.FREE_ITEM):
        values.setdefault("value", Decimal(0))
    for column in ("code", "type", "value"):
        if column not in values:
            raise Invalid(f"A promo needs a {column}.", path=path_of(PromoFields, column))
    await _settle_window(tx, values, values.get("campaign_id"))
    check_together(values)
    currency = await _settled(tx, values)
    check_coins(values, currency)
    values["code_key"] = code_key(values["code"])
    await _check_free(tx, values["code_key"], None)
    campaign_id = values.get("campaign_id")
    values.setdefault("follows_campaign", campaign_id is not None and not _has_dates(values))
    _check_following(values)
    row = {**values, "currency": currency, "used": 0, "created_at": now, "updated_at": now}
    made = await insert_row(tx, "promo", row)
    if campaign_id is not None:
        await link(tx, made, campaign_id, now=now)
    return made


async def update_promo(tx: Transaction, promo_id: int, given: PromoFields, *, now: datetime) -> int:
    """Change what was sent; the id. Its currency stays: amounts are counted in it."""
    values = written(given)
    stored = await held_promo(tx, promo_id, path=["id"])
    if values.get("campaign_id", stored["campaign_id"]) != stored["campaign_id"]:
        # Its days are days where it lives now.
        kept = {name: stored[f"{name}_on"] for name in _EDGES if stored[f"{name}_on"] is not None}
        values = {name: as_day_alone(day) for name, day in kept.items()} | values
    await _settle_window(tx, values, values.get("campaign_id", stored["campaign_id"]))
    _follow(stored, values)
    check_together({**stored, **values})
    # A type that is sent decides anew what the stored value is, and the other way round.
    asked = {name: {**stored, **values}[name] for name in ("type", "value")}
    check_coins(values | (asked if not asked.keys().isdisjoint(values) else {}), stored["currency"])
    if "campaign_id" in values or "segment_id" in values:
        asked = {name: values.get(name, stored[name]) for name in ("campaign_id", "segment_id")}
        currency = await _settled(tx, asked)
        if values.get("campaign_id") is not None and currency != stored["currency"]:
            raise _other_currency(stored["currency"], currency, path_of(PromoFields, "campaign_id"))
    limit = values.get("usage_limit")
    if limit is not None and limit < stored["used"]:
        raise Conflict(
            f"The promo was used {stored['used']} times already; its limit cannot be less.",
            path=path_of(PromoFields, "usage_limit"),
            code="LIMIT_BELOW_USED",
        )
    if "code" in values:
        values["code_key"] = code_key(values["code"])
        await _check_free(tx, values["code_key"], promo_id)
    values["updated_at"] = now
    if values.get("campaign_id", stored["campaign_id"]) != stored["campaign_id"]:
        await _change_first(tx, promo_id, stored["campaign_id"], values, now=now)
        _check_following({**stored, **values})
    await update_row(tx, "promo", promo_id, values)
    if not _LIMITS.isdisjoint(values):
        await take_in(tx, [promo_id])
    return promo_id


async def add_campaign(tx: Transaction, promo_id: int, campaign_id: int, *, now: datetime) -> int:
    """Let the promo belong to a further campaign, which covers its own time; the id. Twice is once."""
    stored = await held_promo(tx, promo_id, path=["promoId"])
    await link_campaign(tx, stored, campaign_id, now=now, path=["campaignId"])
    return promo_id


async def link_campaign(tx: Transaction, promo: Any, campaign_id: int, *, now: datetime, path: Path) -> None:
    """The same, for a promo's row that is held."""
    currency = await tx.fetchval(_CAMPAIGN, *borders(tx.scope), campaign_id)
    if currency is None:
        raise NotFound("campaign", campaign_id, path=path)
    if currency != promo["currency"] and promo["type"] != PromoType.PERCENTAGE:
        raise _other_currency(promo["currency"], currency, path)
    if await link(tx, promo["id"], campaign_id, now=now):
        first = promo["campaign_id"] if promo["campaign_id"] is not None else campaign_id
        await update_row(tx, "promo", promo["id"], {"campaign_id": first, "updated_at": now})


async def remove_campaign(tx: Transaction, promo_id: int, campaign_id: int, *, now: datetime) -> int:
    """Let the promo belong to a campaign no more; the id. Twice is once.

    The last one goes only from a promo that does not follow: it would hold never again.
    """
    stored = await held_promo(tx, promo_id, path=["promoId"])
    if not await unlink(tx, promo_id, campaign_id):
        if await tx.fetchval(_CAMPAIGN, *borders(tx.scope), campaign_id) is None:
            raise NotFound("campaign", campaign_id, path=["campaignId"])
        return promo_id
    oldest = await oldest_of(tx, promo_id)
    if oldest is None and tx.scope.shape is not ScopeShape.GROUP:
        raise Forbidden(
            "This credential is for a part of the group: a promo keeps one of its campaigns.",
            path=["campaignId"],
        )
    first = oldest if stored["campaign_id"] == campaign_id else stored["campaign_id"]
    values = {"campaign_id": first, "updated_at": now}
    _check_following({**stored, **values})
    await update_row(tx, "promo", promo_id, values)
    return promo_id


async def delete_promo(tx: Transaction, promo_id: int, *, now: datetime) -> int:
    """Take a promo out of use; the id. Its uses stay on record, its code is free again."""
    if not await tx.execute(_DELETE, *borders(tx.scope), promo_id, now):
        raise await not_to_change(tx, promo_id, path=["id"])
    return promo_id


async def held_promo(tx: Transaction, promo_id: int, *, path: Path) -> Any:
    """The promo's row, which may be changed in this scope, held; NotFound, or Forbidden where it can be seen here."""
    stored = await tx.fetchrow(_LOCK, *borders(tx.scope), promo_id)
    if stored is None:
        raise await not_to_change(tx, promo_id, path=path)
    return stored


async def not_to_change(tx: Transaction, promo_id: int, *, path: Path) -> Failure:
    """Why a promo cannot be changed here: there is none, or it is not only this scope's."""
    if not await tx.fetchval(_SEEN, *borders(tx.scope), promo_id):
        return NotFound("promo", promo_id, path=path)
    return Forbidden(
        "This credential is for a part of the group: it changes promos of its campaigns alone, and this one is the"
        " whole group's, or of campaigns elsewhere, too.",
        path=path,
    )


def _has_dates(values: Mapping[str, Any]) -> bool:
    return any(values.get(name) is not None for name in _EDGES)


def _follow(stored: Any, values: dict[str, Any]) -> None:
    """A promo without dates that is given its first campaign follows it, as a new one does; without any it cannot."""
    after: int | None = values.get("campaign_id", stored["campaign_id"])
    if "follows_campaign" in values or after == stored["campaign_id"]:
        if "follows_campaign" in values:
            _check_following({**stored, **values})
    elif after is None:
        values["follows_campaign"] = False
    elif stored["campaign_id"] is None:
        values["follows_campaign"] = not _has_dates({**stored, **values})


def _check_following(values: Mapping[str, Any]) -> None:
    if values["follows_campaign"] and values.get("campaign_id") is None:
        raise Invalid(
            "A promo that follows its campaign needs one.",
            path=path_of(PromoFields, "follows_campaign"),
            code="CAMPAIGN_MISSING",
        )


async def _change_first(
    tx: Transaction, promo_id: int, before: int | None, values: dict[str, Any], *, now: datetime
) -> None:
    """The first campaign is another one, or none: then the oldest of those that are left is it."""
    if before is not None:
        await unlink(tx, promo_id, before)
    if values["campaign_id"] is not None:
        await link(tx, promo_id, values["campaign_id"], now=now)
        return
    oldest = await oldest_of(tx, promo_id)
    values["campaign_id"] = oldest
    if oldest is not None and values.get("follows_campaign") is False:
        del values["follows_campaign"]


def _other_currency(own: str, theirs: str, path: Path) -> Conflict:
    return Conflict(
        f"The promo counts in {own}, this campaign in {theirs}.", path=path, code="WRONG_CURRENCY"
    )


async def _settle_window(tx: Transaction, values: dict[str, Any], campaign_id: int | None) -> None:
    """Days alone are kept as days, and as the moments they mean in the campaign's store, else in the group."""
    values |= {f"{name}_on": day_alone(values[name]) for name in _EDGES if name in values}
    await settle_days(tx, values, starts=("valid_from",), ends=("valid_until",), campaign_id=campaign_id)


async def _settled(tx: Transaction, values: dict[str, Any]) -> str:
    """Check what the promo refers to; returns the currency it counts in."""
    campaign_id, segment_id = values.get("campaign_id"), values.get("segment_id")
    if segment_id is not None and not await tx.fetchval(_SEGMENT, tx.scope.group_id, segment_id):
        raise NotFound("segment", segment_id, path=path_of(PromoFields, "segment_id"))
    if campaign_id is not None:
        currency = await tx.fetchval(_CAMPAIGN, *borders(tx.scope), campaign_id)
        if currency is None:
            raise NotFound("campaign", campaign_id, path=path_of(PromoFields, "campaign_id"))
        return str(currency)
    if tx.scope.store_id is not None or tx.scope.project_ids is not None:
        raise Forbidden(
            "This credential is for a part of the group: name one of its campaigns.",
            path=path_of(PromoFields, "campaign_id"),
        )
    return await currency_of_group(tx)


async def _check_free(tx: Transaction, code: str, own: int | None) -> None:
    # The unique index stops two at once; this only gives a better message earlier.
    if await tx.fetchval(_TAKEN, tx.scope.group_id, code, own):
        raise Conflict(
            f"Another promo of the group has the code {code} already.",
            path=["code"],
            code="PROMO_CODE_EXISTS",
        )
