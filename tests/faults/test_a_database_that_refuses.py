"""A database that can only be read, has no room, or lets nobody finish: 503 whichever way an operation runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from app.db.database import Database, connect
from app.db.outages import Away, Busy, Full, ReadOnly, TookTooLong, outage
from app.errors import Unavailable
from tests.faults.conftest import Caller
from tests.given import groups

READ = "{ campaigns { totalCount } }"
LEAN = 'mutation { storeCreate(input: {name: "S"}) { store { id } errors { code } } }'
EXECUTED = f"mutation {{ a: {LEAN[11:-2]} b: {LEAN[11:-2]} }}"
MEDIA = {
    "label": "Spring", "channels": ["display"], "start_date": "2030-01-01", "end_date": "2030-02-01",
    "budget_total": "1200",
}  # fmt: skip


def media(caller: Caller) -> dict[str, object]:
    """An order of La Griffe's."""
    return {**MEDIA, "external_beacon_key": caller.given.beacon_key}


async def every_way_of_writing(caller: Caller) -> dict[str, httpx.Response]:
    headers = {"X-API-KEY": caller.keys[0]}
    return {
        "lean": await caller.graphql(LEAN),
        "executed": await caller.graphql(EXECUTED),
        "once": await caller.once(LEAN, "a"),
        "executed once": await caller.once(EXECUTED, "b"),
        "legacy": await caller.http.post("/api/campaigns", json=media(caller), headers=headers),
        "legacy once": await caller.http.post(
            "/api/campaigns", json=media(caller), headers={**headers, "Idempotency-Key": "c"}
        ),
    }


@asynccontextmanager
async def read_only(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """What a failover leaves: the server under the same connections takes no writes any more."""
    try:
        await owner.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await owner.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(0.2)
        yield
    finally:
        await owner.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await owner.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(0.2)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner's own connection."""
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


async def test_one_that_can_only_be_read(caller: Caller, owner: asyncpg.Connection) -> None:
    for answer in (await every_way_of_writing(caller)).values():
        assert answer.status_code < 300, answer.text
    async with read_only(owner):
        # Reads go on, since they can.
        assert (await caller.graphql(READ)).json()["data"]
        before = caller.proxy.accepted
        for way, answer in (await every_way_of_writing(caller)).items():
            assert answer.status_code == 503 or answer.headers.get("idempotent-replayed"), (way, answer.text)
            assert "retry-after" in answer.headers or answer.status_code < 300, way
        assert caller.proxy.accepted > before, "connections are made anew"
        fresh = await caller.once(LEAN, "fresh")
        assert (fresh.status_code, fresh.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
        await asyncio.sleep(1.1)
        ready = await caller.http.get("/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "the database can only be read")
    for answer in (await every_way_of_writing(caller)).values():
        assert answer.status_code < 300, answer.text
    assert (await caller.once(LEAN, "fresh")).status_code == 200
    await asyncio.sleep(1.1)
    assert (await caller.http.get("/readyz")).status_code == 200


@pytest.mark.parametrize("state", ["53100", "53200", "58030", "57P03", "55P03", "40P01", "57014"])
async def test_one_that_says_no(caller: Caller, owner: asyncpg.Connection, state: str) -> None:
    async def refuse(table: str) -> None:
        await owner.execute(
            f"CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$"
        )
        await owner.execute(f"CREATE TRIGGER no BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no()")

    for table in ("store", "campaign"):
        await refuse(table)
    try:
        for way, answer in (await every_way_of_writing(caller)).items():
            assert answer.status_code == 503, (way, answer.text)
            assert "retry-after" in answer.headers, way
            assert "INTERNAL" not in answer.text, way
        await asyncio.sleep(1.1)
        if state in ("53100", "53200", "58030"):
            assert (await caller.http.get("/readyz")).status_code == 503
    finally:
        for table in ("store", "campaign"):
            await owner.execute(f"DROP TRIGGER no ON {table}")
    for answer in (await every_way_of_writing(caller)).values():
        assert answer.status_code < 300, answer.text


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", Away), ("57P01", Away), ("57P02", Away), ("57P03", Away), ("57P05", Away), ("25P03", Away),
        ("53300", Away), ("25006", ReadOnly), ("53100", Full), ("53200", Full), ("53400", Full), ("58030", Full),
        ("58P01", Full), ("40001", Busy), ("40P01", Busy), ("55P03", Busy), ("57014", TookTooLong),
        ("25P04", TookTooLong),
        ("23505", None), ("22012", None), ("42P01", None), ("0A000", None), ("XX000", None), ("25P02", None),
    ],
)  # fmt: skip
def test_what_the_server_says_is_told_apart(state: str, kind: type[Unavailable] | None) -> None:
    problem = asyncpg.PostgresError.new({"C": state, "M": "m", "S": "ERROR"})
    assert type(outage(problem)) is (kind or type(None))


async def test_a_database_without_a_place_left_is_shared_and_the_log_stays_quiet(
    database_url: str, db: Database, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """What one has is waited for, where the server gives no more."""
    scope = (await groups.group(db)).scope
    await owner.execute("ALTER ROLE gateway_app CONNECTION LIMIT 1")
    name = await owner.fetchval("SELECT current_database()")
    login = f"few_{name[-20:]}"
    await owner.execute(
        f'CREATE ROLE "{login}" LOGIN CONNECTION LIMIT 3; GRANT gateway_app, gateway_reader TO "{login}"'
    )
    try:
        few = await connect(database_url.replace("postgres@", f"{login}@"), readers=4, writers=16)

        async def work() -> None:
            async with few.transaction(scope) as tx:
                await tx.fetchval("SELECT 1 FROM pg_sleep(0.01)")

        for _ in range(5):
            await asyncio.gather(*(work() for _ in range(60)))
            await asyncio.sleep(0.3)
            assert await few.read("SELECT 'x'::bytea", [], scope) == b"x"
        assert len([one for one in caplog.records if "database" in one.message]) <= 1
        await few.close()
    finally:
        await asyncio.sleep(0.2)
        await owner.execute(
            f'DROP OWNED BY "{login}"; DROP ROLE "{login}"; ALTER ROLE gateway_app CONNECTION LIMIT -1'
        )
