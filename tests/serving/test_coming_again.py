"""A request that comes again byte for byte is answered without being read, as if it had been."""

import asyncio
from typing import Any

import pytest

from app.errors import Unavailable
from app.serving.exchange import Exchange, exchange_of
from app.serving.known_requests import MAX_REQUEST, is_whole
from tests.serving.wire import Counting, Wire, get, until, wire


class Counter:
    """An app that tells how often it was asked, and can be asked again unless it is told otherwise."""

    def __init__(self) -> None:
        self.asked = 0
        self.again: Any = self.count
        self.holds = asyncio.Event()
        self.holds.set()
        self.begun = asyncio.Event()
        self.cancelled = False

    async def count(self, exchange: Exchange) -> bytes | None:
        exchange.principal = "key:1"
        exchange.cancel_with_client()
        self.asked += 1
        self.begun.set()
        try:
            await self.holds.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return b"asked %d" % self.asked

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        exchange = exchange_of(scope)
        exchange.enter()
        exchange.route = "/count"
        body = await self.count(exchange)
        assert body is not None
        exchange.again = self.again
        head = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})


ASK = get("/count", close=False)


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of an answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await asyncio.wait_for(reader.readexactly(length), 5)


async def asked(server: Wire, times: int, request: bytes = ASK) -> list[tuple[bytes, bytes]]:
    """The answers of so many requests on one connection."""
    reader, writer = await server.connect()
    out = []
    for _ in range(times):
        writer.write(request)
        out.append(await answer(reader))
    writer.close()
    return out


