"""Codes generated for a promo by the thousand: each is used once, checks itself, and cannot be guessed."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Database, Transaction
from app.domain.borders import borders
from app.domain.promos.operations import OWN_PROMO, not_to_change
from app.errors import Conflict, Invalid, NotFound
from app.values.codes import MAX_BODY, MIN_BODY, code_key, generated_code, read_prefix
from app.values.scope import Scope

MAX_GENERATED = 100_000
"""At once."""
MAX_OF_PROMO = 1_000_000
MAX_NAMED = 1_000
DEFAULT_LENGTH = 10
_PAGE = 10_000
# Kept from going, and free to be used meanwhile: a hundred thousand take seconds.
_PROMO = f"SELECT 1 FROM promo WHERE {OWN_PROMO} FOR KEY SHARE"
_COUNT = "SELECT count(*) FROM promo_code WHERE group_id = $1 AND promo_id = $2"
# A code that is there already makes none: another one is drawn for it.
_ADD = """
INSERT INTO promo_code (group_id, created_at, promo_id, code)
SELECT $1, $2, $3, given.code FROM unnest($4::text[]) AS given (code)
ON CONFLICT (group_id, code) DO NOTHING
"""
_DISABLE = """
WITH held AS (
  SELECT id FROM promo_code
   WHERE group_id = $1 AND promo_id = $2 AND redeemed_at IS NULL AND disabled_at IS NULL
     AND ($3::text[] IS NULL OR code = ANY ($3)) ORDER BY id FOR NO KEY UPDATE)
UPDATE promo_code SET disabled_at = $4 WHERE group_id = $1 AND id IN (SELECT id FROM held)
"""
_PAGE_OF = """
SELECT id, code, created_at, redeemed_at, disabled_at FROM promo_code
 WHERE group_id = $1 AND promo_id = $2 AND id > $3 ORDER BY id LIMIT $4
"""


async def generate_codes(
    tx: Transaction,
    promo_id: int,
    *,
    count: int,
    prefix: str,
    length: int = DEFAULT_LENGTH,
    now: datetime,
) -> int:
    """So many new codes, all or none; how many. `length`: random characters, without prefix and check."""
    if not 1 <= count <= MAX_GENERATED:
        raise Invalid(f"`count` lies between 1 and {MAX_GENERATED}.", path=["count"])
    if not MIN_BODY <= length <= MAX_BODY:
        raise Invalid(f"`length` lies between {MIN_BODY} and {MAX_BODY}.", path=["length"])
    try:
        start = read_prefix(prefix)
    except ValueError as why:
        raise Invalid(f"`prefix` {why}.", path=["prefix"]) from None
    await _check_promo(tx, promo_id)
    known = await tx.fetchval(_COUNT, tx.scope.group_id, promo_id)
    if known + count > MAX_OF_PROMO:
        raise Conflict(
            f"A promo has at most {MAX_OF_PROMO} generated codes; this one has {known}.",
            path=["count"],
            code="TOO_MANY_CODES",
        )
    left = count
    while left:
        drawn: set[str] = set()
        while len(drawn) < left:
            drawn.add(generated_code(start, length))
        left -= await tx.execute(_ADD, tx.scope.group_id, now, promo_id, sorted(drawn))
    return count


async def disable_codes(tx: Transaction, promo_id: int, *, codes: Sequence[str] | None, now: datetime) -> int:
    """Withdraw these codes, or (None) every one that was not used; how many. Those that were used stay as they are."""
    if codes is not None and len(codes) > MAX_NAMED:
        raise Invalid(f"At most {MAX_NAMED} codes are withdrawn at once.", path=["codes"])
    await _check_promo(tx, promo_id)
    keys = None if codes is None else [code_key(one) for one in codes]
    return await tx.execute(_DISABLE, tx.scope.group_id, promo_id, keys, now)


async def _check_promo(tx: Transaction, promo_id: int) -> None:
    if not await tx.fetchval(_PROMO, *borders(tx.scope), promo_id):
        raise await not_to_change(tx, promo_id, path=["promoId"])


async def count_of(db: Database, group_id: int, promo_id: int) -> int:
    """How many generated codes a promo has; NotFound without the promo."""
    async with db.transaction(Scope(group_id)) as tx:
        if not await tx.fetchval("SELECT 1 FROM promo WHERE group_id = $1 AND id = $2", group_id, promo_id):
            raise NotFound("promo", promo_id)
        return int(await tx.fetchval(_COUNT, group_id, promo_id))


async def exported_codes(db: Database, group_id: int, promo_id: int) -> AsyncIterator[list[Any]]:
    """All of them, in the order they were made, a page at a time."""
    last = 0
    while True:
        async with db.transaction(Scope(group_id)) as tx:
            rows = await tx.fetch(_PAGE_OF, group_id, promo_id, last, _PAGE)
        if not rows:
            return
        yield list(rows)
        last = rows[-1]["id"]


__all__ = ["DEFAULT_LENGTH", "MAX_GENERATED", "count_of", "disable_codes", "exported_codes", "generate_codes"]
