"""A database that is there and says nothing: everybody is told within seconds, and all is well when it wakes."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.db.database import Database, connect
from app.errors import Unavailable
from app.main import running
from app.serving import metrics
from app.serving.journal import Journal
from app.settings import read_settings
from tests.faults.conftest import Caller
from tests.faults.proxy import Cut, Proxy
from tests.given import groups

pytestmark = pytest.mark.slow

TOLD_WITHIN_S = 9.0
"""Seconds until it is noticed, a look-up of the credential included; far less than a statement may take."""
READ = "{ campaigns { totalCount } }"
RESOLVED = "{ segmentPreview(criteria: {order_count: {gte: 1}}) { size } }"
WRITE = 'mutation { storeCreate(input: {name: "S"}) { store { id } errors { code } } }'


def counted(name: str) -> float:
    """What a metric says."""
    text = metrics.exposition()[0].decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def timed(asked: Awaitable[httpx.Response]) -> tuple[float, httpx.Response]:
    started = time.monotonic()
    answer = await asked
    return time.monotonic() - started, answer


async def test_every_request_is_told_within_seconds_and_the_next_ones_at_once(caller: Caller) -> None:
    for key in (0, 1):
        for query in (READ, RESOLVED, WRITE):
            assert (await caller.graphql(query, key=key)).json()["data"]
    caller.proxy.freeze()
    legacy = {"X-API-KEY": caller.keys[1]}
    form = {"grant_type": "client_credentials", "client_id": "c", "client_secret": "s"}
    asked = {
        "planned": caller.graphql(READ),
        "resolved": caller.graphql(RESOLVED),
        "lean": caller.graphql(WRITE),
        "once": caller.once(WRITE, "k"),
        "unknown credential": caller.graphql(READ, key=2),
        "legacy": caller.http.get("/api/campaigns", headers=legacy),
        "token": caller.http.post("/oauth2/token", data=form),
        "many": caller.graphql(f"{{ {' '.join(f'a{n}: {READ[2:-2]}' for n in range(5))} }}"),
    }
    took = dict(zip(asked, await asyncio.gather(*map(timed, asked.values())), strict=True))
    for name, (seconds, answer) in took.items():
        assert answer.status_code == 503, (name, answer.text)
        assert "retry-after" in answer.headers, name
        assert seconds < TOLD_WITHIN_S, (name, seconds)
    await asyncio.sleep(1.1)  # It is noted once a second.
    assert counted("gateway_database_away") == 1
    # By now it is known: one of them tries to connect, and all who wait for the same look-up are told with it.
    again = await asyncio.gather(*(timed(caller.graphql(READ)) for _ in range(20)))
    assert {answer.status_code for _, answer in again} == {503}
    assert max(seconds for seconds, _ in again) < 2.5
    caller.proxy.thaw()
    await asyncio.sleep(0.2)
    for query in (READ, RESOLVED, WRITE):
        answer = await caller.graphql(query)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]


async def test_readiness_says_so_within_two_seconds_however_many_ask(caller: Caller) -> None:
    assert (await caller.http.get("/readyz")).status_code == 200
    await asyncio.sleep(1.1)
    caller.proxy.freeze()
    before = caller.proxy.accepted
    for _ in range(3):
        took = await asyncio.gather(*(timed(caller.http.get("/readyz")) for _ in range(30)))
        assert {answer.status_code for _, answer in took} == {503}
        assert max(seconds for seconds, _ in took) < 2.2
        assert (await caller.http.get("/healthz")).status_code == 200
        await asyncio.sleep(0.5)
    assert caller.proxy.accepted - before < 12, "they do not pile up"
    caller.proxy.thaw()
    await asyncio.sleep(1.5)
    assert (await caller.http.get("/readyz")).status_code == 200


async def test_stopping_ends_in_time(proxy: Proxy, tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path), "DATABASE_URL": proxy.url, "WORKER_INLINE": "0"}
    async with running(read_settings(settings), journal=Journal()) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://g") as http:
            assert (await http.get("/readyz")).status_code == 200
            await http.get("/api/campaigns", headers={"X-API-KEY": "nobody's"})
        proxy.freeze()
        started = time.monotonic()
    assert time.monotonic() - started < 8


# ── each step by itself ───────────────────────────────────────────────────────


@pytest.fixture
async def far(proxy: Proxy) -> AsyncIterator[Database]:
    """A database behind the proxy, of whose statements none may take longer than a second."""
    made = await connect(proxy.url, readers=2, writers=2, statement_timeout_ms=1_000)
    yield made
    proxy.thaw()
    await made.close()


@pytest.mark.parametrize(
    "words",
    [b"BEGIN", b"SELECT 7", b"SAVEPOINT", b"SELECT 8", b"RELEASE", b"COMMIT"],
    ids=lambda w: w.decode(),
)
async def test_a_line_that_falls_silent_at_any_message_of_a_transaction(
    far: Database, db: Database, proxy: Proxy, words: bytes
) -> None:
    """Its connection is not used again, and the next one goes on; all others are well meanwhile."""
    scope = (await groups.group(db)).scope

    async def work() -> None:
        async with far.transaction(scope) as tx:
            await tx.fetchval("SELECT 7")
            async with tx.savepoint():
                await tx.fetchval("SELECT 8")

    async with far.directory():  # Connected; statements that were prepared are not named again.
        pass
    proxy.cut_at(words, Cut.SILENT)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        await work()
    assert time.monotonic() - started < 7
    assert proxy.cuts == 1
    await asyncio.wait_for(work(), 2)


async def test_reading_searching_and_explaining_have_deadlines(
    far: Database, db: Database, proxy: Proxy
) -> None:
    scope = (await groups.group(db)).scope
    ways: dict[bytes, Callable[[], Awaitable[object]]] = {
        b"SELECT 'read'": lambda: far.read("SELECT 'read'::bytea", [], scope),
        b"SELECT 'search'": lambda: far.search("SELECT 'search'", [], scope),
        b"EXPLAIN": lambda: far.explain("SELECT 'explain'", []),
    }
    await far.read("SELECT 'first'::bytea", [], scope)
    for words, ask in ways.items():
        proxy.cut_at(words, Cut.SILENT)
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await ask()
        assert time.monotonic() - started < 7
        await asyncio.wait_for(ask(), 2)


async def test_a_statement_that_takes_long_is_not_taken_for_a_server_that_hangs(
    far: Database, db: Database
) -> None:
    patient = db
    scope = (await groups.group(db)).scope
    async with patient.transaction(scope) as tx:
        await tx.patiently(60)
        assert await tx.fetchval("SELECT 1 FROM pg_sleep(4)") == 1


async def test_sessions_have_limits_that_end_them_without_us(far: Database, db: Database) -> None:
    scope = (await groups.group(db)).scope
    async with far.transaction(scope) as tx:
        for name in ("transaction_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
            assert await tx.fetchval("SELECT current_setting($1)", name) != "0", name
        assert await tx.fetchval("SELECT current_setting('client_connection_check_interval')") == "5s"


async def test_who_waits_for_a_lock_is_told_so_and_not_that_the_query_is_slow(
    far: Database, db: Database
) -> None:
    scope = (await groups.group(db)).scope
    async with db.transaction(scope) as holding:
        await holding.fetch("SELECT id FROM tenant WHERE id = $1 FOR UPDATE", scope.group_id)
        with pytest.raises(Unavailable) as caught:
            async with far.transaction(scope) as tx:
                await tx.fetch("SELECT id FROM tenant WHERE id = $1 FOR UPDATE", scope.group_id)
    assert "Somebody else" in caught.value.message
    assert isinstance(caught.value.__cause__, asyncpg.LockNotAvailableError)


async def test_settings_that_a_pooler_refuses_are_told_afterwards(proxy: Proxy, db: Database) -> None:
    scope = (await groups.group(db)).scope
    proxy.refuses_settings = True
    far = await connect(proxy.url, readers=1, writers=1)
    async with far.transaction(scope) as tx:
        assert await tx.fetchval("SELECT current_user") == "gateway_app"
        assert await tx.fetchval("SELECT current_setting('transaction_timeout')") == "1min"
    assert await far.read("SELECT current_user::text::bytea", [], scope) == b"gateway_reader"
    accepted = proxy.accepted
    await far.writer.keep()
    assert proxy.accepted - accepted <= 1, "it is known by now"
    await far.close()


async def test_our_end_notices_a_machine_that_vanished(proxy: Proxy) -> None:
    far = await connect(proxy.url, readers=1, writers=1)
    kept = await far.connection()
    ours = kept.driver._transport.get_extra_info("socket")
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
    kept.close()
    await far.close()
