"""Using promos: checking codes, redeeming them, giving uses back.

A key is one use of one code or several, all or nothing. The same key with the same question is the same use; with
another one it is a Conflict, `KEY_REUSED`. One that was given back counts again when it is redeemed again: it is judged
anew, its row is the same, and `earlier` keeps what it was. An order with the key as its reference is the same use
(`of_orders.py`).

Each limit is enforced by one conditional statement, whoever else redeems at the same moment; rows are taken in the
order of `book.py`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.heirs import heir_of
from app.domain.promos.book import Use, finish, settle
from app.domain.promos.campaigns import ONE_RUNS
from app.domain.promos.discounts import Amounts
from app.domain.promos.finding import Found
from app.domain.promos.judging import Asked, Validated, check_basket, judged, refusal
from app.domain.promos.keys import (
    SAME_KEY,
    check_same,
    digest_of,
    earlier_of,
    key_taken,
    known_of,
    people_of,
    store_of,
)
from app.domain.promos.rules import code_used, used_up, used_up_by_customer
from app.errors import Conflict, Failure, NotFound, Several
from app.values.money import show_amount
from app.values.numbers import MAX_SAFE_INTEGER

MAX_KEY = 255
_RECORD = """
INSERT INTO promo_redemption
  (group_id, promo_id, code_id, customer_id, store_id, key, place, asked, basket_total, discount, line_discounts,
   currency, redeemed_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
ON CONFLICT DO NOTHING RETURNING id
"""
_AGAIN = """
UPDATE promo_redemption
   SET code_id = $3, customer_id = $4, store_id = $5, place = $6, asked = $7, basket_total = $8, discount = $9,
       line_discounts = $10, currency = $11, redeemed_at = $12, earlier = $13, released_at = NULL,
       is_given_back_by_order = false, is_beyond_limit = false
 WHERE group_id = $1 AND id = $2
"""
# A code to be used once. Whoever else wants it waits for this row.
_TAKE_CODE = """
UPDATE promo_code SET redeemed_at = $3
 WHERE group_id = $1 AND id = $2 AND redeemed_at IS NULL AND disabled_at IS NULL RETURNING id
"""
# The customer's counter exists from the first use on; a limit of 0 lets nobody through.
_COUNT_CUSTOMER = f"""
INSERT INTO promo_usage AS usage (group_id, promo_id, customer_id, used)
SELECT $1, $2, $3, 1 WHERE coalesce($4::bigint, 1) > 0
ON CONFLICT (group_id, promo_id, customer_id)
DO UPDATE SET used = usage.used + 1 WHERE usage.used < coalesce($4::bigint, {MAX_SAFE_INTEGER})
RETURNING used
"""
# `updated_at` stands for the terms that were judged: uses do not move it, changes of the promo do. Its campaigns are
# looked at again, since they change without it.
_COUNT_PROMO = f"""
UPDATE promo SET used = used + 1
 WHERE group_id = $1 AND id = $4 AND deleted_at IS NULL AND updated_at = $5
   AND used + used_beyond_limit < coalesce(usage_limit, {MAX_SAFE_INTEGER}) AND {ONE_RUNS.replace("{now}", "$6")}
RETURNING used
"""
# One that an order told when there was no place: it stands already, and there is one now.
_TAKE_IN_PROMO = (
    _COUNT_PROMO.replace(
        "SET used = used + 1", "SET used = used + 1, used_beyond_limit = used_beyond_limit - 1"
    )
).replace("AND used + used_beyond_limit <", "AND used_beyond_limit > 0 AND used <")
_HOLD_CODE = "SELECT 1 FROM promo_code WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE"
_HAS_PLACE = """
SELECT 1 FROM promo_redemption
 WHERE group_id = $1 AND code_id = $2 AND id <> $3 AND released_at IS NULL AND NOT is_beyond_limit LIMIT 1
"""
_USED_UP = """
SELECT used + used_beyond_limit >= usage_limit AND updated_at = $3 AND deleted_at IS NULL FROM promo
 WHERE group_id = $1 AND id = $2
"""
_KEY_OF = f"""
SELECT r.key FROM promo_redemption r
 WHERE r.group_id = $1 AND r.id = $4 AND ($2::bigint IS NULL OR r.store_id = $2) AND $3::bigint[] IS NULL
   AND (r.customer_id IS NULL OR r.released_at IS NOT NULL OR EXISTS
        (SELECT 1 FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = r.customer_id))
"""
_RELEASE = """
UPDATE promo_redemption SET released_at = $3, is_given_back_by_order = false WHERE group_id = $1 AND id = ANY ($2)
"""


class _Meanwhile(Exception):
    """Another request used the same key a moment ago."""


async def validate(tx: Transaction, asked: Asked, *, now: datetime) -> list[Validated]:
    """What redeeming would do, without doing it: of each code the discount, or every reason why not."""
    check_basket(asked.basket)
    return await judged(tx, await _of_heir(tx, asked), now=now)


async def redeem(tx: Transaction, asked: Asked, *, key: str, now: datetime) -> int:
    """Use the promo of one code once; the redemption's id."""
    return (await redeem_all(tx, asked, key=key, now=now))[0]


async def redeem_all(tx: Transaction, asked: Asked, *, key: str, now: datetime) -> list[int]:
    """Use every code once, or none; the redemptions' ids, in the order of the codes.

    Several (codes as in `validate`) has every reason why not; nothing is changed then.
    """
    key = inputs.text(key, ["key"], longest=MAX_KEY, blank=False)
    check_basket(asked.basket)
    for _ in range(3):
        try:
            if not asked.also:
                return await _redeemed(tx, asked, key=key, now=now)
            # What was recorded of the first codes goes where a later one was recorded by somebody else.
            async with tx.savepoint():
                return await _redeemed(tx, asked, key=key, now=now)
        except _Meanwhile:
            continue
    raise key_taken()


async def release(tx: Transaction, redemption_id: int, *, now: datetime) -> int:
    """Give a use back, as when a cart is left; the redemption's id. Doing it twice changes nothing more."""
    await release_all(tx, redemption_id, now=now)
    return redemption_id


async def release_all(tx: Transaction, redemption_id: int, *, now: datetime) -> list[int]:
    """The same; the ids of all that were used with its key, in the order of the codes.

    Codes that were used with one key were used together, and are given back together.
    """
    key = await tx.fetchval(_KEY_OF, *borders(tx.scope), redemption_id)
    if key is None:
        raise NotFound("redemption", redemption_id, path=["id"])
    rows = await tx.fetch(SAME_KEY, tx.scope.group_id, key)
    is_told = any(row["id"] == redemption_id and row["place"] is not None for row in rows)
    together = [row for row in rows if row["id"] == redemption_id or (is_told and row["place"] is not None)]
    gone = [row for row in together if row["released_at"] is None]
    if gone:
        await tx.execute(_RELEASE, tx.scope.group_id, [row["id"] for row in gone], now)
        uses = [
            Use(
                row["promo_id"],
                row["customer_id"],
                row["code_id"],
                row["redeemed_at"],
                is_beyond=row["is_beyond_limit"],
            )
            for row in gone
        ]
        await finish(tx, await settle(tx, gone=uses, now=now), now=now)
    return [row["id"] for row in sorted(together, key=lambda row: row["place"] or 0)]


async def _of_heir(tx: Transaction, asked: Asked, *, holds: bool = False) -> Asked:
    """Whoever was joined with another customer is that one."""
    if asked.customer_id is None:
        return asked
    return replace(asked, customer_id=await heir_of(tx, asked.customer_id, holds=holds))


async def _redeemed(tx: Transaction, asked: Asked, *, key: str, now: datetime) -> list[int]:
    digest = digest_of(tx, asked)  # Of what was asked, whoever the customer has turned out to be since.
    asked = await _of_heir(tx, asked, holds=True)
    known = await known_of(tx, key)
    # Before anything is judged: the use behind this key may have been the last one allowed.
    people: list[int | None] = [asked.customer_id]
    if any(row["asked"] != digest for row in known.told) or known.of_orders:
        # Whoever was merged is the one that is left.
        people = await people_of(tx, asked.customer_id)
        asked = replace(asked, customer_id=people[0])
    if known.told:
        check_same(tx, known.told, asked, digest, people)
        if any(row["released_at"] is None for row in known.told):
            return [row["id"] for row in known.told]
    if any(asked.customer_id not in (None, row["customer_id"]) for row in known.of_orders.values()):
        raise key_taken()  # The order is somebody else's.
    counting = {promo: row for promo, row in known.of_orders.items() if row["released_at"] is None}
    validated = await judged(tx, asked, now=now, counted=counting)
    failures = [refusal(reason) for one in validated for reason in one.verdict.reasons]
    if failures:
        raise Several(failures)
    for one in validated:
        row = counting.get(one.found.promo_id) if one.found is not None else None
        if row is not None and one.found is not None and row["code_id"] != one.found.code_id:
            raise key_taken()  # The order came with another of the promo's codes.
    rows = {row["promo_id"]: row for row in known.told} | known.of_orders
    made: list[int] = []
    with refusals():
        for place, one in enumerate(validated):
            assert one.found is not None
            row = rows.get(one.found.promo_id)
            made.append(
                await _recorded(tx, one, asked, key=key, place=place, digest=digest, row=row, now=now)
            )
        await _count(tx, validated, asked, counting, now=now)
    return made


async def _recorded(
    tx: Transaction,
    one: Validated,
    asked: Asked,
    *,
    key: str,
    place: int,
    digest: str,
    row: Any,
    now: datetime,
) -> int:
    """The redemption's row, new or again; its id."""
    found = one.found
    assert found is not None
    discount, currency = one.verdict.discount, found.terms.currency
    lines = _lines_kept(one.verdict.taken, currency)
    group_id, total, store_id = tx.scope.group_id, asked.basket.total, store_of(tx, asked)
    if row is None:
        made = await tx.fetchval(
            _RECORD, group_id, found.promo_id, found.code_id, asked.customer_id, store_id, key, place, digest,
            total, discount, lines, currency, now,
        )  # fmt: skip
        if made is None:
            raise _Meanwhile
        return int(made)
    since = found.row["used_as_of"]
    # What was counted elsewhere stays among what was.
    stays = row["released_at"] is None or (since is not None and row["redeemed_at"] <= since)
    await tx.execute(
        _AGAIN, group_id, row["id"], found.code_id,
        row["customer_id"] if row["released_at"] is None else asked.customer_id, store_id or row["store_id"], place,
        digest, total, discount, lines, currency,
        row["redeemed_at"] if stays else now, earlier_of(row),
    )  # fmt: skip
    return int(row["id"])


async def _count(
    tx: Transaction, validated: Sequence[Validated], asked: Asked, counting: dict[int, Any], *, now: datetime
) -> None:
    """Count what is new, and give a place to what an order told when there was none. What it told is counted already,
    for its customer and its code, too.
    """
    group_id = tx.scope.group_id
    found = sorted((one.found for one in validated if one.found), key=lambda one: one.promo_id)
    fresh: list[Found] = [one for one in found if one.promo_id not in counting]
    waiting = {promo: row for promo, row in counting.items() if row["is_beyond_limit"]}
    for one in sorted(found, key=lambda one: one.code_id or 0):
        if one.code_id is not None and one.promo_id in waiting:
            await tx.fetchval(_HOLD_CODE, group_id, one.code_id)
            if await tx.fetchval(_HAS_PLACE, group_id, one.code_id, waiting[one.promo_id]["id"]):
                raise refusal(code_used())
        elif one.code_id is not None and one.promo_id not in counting:
            if await tx.fetchval(_TAKE_CODE, group_id, one.code_id, now) is None:
                raise refusal(code_used())
    for one in fresh:
        limit = one.terms.customer_limit
        if asked.customer_id is not None:
            counted = await tx.fetchval(_COUNT_CUSTOMER, group_id, one.promo_id, asked.customer_id, limit)
            if counted is None:
                raise refusal(used_up_by_customer(limit or 0))
    for one in found:
        if one.promo_id in counting and one.promo_id not in waiting:
            continue
        statement = _TAKE_IN_PROMO if one.promo_id in waiting else _COUNT_PROMO
        if await tx.fetchval(statement, *borders(tx.scope), one.promo_id, one.version, now) is None:
            raise await _why_not(tx, one)


async def _why_not(tx: Transaction, one: Found) -> Failure:
    limit = one.terms.usage_limit
    if limit is not None and await tx.fetchval(_USED_UP, tx.scope.group_id, one.promo_id, one.version):
        return refusal(used_up(limit))
    return Conflict(
        "The promo, or its campaign, was changed at the same moment; try again.",
        path=["code"],
        code="PROMO_CHANGED",
    )


def _lines_kept(taken: Amounts, currency: str) -> str:
    shown = [show_amount(one, currency) for one in taken.lines]
    return msgspec.json.encode({"lines": shown, "delivery": show_amount(taken.delivery, currency)}).decode()


__all__ = ["MAX_KEY", "Asked", "Validated", "redeem", "redeem_all", "release", "release_all", "validate"]
