"""An offer to speak another protocol that is not taken is ignored, and the request is one like any other.

Source: RFC 9110, 7.8. Java's HttpClient (JDK 11 to 21) offers h2c with its first request, `curl --http2` with each.
"""

import asyncio
from typing import Any

import pytest

from app.serving.connections import BoundedConnection
from app.serving.sockets import BoundedSocket
from tests.serving.test_reading_heads import telling, told
from tests.serving.wire import get, hello, wire

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
OFFERS = [
    H2C,
    "Connection: keep-alive, upgrade\r\nUpgrade: TLS/1.0",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==",
    "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket",
    "Connection: HTTP2-Settings\r\nConnection: Upgrade\r\nUpgrade: h2c",
    "Upgrade: h2c",
]


def cut(request: bytes, into: str) -> list[bytes]:
    """The packets a request comes in."""
    head, blank, body = request.partition(b"\r\n\r\n")
    if into == "one packet":
        return [request]
    if into == "head and body":
        return [head + blank, body]
    return [request[at : at + 7] for at in range(0, len(request), 7)]


@pytest.mark.parametrize("into", ["one packet", "head and body", "crumbs"])
@pytest.mark.parametrize("offer", OFFERS)
async def test_the_body_is_read(offer: str, into: str) -> None:
    async with wire(telling, ws=BoundedSocket) as server:
        declared = f"POST /x?a=%20b HTTP/1.1\r\nHost: here\r\n{offer}\r\nContent-Length: 5\r\n\r\nhello"
        found = await told(server, *cut(declared.encode(), into))
        assert found["body"] == "hello"
        if "Connection" in offer:
            assert not {"upgrade", "http2-settings"} & found["kept"].keys()
        chunked = f"PATCH / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n{offer}\r\n\r\n"
        chunked += "5\r\nhello\r\n0\r\n\r\n"
        assert (await told(server, *cut(chunked.encode(), into)))["body"] == "hello"
        bare = f"GET / HTTP/1.1\r\nHost: here\r\n{offer}\r\n\r\n"
        assert (await told(server, *cut(bare.encode(), into)))["body"] == ""


async def test_there_is_one_answer_and_the_connection_stays() -> None:
    async with wire(hello) as server:
        reader, writer = await server.connect()
        for count in range(3):
            request = f"POST / HTTP/1.1\r\nHost: here\r\n{H2C}\r\nContent-Length: {count}\r\n\r\n"
            writer.write(request.encode())
            await asyncio.sleep(0.02)
            writer.write(b"x" * count)
            assert (await asyncio.wait_for(reader.readuntil(b"hello %d" % count), 5)).startswith(
                b"HTTP/1.1 200 "
            )
        writer.write(get())
        assert (await asyncio.wait_for(reader.read(), 5)).count(b"HTTP/1.1 ") == 1
        writer.close()
        assert len(server.lines) == 4


async def test_offers_one_after_the_other_in_one_packet() -> None:
    offer = f"POST / HTTP/1.1\r\nHost: here\r\n{H2C}\r\nContent-Length: 3\r\n\r\nabc".encode()
    async with wire(hello) as server:
        said = await server.ask(offer * 500 + get())
    assert said.count(b"hello 3") == 500
    assert said.endswith(b"hello 0")


class Hasty(BoundedSocket):
    """Does not wait for the client to close."""

    close_within_s = 0.2


HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
)


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (HANDSHAKE.replace("GET /graphql", "GET /elsewhere"), ""),
        (HANDSHAKE.replace("GET", "POST"), ""),
        (HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0"), ""),
        (HANDSHAKE + "\r\nContent-Length: 2", "{}"),
        (HANDSHAKE + "\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"),
        (HANDSHAKE + "\r\nUpgrade: h2c", ""),
    ],
    ids=["elsewhere", "post", "old", "body", "chunks", "two offers"],
)
async def test_what_is_no_handshake_is_a_request(request_: str, body: str) -> None:
    async with wire(hello, ws=BoundedSocket) as server:
        said = await server.ask(f"{request_}\r\nConnection: close\r\n\r\n{body}".encode())
    assert said.startswith(b"HTTP/1.1 200 "), said
    assert said.count(b"HTTP/1.1 ") == 1
    assert said.endswith(b"hello %d" % (2 if body else 0))


async def test_a_handshake_is_taken_and_a_body_of_no_bytes_is_none() -> None:
    async def accepting(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    async with wire(accepting, ws=Hasty) as server:
        for more in ("", "\r\nContent-Length: 0", "\r\nCookie: a=1\r\nCookie: b=2"):
            said = await server.ask(f"{HANDSHAKE}{more}\r\n\r\n".encode())
            assert said.startswith(b"HTTP/1.1 101 "), said


async def test_two_hundred_handshakes_with_a_body_that_never_comes_are_closed_in_time() -> None:
    class Impatient(BoundedConnection):
        body_within_s = answered_body_within_s = 0.5

    async with wire(hello, http=Impatient, ws=Hasty) as server:
        stalled = [await server.connect() for _ in range(200)]
        for _, writer in stalled:
            writer.write(f"{HANDSHAKE}\r\nContent-Length: 2\r\n\r\n".encode())
        said = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in stalled)), 6)
        for _, writer in stalled:
            writer.close()
    assert all(one.startswith(b"HTTP/1.1 408 ") for one in said)


@pytest.mark.parametrize(
    "head",
    [
        HANDSHAKE.replace("\r\nSec-WebSocket-Version: 13", ""),
        HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"),
        HANDSHAKE + "\r\nX-Long: " + "x" * 20_000,
        HANDSHAKE + "".join(f"\r\nX-{n}: x" for n in range(300)),
        HANDSHAKE.replace("/graphql", "/graphql?" + "x" * 20_000),
        HANDSHAKE + "\r\nX-Odd: \xff\xfe",
    ],
    ids=["no version", "wrong key", "long header", "many headers", "long target", "odd header"],
)
async def test_a_handshake_that_cannot_be_is_refused_at_once(head: str) -> None:
    async def accepting(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    async with wire(accepting, ws=Hasty) as server:
        said = await asyncio.wait_for(server.ask(f"{head}\r\n\r\n".encode("latin-1")), 5)
    assert said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 101 ")), said
