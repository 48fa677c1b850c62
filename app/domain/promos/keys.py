"""What a key stands for: uses that were redeemed with it, or told by an order with it as its reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from app.db.database import Transaction
from app.domain.promos.judging import Asked
from app.errors import Conflict
from app.values.codes import code_key
from app.values.instants import show_instant
from app.values.money import show_amount

_MAX_EARLIER = 20
"""How many former uses a redemption remembers."""
# Held, so that nobody gives it back, or redeems it again, meanwhile.
SAME_KEY = """
SELECT r.id, r.promo_id, r.code_id, r.customer_id, r.store_id, r.place, r.asked, r.basket_total, r.discount, r.currency,
       r.redeemed_at, r.released_at, r.is_beyond_limit, r.earlier::text AS earlier,
       coalesce(c.code, p.code_key) AS code
  FROM promo_redemption r JOIN promo p ON p.group_id = $1 AND p.id = r.promo_id
  LEFT JOIN promo_code c ON c.group_id = $1 AND c.id = r.code_id
 WHERE r.group_id = $1 AND r.key = $2 ORDER BY r.id FOR NO KEY UPDATE OF r
"""
_PEOPLE = """
WITH RECURSIVE person AS (
  SELECT coalesce(merged_into_id, id) AS id, 0 AS since FROM customer WHERE group_id = $1 AND id = $2
  UNION
  SELECT m.from_id, 1 FROM customer_merge m JOIN person ON m.into_id = person.id
   WHERE m.group_id = $1 AND m.undone_at IS NULL)
SELECT id FROM person ORDER BY since, id
"""


@dataclass(slots=True)
class Known:
    """What is on record of a key, held."""

    told: list[Any] = field(default_factory=list)
    """By calls, in the places of their codes."""
    of_orders: dict[int, Any] = field(default_factory=dict)
    """By an order with the key as its reference, by promo."""


async def known_of(tx: Transaction, key: str) -> Known:
    """The uses with this key; Conflict where they are another store's."""
    known = Known()
    for row in await tx.fetch(SAME_KEY, tx.scope.group_id, key):
        if tx.scope.store_id not in (None, row["store_id"]):
            raise key_taken()
        if row["place"] is None:
            known.of_orders[row["promo_id"]] = row
        else:
            known.told.append(row)
    known.told.sort(key=lambda row: row["place"])
    return known


async def people_of(tx: Transaction, customer_id: int | None) -> list[int | None]:
    """Whose ids stand for this customer: the one that is left of those that were merged, then theirs."""
    if customer_id is None:
        return [None]
    rows = await tx.fetch(_PEOPLE, tx.scope.group_id, customer_id)
    return [row["id"] for row in rows] or [customer_id]


def check_same(
    tx: Transaction, told: Sequence[Any], asked: Asked, digest: str, people: Sequence[int | None]
) -> None:
    """Whether this key stands for what is asked now. What was given back may come again with another basket."""
    same_question = {digest} | {digest_of(tx, replace(asked, customer_id=one)) for one in people}
    if all(row["asked"] in same_question for row in told):
        return
    same = [row["code"] for row in told] == [code_key(code) for code in asked.codes]
    same = same and all(row["customer_id"] in people for row in told)
    if any(row["released_at"] is None for row in told):
        # What came from elsewhere, or before digests were kept, is known by less.
        store_id = store_of(tx, asked)
        same = same and all(
            row["asked"] is None
            and row["basket_total"] == asked.basket.total
            and (store_id is None or row["store_id"] == store_id)
            for row in told
        )
    if not same:
        raise key_taken()


def store_of(tx: Transaction, asked: Asked) -> int | None:
    """Where it is bought: the credential's store unless said."""
    return asked.store_id if asked.store_id is not None else tx.scope.store_id


def digest_of(tx: Transaction, asked: Asked) -> str:
    """Stands for everything that was asked; a text that is the same for the same question."""
    basket = asked.basket
    told = (
        [code_key(code) for code in asked.codes],
        asked.customer_id,
        store_of(tx, asked),
        basket.currency,
        _plain(basket.delivery_fee),
        [(line.sku, line.category, line.quantity, _plain(line.unit_price)) for line in basket.lines],
    )
    return sha256(msgspec.json.encode(told)).hexdigest()


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def earlier_of(row: Any) -> str | None:
    """What the row remembers, and what it was until now where that was given back."""
    kept = msgspec.json.decode(row["earlier"]) if row["earlier"] else []
    if row["released_at"] is not None:
        kept.append(
            {
                "redeemedAt": show_instant(row["redeemed_at"]),
                "releasedAt": show_instant(row["released_at"]),
                "discount": show_amount(row["discount"], row["currency"]),
            }
        )
    return msgspec.json.encode(kept[-_MAX_EARLIER:]).decode() if kept else None


def key_taken() -> Conflict:
    """Of a key that stands for something else."""
    return Conflict(
        "This key stands for another use; every use has a key of its own.", path=["key"], code="KEY_REUSED"
    )


__all__ = [
    "SAME_KEY",
    "Known",
    "check_same",
    "digest_of",
    "earlier_of",
    "key_taken",
    "known_of",
    "people_of",
    "store_of",
]
