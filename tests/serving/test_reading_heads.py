"""One reading of each header decides for everybody: what is said twice, too long, or too late does not get in."""

import asyncio
import json
from typing import Any

import pytest

from app.serving.connections import BoundedConnection
from app.serving.exchange import exchange_of
from tests.serving.wire import Wire, get, hello, post, wire


async def telling(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the headers, as everybody finds them once the body is here, and with the body."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    ways = {
        "first": {name.decode(): value.decode() for name, value in reversed(scope["headers"])},
        "last": {name.decode(): value.decode() for name, value in scope["headers"]},
        "kept": {name.decode(): value.decode() for name, value in exchange_of(scope).headers.items()},
        "body": body.decode(),
    }
    said = json.dumps(ways).encode()
    head = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": said})


async def told(server: Wire, *packets: bytes) -> dict[str, Any]:
    """What the app found in a request that comes in these packets."""
    reader, writer = await server.connect()
    for packet in packets:
        writer.write(packet)
        await asyncio.sleep(0.02)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 200 "), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    found: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readexactly(length), 5))
    writer.close()
    assert found["first"] == found["last"] == found["kept"]
    return found


ONE_MEANING = [
    "Host: here",
    "Content-Type: application/json",
    "Content-Length: 2",
    "Authorization: Bearer x",
    "X-API-KEY: k",
    "X-Beacon-Key: k",
    "X-Group-Id: 1",
    "Idempotency-Key: k",
    "X-Explain: 1",
    "Origin: https://a.example",
    "Range: bytes=0-1",
]


@pytest.mark.parametrize("line", ONE_MEANING)
async def test_what_means_one_thing_is_said_once(line: str) -> None:
    name, _, value = line.partition(":")
    rest = [
        one
        for one in ("Host: here", "Content-Length: 2", "Connection: close")
        if one.partition(":")[0] != name
    ]
    async with wire(hello) as server:
        for other in (line, f"{name.upper()}: another", f"{name.lower()}:{value}", f"{name}:"):
            head = "\r\n".join(["POST / HTTP/1.1", *rest, line, "Accept: */*", other])
            said = await server.ask(f"{head}\r\n\r\n{{}}".encode())
            assert said.startswith(b"HTTP/1.1 400 "), (other, said)
            assert said.count(b"HTTP/1.1 ") == 1
        once = "\r\n".join(["POST / HTTP/1.1", *rest, line])
        assert (await server.ask(f"{once}\r\n\r\n{{}}".encode())).startswith(b"HTTP/1.1 200 ")
        assert len(server.lines) == 1


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        (
            ["Accept: text/html", "Accept: application/json;q=0.5"],
            "accept",
            "text/html, application/json;q=0.5",
        ),
        (["X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2"], "x-forwarded-for", "10.0.0.1, 10.0.0.2"),
        (["Prefer: a", "prefer: stale-ok"], "prefer", "a, stale-ok"),
        (["Cookie: a=1", "Cookie: b=2"], "cookie", "a=1; b=2"),
        (["X-Of-Somebody: 1", "X-Other: x", "x-of-somebody: 2"], "x-of-somebody", "1, 2"),
    ],
)
async def test_what_is_a_list_is_one_line_for_everybody(lines: list[str], name: str, expected: str) -> None:
    async with wire(telling) as server:
        found = await told(server, get("/", *lines))
    assert found["kept"][name] == expected


async def test_two_encodings_are_seen_as_two() -> None:
    async with wire(hello) as server:
        said = await server.ask(post(b"{}", "Content-Encoding: gzip", "Content-Encoding: identity"))
    assert not said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: user@a\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
        (b"GET / HTTP/1.0\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost:\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: shop.example:443\r\n", 200),
        (b"GET / HTTP/2.0\r\nHost: a\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n", 400),
    ],
)
async def test_a_request_says_which_host_it_is_for(head: bytes, status: int) -> None:
    async with wire(hello) as server:
        said = await server.ask(head + b"Connection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 %d " % status), said


async def test_a_host_in_the_target_counts_for_more_than_the_header() -> None:
    async with wire(telling) as server:
        found = await told(
            server, b"GET http://real.example:8080/path HTTP/1.1\r\nHost: other.example\r\n\r\n"
        )
        assert found["kept"]["host"] == "real.example:8080"
        found = await told(server, b"GET http://[::1]/path HTTP/1.1\r\nHost: other.example\r\n\r\n")
        assert found["kept"]["host"] == "[::1]"


CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: chunked;a=b",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: x-chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding:",
    ],
)
async def test_of_transfer_codings_only_chunked_is_taken(lines: bytes) -> None:
    async with wire(hello) as server:
        said = await server.ask(b"POST / HTTP/1.1\r\nHost: here\r\n" + lines + b"\r\n\r\n" + CHUNKS)
        assert said.startswith(b"HTTP/1.1 400 "), said
        assert said.count(b"HTTP/1.1 ") == 1
        taken = (
            b"POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\n"
            + CHUNKS
        )
        assert (await server.ask(taken)).endswith(b"hello 2")
        old = b"POST / HTTP/1.0\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
        assert (await server.ask(old)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/", "A: " + "x" * 100_000), 431),
        (get("/", *(f"A{n}: {'x' * 90}" for n in range(1_000))), 431),
        (get("/", *("A: x" for _ in range(20_000))), 431),
        (get("/?" + "x" * 100_000), 431),
        (get("/", "A: " + "x" * 60_000), 200),
        (post(b"x" * 200_000, "A: " + "x" * 60_000), 200),
        (post(b"x" * 200_000, "A: " + "x" * 70_000), 431),
    ],
    ids=["one", "many", "the same", "target", "large", "large and a body", "too large and a body"],
)
async def test_a_head_over_its_bound_is_refused_however_it_comes(request_: bytes, status: int) -> None:
    async with wire(hello) as server:
        assert (await server.ask(request_)).startswith(b"HTTP/1.1 %d " % status)
        reader, writer = await server.connect()
        for at in range(0, len(request_), 10_000):
            writer.write(request_[at : at + 10_000])
            await asyncio.sleep(0)
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert said.startswith(b"HTTP/1.1 %d " % status), said[:200]


async def test_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    async with wire(hello) as server:
        for _ in range(20):
            said = await server.ask(get("/", "A: " + "x" * 3_000_000))
            assert said.startswith(b"HTTP/1.1 431 ")


TRAILED = (
    b"POST / HTTP/1.1\r\nHost: here\r\nX-API-KEY: head\r\nTransfer-Encoding: chunked\r\nTrailer: Host\r\n\r\n"
)
TRAILERS = b"2\r\n{}\r\n0\r\nX-API-KEY: trailer\r\nHost: evil\r\nContent-Type: text/x\r\nX-New: 1\r\n\r\n"


@pytest.mark.parametrize("packets", [1, 2, 40])
async def test_trailers_never_become_headers(packets: int) -> None:
    whole = TRAILED + TRAILERS
    size = -(-len(whole) // packets)
    async with wire(telling) as server:
        found = await told(server, *(whole[at : at + size] for at in range(0, len(whole), size)))
    assert found["body"] == "{}"
    assert (found["kept"]["x-api-key"], found["kept"]["host"]) == ("head", "here")
    assert not {"x-new", "content-type"} & found["kept"].keys()


async def test_after_trailers_the_next_request_has_its_headers() -> None:
    async with wire(telling) as server:
        reader, writer = await server.connect()
        writer.write(TRAILED + TRAILERS + get("/", "X-API-KEY: second"))
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert said.count(b"HTTP/1.1 200 ") == 2
    assert b'"x-api-key": "second"' in said
    assert b"evil" not in said


@pytest.mark.parametrize("endless", [b"X-A: b\r\n", b"x" * 10_000, b"1;" + b"e" * 10_000])
async def test_what_comes_with_a_chunked_body_and_is_none_of_it_is_bounded(endless: bytes) -> None:
    start = b"2\r\n{}\r\n" + (b"" if endless.startswith(b"1;") else b"0\r\nT: ")
    async with wire(hello) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n" + start)
        reading = asyncio.create_task(reader.read())
        sent = 0
        while not reading.done() and sent < 30_000_000:
            writer.write(endless)
            sent += len(endless)
            await asyncio.sleep(0)
        said = await asyncio.wait_for(reading, 5)
        writer.close()
    assert said.startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_comes_while_another_is_answered_is_bounded_too() -> None:
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await hello(scope, receive, send)

    async with wire(slow) as server:
        reader, writer = await server.connect()
        writer.write(get(close=False))
        await asyncio.sleep(0.05)
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nA: ")
        for _ in range(30):
            writer.write(b"x" * 10_000)
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        release.set()
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    # The first has its answer, and nothing more is read.
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"hello 0")


async def test_what_is_wrong_with_the_next_request_does_not_spoil_the_answer_to_this_one() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.1)
        await hello(scope, receive, send)

    async with wire(slow) as server:
        for wrong in (b"GET / HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n"):
            said = await server.ask(get(close=False) + wrong)
            assert said.startswith(b"HTTP/1.1 200 ")
            assert said.endswith(b"hello 0")


async def test_an_answer_before_the_end_of_its_body_reaches_the_client() -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        exchange_of(scope).closes = True
        head = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 413, "headers": head})
        await send({"type": "http.response.body", "body": b"no"})

    async with wire(refusing) as server:
        for _ in range(20):
            said = await server.ask(post(b"x" * 3_000_000))
            assert said.startswith(b"HTTP/1.1 413 ")
            assert said.endswith(b"no")


async def test_the_rest_of_a_body_whose_request_is_answered_has_a_short_deadline() -> None:
    class Impatient(BoundedConnection):
        answered_body_within_s = 0.5

    async def at_once(scope: Any, receive: Any, send: Any) -> None:
        head = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 401, "headers": head})
        await send({"type": "http.response.body", "body": b"no"})

    async with wire(at_once, http=Impatient) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\nx")
        said = await asyncio.wait_for(reader.read(), 4)
        writer.close()
    assert said.startswith(b"HTTP/1.1 401 ")
    assert said.endswith(b"no")
