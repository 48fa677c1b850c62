"""Sockets that have not said who they are: few, quick, small, and in nobody's way."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets import ConnectionClosed

from app.serving import strangers
from app.serving.sockets import BoundedSocket
from tests.live.conftest import Served, served_with, settings_of
from tests.live.test_event_streams import COUNT, stream
from tests.serving.test_upgrade_offers import HANDSHAKE

FEW = 20
WITH_PROTOCOL = f"{HANDSHAKE}\r\nSec-WebSocket-Protocol: graphql-transport-ws"


@contextlib.asynccontextmanager
async def silent(port: int, count: int, request: str) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections that say so much and no more."""
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        for _, writer in lines:
            writer.write(f"{request}\r\n\r\n".encode())
        await asyncio.sleep(0.2)
        yield [reader for reader, _ in lines]
    finally:
        for _, writer in lines:
            writer.transport.abort()


@pytest.fixture
async def few(served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Served]:
    """A gateway that waits for few sockets at once."""
    monkeypatch.setattr(strangers.Waiting.__init__, "__kwdefaults__", {"most": FEW})
    settings = settings_of(str(served.settings.database_url), tmp_path)
    async with served_with(settings, served.db) as going:
        yield going


async def test_sockets_that_say_nothing_keep_nobody_out(few: Served) -> None:
    async with silent(few.port, FEW + 60, WITH_PROTOCOL) as readers:
        async with few.welcome() as socket, stream(few, COUNT) as events:
            await socket.ask("a", COUNT)
            assert (await socket.hear())["type"] == "next"
            assert (await events.event())[0] == "next"
        # Those that waited longest made room, the others are told that they are late.
        first, last = [await asyncio.wait_for(readers[at].read(), 15) for at in (0, -1)]
    assert b"\x03\xf5Too many sockets are open." in first
    assert b"Connection initialisation timeout" in last


async def test_handshakes_with_a_body_are_requests_and_get_their_answer(served: Served) -> None:
    async with silent(served.port, 220, f"{WITH_PROTOCOL}\r\nContent-Length: 2") as readers:
        for reader in readers:
            said = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
            assert said.startswith(b"HTTP/1.1 401 "), said
        async with served.welcome() as socket:
            await socket.ask("a", COUNT)
            assert (await socket.hear())["type"] == "next"
        # And are closed in time, though their body never comes.
        await asyncio.wait_for(asyncio.gather(*(reader.read() for reader in readers)), 12)


async def test_sockets_that_are_known_make_no_room_for_those_that_are_not(few: Served) -> None:
    async with contextlib.AsyncExitStack() as stack:
        known = [await stack.enter_async_context(few.welcome()) for _ in range(FEW + 1)]
        await stack.enter_async_context(silent(few.port, FEW + 5, WITH_PROTOCOL))
        for socket in known:
            await socket.ask("a", COUNT)
            assert (await socket.hear())["type"] == "next"


async def test_the_first_message_is_small_and_later_ones_may_be_large(served: Served) -> None:
    large = "x" * 100_000
    async with served.socket() as socket:
        await socket.say(type="connection_init", payload={"X-API-KEY": served.api_key, "x": large})
        assert (await socket.end())[0] == 1009
    async with served.welcome() as socket:
        await socket.say(type="ping", payload={"x": large})
        assert (await socket.hear())["payload"] == {"x": large}
        # As fragments, too.
        text = json.dumps({"type": "ping", "payload": {"x": large}})
        await socket.bare.send([text[:50], text[50:60_000], text[60_000:]])
        assert (await socket.hear())["payload"] == {"x": large}
    async with served.socket() as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.bare.send("x" * 9_000 for _ in range(5))
        assert (await socket.end())[0] == 1009


async def test_a_handshake_nothing_comes_of_is_closed(served: Served, tmp_path: Path) -> None:
    class Hasty(BoundedSocket):
        handshake_within_s = 0.5

        def handle_events(self) -> None:
            """Never gets to its app."""
            self.handshake_initiated = True

    settings = settings_of(str(served.settings.database_url), tmp_path)
    async with served_with(settings, served.db, ws=Hasty) as going:
        async with silent(going.port, 3, WITH_PROTOCOL) as readers:
            for reader in readers:
                with contextlib.suppress(ConnectionError):
                    assert await asyncio.wait_for(reader.read(), 5) == b""
