"""Queries that come again byte for byte: fresh data, and only for a credential that still holds."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp

from app.auth.keys import create_api_key, revoke_api_key
from app.db.database import Database
from tests.given import groups
from tests.serving.conftest import Caller
from tests.serving.wire import Counting


@pytest.fixture(scope="module")
async def address(gateway: ASGIApp) -> AsyncIterator[tuple[str, int]]:
    """Where the gateway listens."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(gateway, http=Counting, lifespan="off", log_config=None, loop="none", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield listening.getsockname()
    server.should_exit = True
    await serving


class Line:
    """A connection of one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, query: str, key: str, *headers: str) -> tuple[int, Any]:
        """Status and decoded body."""
        body = json.dumps({"query": query}).encode()
        lines = [
            "POST /graphql HTTP/1.1", "Host: here", f"X-API-KEY: {key}", "Content-Type: application/json",
            f"Content-Length: {len(body)}", *headers,
        ]  # fmt: skip
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        said = await asyncio.wait_for(self.reader.readexactly(length), 5)
        return int(head.split(b" ", 2)[1]), json.loads(said)


@pytest.fixture
async def line(address: tuple[str, int]) -> AsyncIterator[Line]:
    """An open connection."""
    made = Line(*await asyncio.open_connection(*address))
    yield made
    made.writer.close()


async def until_known(line: Line, query: str, key: str, *headers: str) -> Any:
    """Ask until it is not read any more; the last answer."""
    for _ in range(6):
        before = Counting.read
        status, body = await line.ask(query, key, *headers)
        assert status == 200
        if Counting.read == before:
            return body
    pytest.fail("it is read each time")


async def test_what_was_written_in_between_is_seen(line: Line, caller: Caller) -> None:
    query = "{ stores { totalCount nodes { name } } }"
    before = await until_known(line, query, caller.api_key)
    made = await caller.post(
        {"query": 'mutation { storeCreate(input: {name: "Nouveau"}) { errors { code } } }'}
    )
    assert made.json() == {"data": {"storeCreate": {"errors": []}}}
    read = Counting.read
    status, after = await line.ask(query, caller.api_key)
    assert (status, Counting.read) == (200, read)
    assert after["data"]["stores"]["totalCount"] == before["data"]["stores"]["totalCount"] + 1
    assert {"name": "Nouveau"} in after["data"]["stores"]["nodes"]


async def test_each_key_sees_its_own_group(line: Line, caller: Caller, db: Database) -> None:
    given = await groups.group(db, name="Another")
    other = await create_api_key(db, group_id=given.group_id, name="o", now=datetime.now(UTC))
    query = "{ group { id name } }"
    ours = await until_known(line, query, caller.api_key)
    theirs = await until_known(line, query, other.secret)
    assert ours["data"]["group"]["id"] == f"group_{caller.given.group_id}"
    assert theirs["data"]["group"]["id"] == f"group_{given.group_id}"
    for _ in range(3):
        assert (await line.ask(query, caller.api_key))[1] == ours
        assert (await line.ask(query, other.secret))[1] == theirs


async def test_a_store_key_narrows_it(line: Line, caller: Caller) -> None:
    query = "{ stores { totalCount } viewer { store { id } } }"
    whole = await until_known(line, query, caller.api_key)
    one = await until_known(line, query, caller.api_key, f"X-BEACON-KEY: {caller.given.beacon_key}")
    assert whole["data"]["viewer"]["store"] is None
    assert one["data"] == {
        "stores": {"totalCount": 1}, "viewer": {"store": {"id": f"store_{caller.given.store_id}"}},
    }  # fmt: skip


async def test_a_revoked_key_stops_within_five_seconds(line: Line, caller: Caller, db: Database) -> None:
    key = await create_api_key(db, group_id=caller.given.group_id, name="r", now=datetime.now(UTC))
    query = "{ group { name } }"
    await until_known(line, query, key.secret)
    await revoke_api_key(db, key_id=key.key.id, group_id=None, now=datetime.now(UTC))
    async with asyncio.timeout(5):
        while (await line.ask(query, key.secret))[0] == 200:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.1)
    status, body = await line.ask(query, key.secret)
    assert (status, body["errors"][0]["extensions"]["code"]) == (401, "UNAUTHORIZED")


async def test_mutations_and_mistakes_are_read_each_time(line: Line, caller: Caller) -> None:
    for query in (
        'mutation { campaignDelete(input: {id: "camp_999999"}) { errors { code } } }',
        "{ stores { nope } }",
        "{ segmentPreview(criteria: {order_count: 1}) { size } }",
    ):
        read = Counting.read
        for _ in range(5):
            await line.ask(query, caller.api_key)
        assert Counting.read == read + 5, query
