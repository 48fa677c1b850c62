"""A database that is slow or gone: said so on either execution, and over when it is back."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.auth.principal import Principal, Role
from app.db.database import connect
from app.db.outages import Busy
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.faults.proxy import Proxy

SLOW = '{ stores(filter: {search: "%s"}) { nodes { name } } }' % ("a" * 50)


async def ask(db: Any, folder: Path, query: str, *, planner: bool) -> Any:
    """The decoded body."""
    settings = dataclasses.replace(read_settings({"DATA_DIR": str(folder)}), planner=planner)
    principal = Principal("test", Scope(1), frozenset({Role.READ}))
    context = Context(Services(settings, db, AssetStorage(settings)), principal)
    return json.loads((await answer(Operation(query), context)).body)


@pytest.mark.parametrize("planner", [True, False])
async def test_a_read_that_waits_too_long_for_a_lock_is_told_as_unavailable(
    database_url: str, tmp_path: Path, planner: bool
) -> None:
    owner = await asyncpg.connect(database_url)
    # Whoever reads stores now waits for this lock, and the statement's time runs out meanwhile.
    async with owner.transaction():
        await owner.execute("LOCK TABLE store IN ACCESS EXCLUSIVE MODE")
        db = await connect(database_url, readers=1, writers=1, statement_timeout_ms=200)
        made = await ask(db, tmp_path, SLOW, planner=planner)
        assert made["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        # The time for a lock ends before the statement's, so that who only waited for somebody is told so.
        assert made["errors"][0]["message"] == str(Busy())
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
    async with Proxy(database_url) as proxy:
        db = await connect(proxy.url, readers=2, writers=2)
        assert "data" in await ask(db, tmp_path, SLOW, planner=planner)
        owner = await asyncpg.connect(database_url)
        proxy.holds_ends = True
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.wait_for(proxy.held.acquire(), 5)
        made = [await ask(db, tmp_path, SLOW, planner=planner) for _ in range(4)]
        assert all("INTERNAL" not in json.dumps(one) for one in made)
        assert made[-1] == {"data": {"stores": {"nodes": []}}}
        if planner:
            assert made[0] == made[-1], "a read that was not sent is sent on another connection"
        await owner.close()
        proxy.let_go()
        await db.close()
