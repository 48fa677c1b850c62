"""An answer's head and its body leave together; heads and bodies never mix."""

import asyncio
from typing import Any

from app.serving.bodies import KIB
from tests.serving.wire import get, hello, post, wire


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """By path: one piece of so many bytes, pieces, no body at all, or a body that breaks off."""
    kind, _, size = scope["path"][1:].partition("/")
    length = [(b"content-length", size.encode())] if kind != "pieces" else []
    await send({"type": "http.response.start", "status": 200, "headers": length})
    if kind == "breaks":
        return
    for _ in range(3 if kind == "pieces" else 0):
        await send({"type": "http.response.body", "body": b"x" * int(size), "more_body": True})
    await send({"type": "http.response.body", "body": b"x" * int(size) if kind == "whole" else b""})


async def test_one_look_at_the_socket_sees_all_of_it() -> None:
    async with wire(hello) as server:
        reader, writer = await server.connect()
        for _ in range(20):
            writer.write(get(close=False))
            seen = await reader.read(64 * KIB)
            assert seen.startswith(b"HTTP/1.1 200 OK\r\n")
            assert seen.endswith(b"\r\n\r\nhello 0")
        writer.close()


async def test_small_large_and_empty_bodies_and_those_in_pieces_arrive_whole() -> None:
    async with wire(answering) as server:
        for size in (0, 1, 64 * KIB, 64 * KIB + 1, 1024 * KIB):
            said = await server.ask(get(f"/whole/{size}"))
            assert said.partition(b"\r\n\r\n")[2] == b"x" * size
        said = await server.ask(get("/pieces/5"))
        assert said.endswith(b"\r\n\r\n" + b"5\r\nxxxxx\r\n" * 3 + b"0\r\n\r\n")
        said = await server.ask(get("/none/0"))
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")
        assert said.endswith(b"\r\n\r\n")


async def test_a_head_without_a_body_is_not_kept_back() -> None:
    async with wire(answering) as server:
        reader, writer = await server.connect()
        for _ in range(2):
            writer.write(get("/whole/7", close=False).replace(b"GET", b"HEAD"))
            said = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert b"content-length: 7\r\n" in said
        writer.close()
        broken = await server.ask(get("/breaks/7", close=False))
    assert broken.startswith(b"HTTP/1.1 200 OK\r\n")
    assert broken.endswith(b"\r\n\r\n")


async def test_requests_sent_at_once_are_answered_in_order() -> None:
    async with wire(answering) as server:
        paths = ["/whole/3", "/none/0", "/whole/70000", "/pieces/2", "/whole/1"]
        sent = b"".join(get(path, close=False) for path in paths) + get("/whole/4")
        said = await server.ask(sent)
    heads = said.split(b"HTTP/1.1 200 OK\r\n")[1:]
    bodies = [head.partition(b"\r\n\r\n")[2] for head in heads]
    pieces = b"2\r\nxx\r\n" * 3 + b"0\r\n\r\n"
    assert bodies == [b"xxx", b"", b"x" * 70000, pieces, b"x", b"xxxx"]


async def test_whoever_waits_for_a_continue_gets_it_before_the_answer() -> None:
    async with wire(hello) as server:
        reader, writer = await server.connect()
        request = post(b"hallo", "Expect: 100-continue")
        writer.write(request[:-5])
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(request[-5:])
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert said.endswith(b"hello 5")


async def test_blanks_after_a_header_s_value_are_none_of_it() -> None:
    seen: list[dict[bytes, bytes]] = []

    async def keeping(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))
        await hello(scope, receive, send)

    async with wire(keeping) as server:
        await server.ask(get("/", "X-API-KEY: a b \t", "X-Empty:  "))
    assert (seen[0][b"x-api-key"], seen[0][b"x-empty"]) == (b"a b", b"")
