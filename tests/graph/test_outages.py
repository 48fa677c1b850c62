"""A database that is slow or gone: said so on either execution, and over when it is back."""

import asyncio
import contextlib
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import pytest

from app.auth.principal import Principal, Role
from app.db.database import connect
from app.domain.assets.storage import AssetStorage
from app.graph.context import Context, Services
from app.graph.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope

SLOW = '{ stores(filter: {search: "%s"}) { nodes { name } } }' % ("a" * 50)


async def ask(db: Any, folder: Path, query: str, *, planner: bool) -> Any:
    """The decoded body."""
    settings = dataclasses.replace(read_settings({"DATA_DIR": str(folder)}), planner=planner)
    principal = Principal("test", Scope(1), frozenset({Role.READ}))
    context = Context(Services(settings, db, AssetStorage(settings)), principal)
    return json.loads((await answer(Operation(query), context)).body)


@pytest.mark.parametrize("planner", [True, False])
async def test_a_statement_over_its_time_is_told_as_unavailable(
    database_url: str, tmp_path: Path, planner: bool
) -> None:
    owner = await asyncpg.connect(database_url)
    # Whoever reads stores now waits for this lock, and the statement's time runs out meanwhile.
    async with owner.transaction():
        await owner.execute("LOCK TABLE store IN ACCESS EXCLUSIVE MODE")
        db = await connect(database_url, readers=1, writers=1, statement_timeout_ms=200)
        made = await ask(db, tmp_path, SLOW, planner=planner)
        assert made["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert "too long" in made["errors"][0]["message"]
        await owner.execute("SELECT 1")
    again = await ask(db, tmp_path, SLOW, planner=planner)
    assert again == {"data": {"stores": {"nodes": []}}}
    await db.close()
    await owner.close()


@pytest.mark.parametrize("planner", [True, False])
async def test_connections_that_were_cut_are_made_again(
    database_url: str, tmp_path: Path, planner: bool
) -> None:
    db = await connect(database_url, readers=1, writers=1)
    assert "data" in await ask(db, tmp_path, SLOW, planner=planner)
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await owner.close()
    made = [await ask(db, tmp_path, SLOW, planner=planner) for _ in range(3)]
    assert made[-1] == {"data": {"stores": {"nodes": []}}}
    assert all("INTERNAL" not in json.dumps(one) for one in made)
    await db.close()


@pytest.mark.parametrize("planner", [True, False])
async def test_a_goodbye_that_comes_before_the_end_of_its_connection_is_not_an_internal_error(
    database_url: str, tmp_path: Path, planner: bool
) -> None:
    async with Relay(database_url) as relay:
        db = await connect(relay.url, readers=2, writers=2)
        assert "data" in await ask(db, tmp_path, SLOW, planner=planner)
        owner = await asyncpg.connect(database_url)
        relay.holds_ends = True
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.wait_for(relay.held.wait(), 5)
        made = [await ask(db, tmp_path, SLOW, planner=planner) for _ in range(4)]
        assert all("INTERNAL" not in json.dumps(one) for one in made)
        assert made[-1] == {"data": {"stores": {"nodes": []}}}
        if planner:
            assert made[0] == made[-1], "a read that was not sent is sent on another connection"
        await owner.close()
        relay.let_go()
        await db.close()


class Relay:
    """Stands between the pools and the server, and can keep a connection's end back, as a slow network does."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._server = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._folder = tempfile.TemporaryDirectory(prefix="relay-")
        self.url = parts._replace(query=f"host={quote(self._folder.name, safe='')}").geturl()
        self.holds_ends = False
        self.held = asyncio.Event()
        self._free = asyncio.Event()

    async def __aenter__(self) -> "Relay":
        self._listening = await asyncio.start_unix_server(self._meet, f"{self._folder.name}/.s.PGSQL.5432")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.let_go()
        self._listening.close()
        self._folder.cleanup()

    def let_go(self) -> None:
        self._free.set()

    async def _meet(self, from_pool: asyncio.StreamReader, to_pool: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._server)
        await asyncio.gather(
            self._carry(from_pool, to_server), self._carry(from_server, to_pool, keeps_end=True)
        )

    async def _carry(
        self, here: asyncio.StreamReader, there: asyncio.StreamWriter, *, keeps_end: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await here.read(65_536):
                there.write(data)
                await there.drain()
        if keeps_end and self.holds_ends:
            self.held.set()
            await self._free.wait()
        there.close()
