"""Using promos: checking one, redeeming it, giving the use back.

Each limit is enforced by one conditional statement, whoever else redeems at the same moment. Rows are taken in one
order everywhere (redemption, customer's counter, promo), so uses and releases cannot deadlock; the promo's row,
which all its customers share, comes last and is held for the shortest time.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CUSTOMER_BORDERS, PROMO_BORDERS, borders
from app.domain.promos.fields import terms_of
from app.domain.promos.membership import buyer_of, customer_of
from app.domain.promos.rules import (
    Basket,
    PromoVerdict,
    RefusalReason,
    judge_promo,
    used_up,
    used_up_by_customer,
)
from app.errors import Conflict, Failure, Invalid, NotFound, Several
from app.values.money import MAX_AMOUNT
from app.values.numbers import MAX_SAFE_INTEGER

MAX_LINES = 1_000
MAX_KEY = 255
_BY_CODE = f"""
SELECT promo.*, promo.applies_to::text AS applies_to_text
  FROM promo WHERE {PROMO_BORDERS} AND upper(promo.code) = $4 AND promo.deleted_at IS NULL
"""
_RECORD = """
INSERT INTO promo_redemption
  (group_id, promo_id, customer_id, store_id, key, basket_total, discount, currency, redeemed_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
ON CONFLICT (group_id, key) DO NOTHING RETURNING id
"""
_SAME_KEY = """
SELECT r.id, r.promo_id, r.customer_id, upper(p.code) AS code FROM promo_redemption r
  JOIN promo p ON p.group_id = $1 AND p.id = r.promo_id
 WHERE r.group_id = $1 AND r.key = $2 AND ($3::bigint IS NULL OR r.store_id = $3)
"""
# The customer's counter exists from the first use on; a limit of 0 lets nobody through.
_COUNT_CUSTOMER = f"""
INSERT INTO promo_usage AS usage (group_id, promo_id, customer_id, used)
SELECT $1, $2, $3, 1 WHERE coalesce($4::bigint, 1) > 0
ON CONFLICT (group_id, promo_id, customer_id)
DO UPDATE SET used = usage.used + 1 WHERE usage.used < coalesce($4::bigint, {MAX_SAFE_INTEGER})
RETURNING used
"""
# `updated_at` stands for the terms that were judged: uses do not move it, changes of the promo do.
_COUNT_PROMO = f"""
UPDATE promo SET used = used + 1
 WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL AND updated_at = $3
   AND used < coalesce(usage_limit, {MAX_SAFE_INTEGER})
RETURNING used
"""
_RELEASE = f"""
UPDATE promo_redemption r SET released_at = $5
 WHERE r.group_id = $1 AND r.id = $4 AND r.released_at IS NULL
   AND ($2::bigint IS NULL OR r.store_id = $2) AND $3::bigint[] IS NULL
   AND (r.customer_id IS NULL OR EXISTS
        (SELECT 1 FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = r.customer_id))
RETURNING r.promo_id, r.customer_id
"""
_RELEASED = """
SELECT 1 FROM promo_redemption r
 WHERE r.group_id = $1 AND r.id = $4 AND ($2::bigint IS NULL OR r.store_id = $2) AND $3::bigint[] IS NULL
"""
_UNCOUNT_CUSTOMER = """
UPDATE promo_usage SET used = used - 1
 WHERE group_id = $1 AND promo_id = $2 AND customer_id = $3 AND used > 0
"""
_UNCOUNT_PROMO = "UPDATE promo SET used = used - 1 WHERE group_id = $1 AND id = $2 AND used > 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A code, a basket, and optionally who buys where."""

    code: str
    basket: Basket
    customer_id: int | None = None
    store_id: int | None = None


@dataclass(frozen=True, slots=True)
class Validated:
    """What a promo would take off; `promo_id` is None where there is no such code."""

    promo_id: int | None
    currency: str | None
    verdict: PromoVerdict


async def validate(tx: Transaction, asked: Asked, *, now: datetime) -> Validated:
    """What redeeming would do, without doing it: the discount, or every reason why not."""
    check_basket(asked.basket)
    promo = await _promo(tx, asked.code)
    if promo is None:
        if asked.customer_id is not None:
            await customer_of(tx, asked.customer_id)
        return Validated(None, None, PromoVerdict(Decimal(0), (_no_code(asked.code),)))
    check_coins_of(asked.basket, promo["currency"])
    verdict = await _judged(tx, promo, asked, now=now)
    return Validated(promo["id"], promo["currency"], verdict)


async def redeem(tx: Transaction, asked: Asked, *, key: str, now: datetime) -> int:
    """Use the promo once; the redemption's id. The same key again is the same use, even if it was released since.

    Several (codes as in `validate`) has every reason why not; nothing is changed then.
    """
    key = inputs.text(key, ["key"], longest=MAX_KEY, blank=False)
    check_basket(asked.basket)
    # Before anything is judged: the use behind this key may have been the last one allowed.
    known = await _use_of(tx, asked, key)
    if known is not None:
        return known
    promo = await _promo(tx, asked.code)
    if promo is None:
        raise _refusal(_no_code(asked.code))
    check_coins_of(asked.basket, promo["currency"])
    verdict = await _judged(tx, promo, asked, now=now)
    if not verdict.valid:
        raise Several([_refusal(reason) for reason in verdict.reasons])
    return await _use(tx, promo, asked, verdict.discount, key=key, now=now)


async def release(tx: Transaction, redemption_id: int, *, now: datetime) -> int:
    """Give a use back, as when an order is cancelled; the redemption's id. Doing it twice changes nothing more."""
    row = await tx.fetchrow(_RELEASE, *borders(tx.scope), redemption_id, now)
    if row is None:
        if not await tx.fetchval(_RELEASED, *borders(tx.scope), redemption_id):
            raise NotFound("redemption", redemption_id, path=["id"])
        return redemption_id
    if row["customer_id"] is not None:
        await tx.execute(_UNCOUNT_CUSTOMER, tx.scope.group_id, row["promo_id"], row["customer_id"])
    await tx.execute(_UNCOUNT_PROMO, tx.scope.group_id, row["promo_id"])
    return redemption_id


def check_basket(basket: Basket) -> None:
    """Amounts and counts within their bounds."""
    if len(basket.lines) > MAX_LINES:
        raise Invalid(f"A basket has at most {MAX_LINES} lines.", path=["basket", "lines"])
    for at, line in enumerate(basket.lines):
        path = ["basket", "lines", str(at)]
        inputs.amount(line.unit_price, [*path, "unitPrice"])
        if not 1 <= line.quantity <= 1_000_000:
            raise Invalid("`quantity` lies between 1 and 1000000.", path=[*path, "quantity"])
    inputs.amount(basket.delivery_fee, ["basket", "deliveryFee"])
    if basket.total > MAX_AMOUNT:
        raise Invalid("The basket adds up to more than can be stored.", path=["basket"], code="TOO_MUCH")


def check_coins_of(basket: Basket, currency: str) -> None:
    """Its amounts are in whole coins of its own currency, else of the promo's."""
    counted = basket.currency if basket.currency is not None else currency
    for at, line in enumerate(basket.lines):
        inputs.coins(line.unit_price, counted, ["basket", "lines", str(at), "unitPrice"])
    inputs.coins(basket.delivery_fee, counted, ["basket", "deliveryFee"])


async def _promo(tx: Transaction, code: str) -> Any:
    return await tx.fetchrow(_BY_CODE, *borders(tx.scope), _plain(code))


async def _judged(tx: Transaction, promo: Any, asked: Asked, *, now: datetime) -> PromoVerdict:
    buyer = await buyer_of(tx, promo, asked.customer_id, asked.store_id, now=now)
    return judge_promo(terms_of(promo), asked.basket, buyer, now=now)


async def _use_of(tx: Transaction, asked: Asked, key: str) -> int | None:
    """The use with this key; Conflict where it is another promo's or customer's."""
    same = await tx.fetchrow(_SAME_KEY, tx.scope.group_id, key, tx.scope.store_id)
    if same is None:
        return None
    if same["code"] != _plain(asked.code) or same["customer_id"] != asked.customer_id:
        raise _key_taken()
    return int(same["id"])


async def _use(
    tx: Transaction, promo: Any, asked: Asked, discount: Decimal, *, key: str, now: datetime
) -> int:
    group_id, promo_id = tx.scope.group_id, promo["id"]
    store_id = asked.store_id if asked.store_id is not None else tx.scope.store_id
    with refusals():
        made = await tx.fetchval(
            _RECORD,
            group_id,
            promo_id,
            asked.customer_id,
            store_id,
            key,
            asked.basket.total,
            discount,
            promo["currency"],
            now,
        )
    if made is None:  # Another request used the same key a moment ago.
        known = await _use_of(tx, asked, key)
        if known is None:
            raise _key_taken()
        return known
    limit = promo["per_customer_limit"]
    if asked.customer_id is not None:
        counted = await tx.fetchval(_COUNT_CUSTOMER, group_id, promo_id, asked.customer_id, limit)
        if counted is None:
            raise _refusal(used_up_by_customer(limit))
    if await tx.fetchval(_COUNT_PROMO, group_id, promo_id, promo["updated_at"]) is None:
        again = await _promo(tx, asked.code)
        if again is not None and again["updated_at"] == promo["updated_at"]:
            raise _refusal(used_up(promo["usage_limit"]))
        raise Conflict(
            "The promo was changed at the same moment; try again.", path=["code"], code="PROMO_CHANGED"
        )
    return int(made)


def _plain(code: str) -> str:
    return code.strip().upper()


def _no_code(code: str) -> RefusalReason:
    return RefusalReason("UNKNOWN_CODE", f"There is no promo {code[:40]!r} here.", ("code",))


def _refusal(reason: RefusalReason) -> Failure:
    if reason.code in {"UNKNOWN_CODE", "CUSTOMER_NEEDED", "STORE_NEEDED"}:
        return Invalid(reason.message, path=reason.path, code=reason.code)
    return Conflict(reason.message, path=reason.path, code=reason.code)


def _key_taken() -> Conflict:
    return Conflict(
        "This key stands for another use; every use has a key of its own.", path=["key"], code="KEY_REUSED"
    )
