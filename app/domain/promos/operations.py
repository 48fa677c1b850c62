"""Making, changing and deleting promos."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, PROMO_BORDERS, borders
from app.domain.days import settle_days
from app.domain.promos.fields import PromoFields, check_coins, check_together
from app.domain.promos.rules import PromoType
from app.domain.rows import insert_row, update_row
from app.domain.settable import path_of, written
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.values.instants import as_day_alone, day_alone

_EDGES = ("valid_from", "valid_until")
_OWN_PROMO = (
    f"{PROMO_BORDERS} AND promo.id = $4 AND promo.deleted_at IS NULL"
    " AND ($2::bigint IS NULL AND $3::bigint[] IS NULL OR promo.campaign_id IS NOT NULL)"
)
"""A promo that may be changed here: under a narrower scope than the group, only one of a campaign in scope."""
_LOCK = f"SELECT promo.* FROM promo WHERE {_OWN_PROMO} FOR NO KEY UPDATE"
_DELETE = f"UPDATE promo SET deleted_at = $5, updated_at = $5 WHERE {_OWN_PROMO}"
_CAMPAIGN = f"""
SELECT currency FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
"""
_SEGMENT = "SELECT 1 FROM segment WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_TAKEN = """
SELECT 1 FROM promo
 WHERE group_id = $1 AND upper(code) = $2 AND deleted_at IS NULL AND id IS DISTINCT FROM $3
"""


async def create_promo(tx: Transaction, given: PromoFields, *, now: datetime) -> int:
    """A new promo; its id. Currency: its campaign's, else the group's.

    Under a narrower scope than the group it belongs to a campaign of that scope.
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
    await _check_free(tx, values["code"], None)
    row = {**values, "currency": currency, "used": 0, "created_at": now, "updated_at": now}
    return await insert_row(tx, "promo", row)


async def update_promo(tx: Transaction, promo_id: int, given: PromoFields, *, now: datetime) -> int:
    """Change what was sent; the id. Its currency stays: amounts are counted in it."""
    values = written(given)
    stored = await tx.fetchrow(_LOCK, *borders(tx.scope), promo_id)
    if stored is None:
        raise NotFound("promo", promo_id, path=["id"])
    if values.get("campaign_id", stored["campaign_id"]) != stored["campaign_id"]:
        # Its days are days where it lives now.
        kept = {name: stored[f"{name}_on"] for name in _EDGES if stored[f"{name}_on"] is not None}
        values = {name: as_day_alone(day) for name, day in kept.items()} | values
    await _settle_window(tx, values, values.get("campaign_id", stored["campaign_id"]))
    check_together({**stored, **values})
    # A type that is sent decides anew what the stored value is, and the other way round.
    asked = {name: {**stored, **values}[name] for name in ("type", "value")}
    check_coins(values | (asked if not asked.keys().isdisjoint(values) else {}), stored["currency"])
    if "campaign_id" in values or "segment_id" in values:
        asked = {name: values.get(name, stored[name]) for name in ("campaign_id", "segment_id")}
        currency = await _settled(tx, asked)
        if values.get("campaign_id") is not None and currency != stored["currency"]:
            raise Conflict(
                f"The promo counts in {stored['currency']}, this campaign in {currency}.",
                path=path_of(PromoFields, "campaign_id"),
                code="WRONG_CURRENCY",
            )
    limit = values.get("usage_limit")
    if limit is not None and limit < stored["used"]:
        raise Conflict(
            f"The promo was used {stored['used']} times already; its limit cannot be less.",
            path=path_of(PromoFields, "usage_limit"),
            code="LIMIT_BELOW_USED",
        )
    if "code" in values:
        await _check_free(tx, values["code"], promo_id)
    values["updated_at"] = now
    await update_row(tx, "promo", promo_id, values)
    return promo_id


async def delete_promo(tx: Transaction, promo_id: int, *, now: datetime) -> int:
    """Take a promo out of use; the id. Its uses stay on record, its code is free again."""
    if not await tx.execute(_DELETE, *borders(tx.scope), promo_id, now):
        raise NotFound("promo", promo_id, path=["id"])
    return promo_id


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
    return str(await tx.fetchval("SELECT currency FROM customer_group WHERE id = $1", tx.scope.group_id))


async def _check_free(tx: Transaction, code: str, own: int | None) -> None:
    # The unique index stops two at once; this only gives a better message earlier.
    if await tx.fetchval(_TAKEN, tx.scope.group_id, code, own):
        raise Conflict(
            f"Another promo of the group has the code {code} already.",
            path=["code"],
            code="PROMO_CODE_EXISTS",
        )
