"""However many watch the same, the database is asked once per tick; the server's own log counts."""

import asyncio
import re
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from app.db.database import Database
from app.db.embedded import EmbeddedServer
from tests.live.conftest import Served, Socket, served_with, settings_of

SUBSCRIBERS = 1_000
WATCH = "subscription { counted: campaigns { totalCount nodes { name metrics { clicks } } } }"


class Asked:
    """What the database was asked about a marked field."""

    def __init__(self, server: EmbeddedServer, mark: str) -> None:
        self._log = server.folder / "log"
        self._line = re.compile(rf"LOG:  execute [^:]*: SELECT [^\n]*{mark}")
        self._read = self._log.stat().st_size

    def since(self) -> int:
        """How often since the last count."""
        with self._log.open(encoding="utf-8", errors="replace") as file:
            file.seek(self._read)
            text = file.read()
            self._read = file.tell()
        return len(self._line.findall(text))


@pytest.fixture(scope="module")
async def logged(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """A gateway whose database writes down every statement, and room for many sockets."""
    owner = await asyncpg.connect(database_url)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    async with served_with(settings_of(database_url, tmp_path_factory.mktemp("data")), db) as made:
        yield made
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    await owner.execute(f'ALTER DATABASE "{name}" RESET log_statement')
    await owner.close()


@pytest.mark.slow
async def test_a_thousand_subscribers_cost_one_statement_per_tick(
    server: EmbeddedServer, logged: Served
) -> None:
    ident = await logged.campaign("at first")
    async with AsyncExitStack() as stack:
        sockets: list[Socket] = []
        for _ in range(SUBSCRIBERS // 50):
            sockets += await asyncio.gather(*(stack.enter_async_context(logged.welcome()) for _ in range(50)))
        await asyncio.gather(*(socket.ask(f"mine-{n}", WATCH) for n, socket in enumerate(sockets)))
        first = await asyncio.gather(*(socket.hear() for socket in sockets))
        assert [one["id"] for one in first] == [f"mine-{n}" for n in range(SUBSCRIBERS)]
        asked = Asked(server, "counted")
        loop = asyncio.get_running_loop()
        started = loop.time()
        for name in ("a", "b", "c"):
            await logged.rename(ident, name)
            heard = await asyncio.gather(*(socket.hear() for socket in sockets))
            shown = {one["payload"]["data"]["counted"]["nodes"][0]["name"] for one in heard}
            assert shown == {name}
        took_s = loop.time() - started
        assert 3 <= asked.since() <= took_s + 2
        exposed = await logged.metrics()
        assert f"gateway_live_subscriptions {SUBSCRIBERS}.0" in exposed
    await asyncio.sleep(0.5)
    asked.since()
    await asyncio.sleep(1.2)
    assert asked.since() == 0, "nobody watches any more"
    assert "gateway_live_subscriptions 0.0" in await logged.metrics()


async def test_other_variables_or_another_scope_are_another_topic(
    server: EmbeddedServer, logged: Served
) -> None:
    query = "subscription ($first: Int) { apart: campaigns(first: $first, every: 60) { totalCount } }"
    narrowed = {"X-API-KEY": logged.api_key, "X-BEACON-KEY": logged.given.beacon_key}
    _, second_key = await logged.key()
    async with (
        logged.welcome() as one, logged.welcome(**{"X-API-KEY": second_key}) as same, logged.welcome() as other,
        logged.welcome(**narrowed) as narrow,
    ):  # fmt: skip
        asked = Asked(server, "apart")
        for socket, first in ((one, 5), (same, 5), (other, 6), (narrow, 5)):
            await socket.ask("a", query, first=first)
            assert (await socket.hear())["type"] == "next"
        assert asked.since() == 3


async def test_news_are_one_statement_per_tick_too(server: EmbeddedServer, logged: Served) -> None:
    async with logged.welcome() as one, logged.welcome() as other:
        for socket in (one, other):
            await socket.ask("e", "subscription { told: events { eventType campaign { name } } }")
        await asyncio.sleep(0.4)
        asked = Asked(server, "told")
        await logged.event("x")
        assert await one.hear() == await other.hear()
        assert asked.since() == 1
