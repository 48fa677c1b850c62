"""A real server on a real socket around a small app, and a client that speaks bytes."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp

from app.errors import Failure, TooLarge, Unavailable
from app.serving.connections import BoundedConnection
from app.serving.door import Door, Refusal
from app.serving.journal import Journal
from app.serving.sockets import BoundedSocket


class Counting(BoundedConnection):
    """Counts the requests that are read; those that are known by their bytes are not."""

    read = 0

    def _read(self, data: bytes, *, begins: bool) -> None:
        Counting.read += 1
        super()._read(data, begins=begins)


@dataclass
class Wire:
    """The server under test."""

    port: int
    door: Door
    log: io.BytesIO = field(default_factory=io.BytesIO)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The request log so far."""
        self.door.journal.flush()
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: bytes) -> bytes:
        """Send bytes on a connection of their own and read until the server closes it."""
        reader, writer = await self.connect()
        writer.write(request)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()


async def until(holds: Callable[[], bool], *, within_s: float = 5) -> None:
    """Wait for something that happens inside the server."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


def refuse(_: str, failure: Failure | None) -> Refusal:
    """Refusals a test can read."""
    status = {TooLarge: 413, Unavailable: 503}.get(type(failure), 500)
    body = (failure.message if failure else "broken").encode()
    return status, [(b"content-length", str(len(body)).encode())], body


@asynccontextmanager
async def wire(
    app: ASGIApp,
    *,
    max_in_flight: int = 100,
    max_strangers: int = 100,
    http: type[BoundedConnection] = BoundedConnection,
    ws: type[BoundedSocket] | Literal["none"] = "none",
) -> AsyncIterator[Wire]:
    """`app` behind the door, served."""
    log = io.BytesIO()
    door = Door(
        app,
        journal=Journal(log),
        refuse=refuse,
        max_in_flight=max_in_flight,
        max_strangers=max_strangers,
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(door, http=http, lifespan="off", log_config=None, loop="none", ws=ws)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started)
    try:
        yield Wire(listening.getsockname()[1], door, log)
    finally:
        server.should_exit = True
        await serving


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers everything with `hello` and the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"hello %d" % size
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})


def get(path: str = "/", *headers: str, close: bool = True) -> bytes:
    """The bytes of a GET."""
    lines = [f"GET {path} HTTP/1.1", "Host: here", *headers, *(["Connection: close"] if close else [])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(body: bytes, *headers: str, path: str = "/") -> bytes:
    """The bytes of a POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: here",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
