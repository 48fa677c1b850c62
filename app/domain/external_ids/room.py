"""Our sequences are moved past the numbers that come in, far enough that those of the next system find room as well."""

from collections.abc import Iterable, Sequence

import asyncpg

from app.db.database import Transaction
from app.domain.external_ids.kinds import TABLES
from app.values.systems import FACADES, read_own

FIRST_ROOM = 10**6
"""Our numbers go on from here at least, once a group has rows of another system."""
MAX_MOVED = 4 * 10**15
MAX_RESERVED = 5 * 10**15
"""Numbers between the two are refused: ours end up there at the most. Larger ones they never reach."""
_MARGIN = 10_000
WAITS_MS = 1_000
"""How long we wait for those who draw numbers, while others wait behind us."""


async def make_room(tx: Transaction, kind: str, system: str, ids: Iterable[str] = ()) -> None:
    """Before rows of another system are made here: let their numbers begin past those among these ids, and past all
    that the next system is likely to bring.
    """
    if kind != "event" and system in FACADES:
        await _move(tx, kind, _numbers(kind, system, ids))


async def move_past(tx: Transaction, kind: str, system: str, ids: Iterable[str]) -> None:
    """Move our sequence past the numbers among these ids, if there are any."""
    if kind != "event" and (numbers := _numbers(kind, system, ids)):
        await _move(tx, kind, numbers)


def _numbers(kind: str, system: str, ids: Iterable[str]) -> list[int]:
    return [n for text in ids if (n := read_own(system, kind, text)) is not None and n <= MAX_MOVED]


async def _move(tx: Transaction, kind: str, numbers: Sequence[int]) -> None:
    sequence = f"{TABLES[kind]}_id_seq"
    room = _room_past(max(numbers, default=1))
    last = "coalesce(pg_sequence_last_value($1::text::regclass), 0)"
    if not await tx.fetchval(f"SELECT {last} < $2", sequence, room):
        return
    try:
        # A row that was made a moment ago, with a number that comes in, must be seen: its transaction is waited for,
        # once in a table's life or twice. What is undone here are the locks; a sequence stays where it was moved.
        async with tx.savepoint(keep=False):
            await tx.execute(f"SET LOCAL lock_timeout = {WAITS_MS}")
            await tx.execute(f"LOCK TABLE {TABLES[kind]} IN SHARE ROW EXCLUSIVE MODE")
            await _set(tx, sequence, room, last)
    except asyncpg.LockNotAvailableError:
        # Others write there for long, and must not wait for us.
        await _set(tx, sequence, room, last)


async def _set(tx: Transaction, sequence: str, room: int, last: str) -> None:
    # Together two that move it could move it back.
    await tx.fetchval("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", sequence)
    await tx.fetchval(
        f"SELECT CASE WHEN {last} < $2 THEN setval($1::text::regclass, $2 + {_MARGIN}) END", sequence, room
    )


def _room_past(number: int) -> int:
    """Where our numbers go on: two digits further if that still fits into 32 bits, else one."""
    digits = len(str(number))
    if digits + 2 <= 9:
        return int(max(FIRST_ROOM, 10 ** (digits + 2)))
    return (10**9) if number < 10**9 else min(10 ** (digits + 1), MAX_MOVED + 1)
