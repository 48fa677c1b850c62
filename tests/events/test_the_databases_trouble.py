"""What is the database's trouble costs no event: it stays pending, is tried again, and holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.db.database import Database, connect
from app.db.troubles import is_the_databases
from app.domain.events.postponing import FIRST_PAUSE_S, LONGEST_PAUSE_S, Postponed, pause_s
from app.domain.events.processing import process_pending
from app.domain.events.replaying import Replayed, replay_events
from app.errors import Conflict, Unavailable
from app.worker.pipeline import Pipeline
from tests.events.conftest import OpenShop
from tests.events.test_pipelines import processed, running, statuses
from tests.given.events import NOON, Shop

TROUBLES = {
    "40001": "could not serialize access",
    "40P01": "deadlock detected",
    "25006": "cannot execute UPDATE in a read-only transaction",
    "53100": "could not extend file: No space left on device",
    "53200": "out of memory",
    "55P03": "canceling statement due to lock timeout",
    "57014": "canceling statement due to statement timeout",
    "57P01": "terminating connection due to administrator command",
    "58030": "could not read blocks 1..1 in file: Input/output error",
}
Refuse = Callable[[str], Awaitable[None]]


@pytest.fixture
async def refuse(database_url: str) -> AsyncIterator[Refuse]:
    """From now on the database fails with this SQLSTATE at events whose nonce says `poison`; `""`: it is well again."""
    owner = await asyncpg.connect(database_url)

    async def told(state: str) -> None:
        await owner.execute("DROP TRIGGER IF EXISTS refusing ON event")
        if state:
            words = TROUBLES.get(state, "a fault")
            await owner.execute(
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = '{state}'; END $$"
            )
            await owner.execute(
                "CREATE TRIGGER refusing BEFORE UPDATE ON event FOR EACH ROW"
                " WHEN (NEW.dedup_key LIKE '%poison%' AND NEW.status = 'processed') EXECUTE FUNCTION refuse()"
            )

    yield told
    await told("")
    await owner.close()


@asynccontextmanager
async def held(database_url: str, sql: str, *values: object) -> AsyncIterator[None]:
    """Somebody else holds these rows."""
    owner = await asyncpg.connect(database_url)
    try:
        async with owner.transaction():
            assert await owner.fetch(sql, *values)
            yield
    finally:
        await owner.close()


async def until(wanted: dict[str, int], given: Shop, *, within_s: float) -> None:
    """Events have come this far."""
    end = asyncio.get_running_loop().time() + within_s
    while (now := await statuses(given)) != wanted:
        assert asyncio.get_running_loop().time() < end, now
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("state", TROUBLES)
async def test_it_is_found_out_whom_it_meets_and_nobody_is_blamed(
    state: str, shop: OpenShop, db: Database, refuse: Refuse
) -> None:
    given = await shop()
    for at in range(20):
        await given.send("poison" if at == 7 else f"n-{at}", data={"basket": 1, "turnover": 1})
    await refuse(state)
    now_s = 0.0
    postponed = Postponed(clock=lambda: now_s)
    for _ in range(30):
        await process_pending(db, given.group_id, now=NOON, postponed=postponed)
        now_s += 1
    assert await statuses(given) == {"pending": 1, "processed": 19}
    assert len(postponed) == 1
    await refuse("")
    for _ in range(2):
        now_s += LONGEST_PAUSE_S
        await process_pending(db, given.group_id, now=NOON, postponed=postponed)
    assert await statuses(given) == {"processed": 20}
    assert len(postponed) == 0
    (sums,) = await given.rows("SELECT sum(value) AS s FROM event_rollup WHERE key = 'turnover'")
    assert sums["s"] == 20


async def test_a_fault_of_the_event_s_own_is_found_beside_trouble(
    shop: OpenShop, db: Database, refuse: Refuse
) -> None:
    given = await shop()
    for at in range(9):
        await given.send("poison" if at == 4 else f"n-{at}")
    await refuse("22012")
    postponed = Postponed()
    assert await process_pending(db, given.group_id, now=NOON, postponed=postponed) == 9
    assert await statuses(given) == {"processed": 8, "trashed": 1}
    assert len(postponed) == 0


async def test_a_fault_that_does_not_come_again_is_none(
    shop: OpenShop, database_url: str, db: Database
) -> None:
    given = await shop()
    ident = await given.send("once")
    owner = await asyncpg.connect(database_url)
    # It fails for the first two transactions that try, and a sequence is not undone with them.
    await owner.execute("CREATE SEQUENCE tried")
    await owner.execute("GRANT USAGE ON SEQUENCE tried TO gateway_app")
    await owner.execute(
        "CREATE FUNCTION fail_at_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('tried') <= 2 THEN RAISE division_by_zero; END IF; RETURN NEW; END $$"
    )
    await owner.execute(
        "CREATE TRIGGER failing BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION fail_at_first()"
    )
    try:
        assert await process_pending(db, given.group_id, now=NOON, postponed=Postponed()) == 1
    finally:
        await owner.execute("DROP TRIGGER failing ON event")
        await owner.execute("DROP FUNCTION fail_at_first")
        await owner.execute("DROP SEQUENCE tried")
        await owner.close()
    assert (await given.event(ident))["status"] == "processed"


@pytest.mark.parametrize("timeout_ms", [15_000, 300])
async def test_a_row_that_somebody_holds_stops_neither_others_nor_other_groups(
    timeout_ms: int, shop: OpenShop, database_url: str
) -> None:
    """Too long for a lock, or for a statement."""
    given, neighbour = await shop(), await shop()
    await given.send(data={"basket": 1, "email": "held@example.com"})
    assert await given.process() == 1
    (customer,) = await given.rows("SELECT id FROM customer")
    for at in range(12):
        who = "held" if at == 5 else f"free-{at}"
        await given.send(data={"basket": 1, "email": f"{who}@example.com"})
    db = await connect(database_url, statement_timeout_ms=timeout_ms, readers=1, writers=4)
    try:
        async with running(Pipeline(db, look_s=0.2)):
            async with held(database_url, "SELECT FROM customer WHERE id = $1 FOR UPDATE", customer["id"]):
                await asyncio.sleep(0.3)
                await neighbour.send()
                async with asyncio.timeout(1.5):
                    await processed(neighbour, 1)
                await until({"processed": 12, "pending": 1}, given, within_s=15)
                # Tried again meanwhile, and still no fault of anybody's.
                await asyncio.sleep(2.5)
                assert await statuses(given) == {"processed": 12, "pending": 1}
                await given.send(data={"basket": 1, "email": "later@example.com"})
                await until({"processed": 13, "pending": 1}, given, within_s=4)
            await until({"processed": 14}, given, within_s=15)
    finally:
        await db.close()


async def test_a_cancelled_statement_is_tried_again(shop: OpenShop, db: Database, database_url: str) -> None:
    given = await shop()
    for at in range(3):
        await given.send(data={"basket": 1, "turnover": at})
    owner = await asyncpg.connect(database_url)
    waiting = "SELECT pid FROM pg_locks WHERE relation = 'event_rollup'::regclass AND NOT granted"
    async with running(Pipeline(db)):
        async with owner.transaction():
            await owner.execute("LOCK TABLE event_rollup IN ACCESS EXCLUSIVE MODE")
            for end in ("pg_cancel_backend", "pg_terminate_backend"):
                for _ in range(500):
                    if (pid := await owner.fetchval(waiting)) is not None:
                        break
                    await asyncio.sleep(0.01)
                await owner.execute(f"SELECT {end}($1)", pid)
        await until({"processed": 3}, given, within_s=8)
    await owner.close()


async def test_a_replay_that_meets_trouble_leaves_the_trash_as_it_is(
    shop: OpenShop, db: Database, refuse: Refuse
) -> None:
    given = await shop()
    ident = await given.send("poison", data={})
    await given.process()
    assert await given.faults(ident) == [("field_required", "basket")]
    async with db.transaction(given.scope) as tx:
        await tx.execute("UPDATE event_field SET is_required = false WHERE group_id = $1", given.group_id)
    await refuse("57014")
    with pytest.raises(Unavailable):
        await replay_events(db, given.group_id, given.project_id, now=NOON)
    assert await given.faults(ident) == [("field_required", "basket")]
    await refuse("")
    assert await replay_events(db, given.group_id, given.project_id, now=NOON) == Replayed(1, 0)


def test_pauses_grow_and_have_an_end() -> None:
    assert [pause_s(tries) for tries in (1, 2, 3)] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pause_s(10_000) == LONGEST_PAUSE_S


def test_what_is_ours_is_not_the_databases() -> None:
    for ours in (
        ValueError("a value"),
        Conflict("both"),
        asyncpg.UniqueViolationError("twice"),
        KeyError("k"),
    ):
        assert not is_the_databases(ours)