async def held(server: Wire, app: Counter) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose request has come again, and is being answered until `app.holds` is set."""
    reader, writer = await server.connect()
    writer.write(ASK)
    await answer(reader)
    app.holds.clear()
    app.begun.clear()
    writer.write(ASK)
    await app.begun.wait()
    return reader, writer


async def test_it_is_answered_anew_with_the_same_head_and_is_logged_the_same() -> None:
    Counting.read = 0
    async with wire(Counter(), http=Counting) as server:
        answers = await asked(server, 4)
        assert [body for _, body in answers] == [b"asked %d" % n for n in (1, 2, 3, 4)]
        heads = [sorted(line.partition(b":")[0] for line in head.splitlines()[1:]) for head, _ in answers]
        assert heads == [heads[0]] * 4
        assert all(b"content-type: text/plain\r\n" in head for head, _ in answers)
        await until(lambda: len(server.lines) == 4)
        assert Counting.read == 1
        lines = server.lines
    assert len({line["id"] for line in lines}) == 4
    for line in lines:
        assert (line["method"], line["route"], line["status"], line["principal"]) == (
            "GET",
            "/count",
            200,
            "key:1",
        )
    assert server.door.in_flight == 0


async def test_another_request_is_another_request() -> None:
    Counting.read = 0
    async with wire(Counter(), http=Counting) as server:
        await asked(server, 2)
        await asked(server, 2, get("/count", "X-API-KEY: another", close=False))
    # On each connection the first is read, and the second connection's second one is known by then.
    assert Counting.read == 2


async def test_requests_that_come_while_one_is_answered_wait_their_turn() -> None:
    app = Counter()
    async with wire(app) as server:
        await asked(server, 1)
        reader, writer = await server.connect()
        for request in (ASK, ASK, ASK + ASK, ASK[:20]):
            writer.write(request)
            await asyncio.sleep(0.02)
        writer.write(ASK[20:] + ASK)
        bodies = [(await answer(reader))[1] for _ in range(6)]
        writer.close()
        app.holds.clear()
        app.begun.clear()
        reader, writer = await server.connect()
        app.holds.set()
        writer.write(ASK)
        await answer(reader)
        app.holds.clear()
        writer.write(ASK)
        await asyncio.sleep(0.05)
        writer.write(ASK + get("/other", close=False))
        await asyncio.sleep(0.05)
        app.holds.set()
        bodies += [(await answer(reader))[1] for _ in range(3)]
        writer.close()
    assert bodies[:6] == [b"asked %d" % n for n in range(2, 8)]
    assert bodies[6:] == [b"asked %d" % n for n in range(9, 12)]


async def test_bytes_in_the_middle_of_a_request_are_no_request() -> None:
    async with wire(Counter()) as server:
        reader, writer = await server.connect()
        writer.write(ASK)
        await answer(reader)
        # With the first one's end comes the beginning of another, whose rest looks like a known request.
        writer.write(ASK + b"POST /count HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(ASK))
        assert (await answer(reader))[1] == b"asked 2"
        await asyncio.sleep(0.05)
        writer.write(ASK)
        assert (await answer(reader))[1] == b"asked 3"
        writer.write(ASK + b"GET /count HTTP/1.1\r\nX-Text: ")
        assert (await answer(reader))[1] == b"asked 4"
        await asyncio.sleep(0.05)
        writer.write(ASK)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()
    # `GET /count HTTP/1.1` is the header's value, `Host: here` the next one.
    assert head.startswith(b"HTTP/1.1 200")
    assert server.lines[-1]["method"] == "GET"


async def test_a_client_that_leaves_takes_it_along() -> None:
    app = Counter()
    async with wire(app) as server:
        _, writer = await held(server, app)
        writer.close()
        await until(lambda: app.cancelled)
        await until(lambda: len(server.lines) == 2)
        assert server.lines[-1]["status"] == 499
        assert server.door.in_flight == 0


async def test_what_cannot_be_asked_again_is_read() -> None:
    async def no_more(_: Exchange) -> None:
        return None

    async def broken(_: Exchange) -> bytes:
        raise Unavailable("The database cannot be reached just now.")

    for again in (no_more, broken):
        Counting.read = 0
        app = Counter()
        app.again = again
        async with wire(app, http=Counting) as server:
            answers = await asked(server, 3)
            await until(lambda: len(server.lines) == 3)
        assert [body for _, body in answers] == [b"asked 1", b"asked 2", b"asked 3"]
        assert Counting.read == 3
        assert server.door.in_flight == 0


async def test_a_full_gateway_refuses_it_as_any_other() -> None:
    app = Counter()
    async with wire(app, max_in_flight=1) as server:
        reader, writer = await server.connect()
        writer.write(ASK)
        await answer(reader)
        app.holds.clear()
        app.begun.clear()
        second = await server.connect()
        second[1].write(get("/other", close=False))
        await app.begun.wait()
        writer.write(ASK)
        head, _ = await answer(reader)
        assert head.startswith(b"HTTP/1.1 503")
        app.holds.set()
        await answer(second[0])
        writer.write(ASK)
        assert (await answer(reader))[0].startswith(b"HTTP/1.1 200")
        writer.close()
        second[1].close()


async def test_a_server_that_stops_answers_it_and_closes() -> None:
    app = Counter()
    async with wire(app) as server:
        reader, writer = await held(server, app)

        async def let_go() -> None:
            await asyncio.sleep(0.3)
            app.holds.set()

        letting = asyncio.create_task(let_go())
    assert (await answer(reader))[1] == b"asked 2"
    assert await reader.read() == b""
    writer.close()
    await letting


async def test_a_server_that_stops_answers_it_the_long_way_too_and_closes() -> None:
    app = Counter()

    async def gives_up(_: Exchange) -> None:
        app.begun.set()
        await app.holds.wait()

    app.again = gives_up
    async with wire(app) as server:
        reader, writer = await held(server, app)
        letting = asyncio.get_running_loop().call_later(0.3, app.holds.set)
    assert (await answer(reader))[1] == b"asked 2"
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    letting.cancel()


BODY = b'{"query": "{ a }"}'
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
LENGTH = {b"host": b"here", b"content-length": b"%d" % len(BODY)}


@pytest.mark.parametrize(
    ("request_", "headers", "expected"),
    [
        (POST, LENGTH, True),
        (ASK, {b"host": b"here"}, True),
        (ASK, {b"host": b"here", b"connection": b"Keep-Alive"}, True),
        (POST + b" ", LENGTH, False),
        (POST + POST, LENGTH, False),
        (POST[:-1], LENGTH, False),
        (ASK + ASK, {b"host": b"here"}, False),
        (ASK.replace(b"1.1", b"1.0"), {b"host": b"here"}, False),
        (POST, LENGTH | {b"transfer-encoding": b"chunked"}, False),
        (POST, LENGTH | {b"connection": b"close"}, False),
        (POST, LENGTH | {b"x-forwarded-proto": b"https"}, False),
        (POST, LENGTH | {b"x-request-id": b"one-of-the-client"}, False),
        (POST, LENGTH | {b"idempotency-key": b"k"}, False),
        (POST, LENGTH | {b"expect": b"100-continue"}, False),
        (b"x" * MAX_REQUEST + POST, LENGTH, False),
    ],
)  # fmt: skip
def test_only_one_whole_request_that_says_everything_is_kept(
    request_: bytes, headers: dict[bytes, bytes], expected: bool
) -> None:
    assert is_whole(request_, headers) is expected
