"""Spends against lowerings of a lifetime limit: none commits below the spend that was committed before it."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from app.db.database import Database, Transaction, connect
from app.domain.spend.operations import Change, Changed, change_limits
from app.domain.spend.rules import AskedLimit
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from tests.given import campaigns, groups
from tests.given.groups import GivenGroup
from tests.spend.given import spend

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
CLIENTS = 64
START = 10_000
SPENT = "SELECT coalesce(sum(amount), 0) FROM spend_entry WHERE group_id = $1 AND campaign_id = $2"
NAIVE = "UPDATE spend_limit SET amount = $3 WHERE group_id = $1 AND campaign_id = $2"

Lower = Callable[[Transaction, int, Decimal], Awaitable[bool]]


async def lower(tx: Transaction, it: int, amount: Decimal) -> bool:
    """Lower the limit by its rules; whether that was possible."""
    wish = AskedLimit(type=SpendLimitType.CAPPED, renewal=SpendLimitRenewal.LIFETIME, amount=amount)
    (done,) = await change_limits(tx, [Change(campaign=f"camp_{it}", limit=wish)], may_begin=True, now=NOW)
    return isinstance(done, Changed)


async def lower_naively(tx: Transaction, it: int, amount: Decimal) -> bool:
    """Read, compare, write: what must not be done."""
    spent: Decimal = await tx.fetchval(SPENT, tx.scope.group_id, it)
    await asyncio.sleep(0)
    if amount < spent:
        return False
    await tx.execute(NAIVE, tx.scope.group_id, it, amount)
    return True


async def race(db: Database, group: GivenGroup, it: int, lowering: Lower, seed: int) -> tuple[int, int]:
    """64 clients, half of them spending, half lowering; how many lowerings there were, and how many were wrong.

    Wrong is a limit that went down, to less than the sum of what had been committed by then.
    """
    dice = random.Random(seed)
    committed = Decimal(0)
    limits = [Decimal(START)]
    lowered: list[bool] = []

    async def spends() -> None:
        nonlocal committed
        for _ in range(3):
            amount = Decimal(dice.randint(1, 60))
            await spend(db, group.scope, it, str(amount), now=NOW)
            committed += amount

    async def lowers() -> None:
        for _ in range(3):
            async with db.transaction(group.scope) as tx:
                # Close to what is known to be spent, where it matters.
                wanted = committed + dice.randint(-5, 120)
                if await lowering(tx, it, wanted):
                    # What had been committed by now was committed before this. In the order of the row's lock.
                    lowered.append(limits[-1] > wanted and wanted < committed)
                    limits.append(wanted)

    await asyncio.gather(*(spends() if n % 2 else lowers() for n in range(CLIENTS)))
    return len(lowered), sum(lowered)


@pytest.fixture(scope="module")
async def wide(database_url: str) -> AsyncIterator[Database]:
    """Connections for all of them at once."""
    database = await connect(database_url, readers=1, writers=CLIENTS // 2)
    yield database
    await database.close()


async def limited(db: Database) -> tuple[GivenGroup, int]:
    """A campaign with a lifetime limit far above anything spent."""
    group = await groups.group(db)
    it = await campaigns.campaign(db, group.scope, now=NOW)
    async with db.transaction(group.scope) as tx:
        assert await lower(tx, it, Decimal(START))
    return group, it


@pytest.mark.slow
async def test_no_lowering_commits_below_the_spend_committed_before_it(wide: Database) -> None:
    done = 0
    for seed in range(3):
        group, it = await limited(wide)
        lowerings, wrong = await race(wide, group, it, lower, seed)
        assert wrong == 0
        done += lowerings
    assert done > 20


@pytest.mark.slow
async def test_a_naive_lowering_is_caught(wide: Database) -> None:
    for seed in range(10):
        group, it = await limited(wide)
        if (await race(wide, group, it, lower_naively, seed))[1]:
            return
    raise AssertionError("reading, comparing and writing was never too late")


def test_the_ledger_is_written_in_one_place() -> None:
    """Whoever writes it holds the campaign's row, which is what the race rests on (demonstration data aside)."""
    app = Path(__file__).parents[2] / "app"
    writes = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) spend_entry")
    found = {str(f.relative_to(app)) for f in app.rglob("*.py") if writes.search(f.read_text("utf-8"))}
    assert found == {"domain/metrics/operations.py"}
