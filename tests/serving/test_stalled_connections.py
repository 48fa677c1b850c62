"""Connections that never finish what they began are closed in time, and nobody else notices them."""

import asyncio
import statistics
import time
from typing import Any

import pytest

from app.serving.connections import BoundedConnection
from tests.serving.wire import get, hello, wire


class Impatient(BoundedConnection):
    """The same rules on a shorter clock."""

    headers_within_s = 0.5
    body_within_s = 0.5
    read_within_s = 0.5
    max_ignored_bytes = 1024 * 1024


async def _closed_after(reader: asyncio.StreamReader, *, within_s: float) -> tuple[float, bytes]:
    started = time.monotonic()
    said = await asyncio.wait_for(reader.read(), within_s)
    return time.monotonic() - started, said


async def _trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET / HTTP/1.1\r\nTrickle: ")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.1)


async def test_headers_that_never_end() -> None:
    async with wire(hello, http=Impatient) as server:
        reader, writer = await server.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n")
        _, said = await _closed_after(reader, within_s=4)
        writer.close()
    assert said.startswith(b"HTTP/1.1 408 ")


async def test_headers_that_trickle() -> None:
    async with wire(hello, http=Impatient) as server:
        reader, writer = await server.connect()
        trickling = asyncio.create_task(_trickle(writer))
        _, said = await _closed_after(reader, within_s=4)
        trickling.cancel()
        writer.close()
    assert said.startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_never_says_anything_is_closed_without_a_word() -> None:
    async with wire(hello, http=Impatient) as server:
        reader, writer = await server.connect()
        _, said = await _closed_after(reader, within_s=4)
        writer.close()
    assert said == b""


async def test_a_body_that_never_arrives() -> None:
    async with wire(hello, http=Impatient) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n123")
        _, said = await _closed_after(reader, within_s=4)
        writer.close()
        await asyncio.sleep(0.05)
    assert said.startswith(b"HTTP/1.1 408 ")


async def test_a_client_that_never_reads_its_answer() -> None:
    async def torrent(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 50_000_000})

    async with wire(torrent, http=Impatient) as server:
        reader, writer = await server.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it reads, too
        writer.write(get())
        await asyncio.sleep(3.5)
        writer.transport.resume_reading()  # type: ignore[attr-defined]  # it reads, too
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(50_000_000), 5)
        writer.close()


async def test_endless_headers_are_cut_off() -> None:
    async with wire(hello) as server:
        reader, writer = await server.connect()
        writer.write(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000)
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert said.startswith(b"HTTP/1.1 431 ")


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with wire(hello, http=Impatient) as server:
        reader, writer = await server.connect()
        for pause in (0.0, 1.7, 0.0):
            writer.write(get(close=False))
            assert (await reader.readuntil(b"hello 0")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(pause)
        writer.close()


async def test_a_body_may_take_long_as_long_as_it_moves() -> None:
    class Slow(Impatient):
        body_bytes_per_s = 1000

    async with wire(hello, http=Slow) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 6000\r\n\r\n")
        for _ in range(6):
            writer.write(b"x" * 1000)
            await asyncio.sleep(0.4)
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert said.endswith(b"hello 6000")


async def test_five_hundred_stalled_connections_do_not_hurt_a_normal_client() -> None:
    async def median_ms(count: int) -> float:
        took = []
        reader, writer = await server.connect()
        for _ in range(count):
            started = time.perf_counter()
            writer.write(get(close=False))
            await reader.readuntil(b"hello 0")
            took.append((time.perf_counter() - started) * 1000)
        writer.close()
        return statistics.median(took)

    class Patient(BoundedConnection):
        headers_within_s = 1.5

    async with wire(hello, http=Patient) as server:
        usual = await median_ms(300)
        stalled = [await server.connect() for _ in range(500)]
        for _, writer in stalled:
            writer.write(b"POST / HTTP/1.1\r\nHost:")
        beside = await median_ms(300)
        said = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in stalled)), 6)
        for _, writer in stalled:
            writer.close()
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in said)
    assert beside < 2 * usual + 1, f"{beside:.2f} ms beside stalled connections, {usual:.2f} ms without"


async def test_a_connection_that_rests_too_long_is_closed_without_a_word() -> None:
    class Restless(BoundedConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.timeout_keep_alive = 1

    async with wire(hello, http=Restless) as server:
        reader, writer = await server.connect()
        writer.write(get(close=False))
        await reader.readuntil(b"hello 0")
        took_s, said = await _closed_after(reader, within_s=5)
        writer.close()
    assert said == b""
    assert took_s > 0.9
