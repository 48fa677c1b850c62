"""What `serving/uvicorn_parts.py` says of uvicorn is so: each test fails where a version of it behaves otherwise."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
import websockets
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from app.serving import uvicorn_parts as parts
from tests.serving.wire import get, hello, post, until

Noted = list[tuple[str, Any]]


class Noting(parts.HttpConnection):
    """Writes down what uvicorn calls, and what can be read at that moment."""

    noted: Noted = []
    made: "list[Noting]" = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        Noting.made.append(self)
        self.note("made", (self.request(), self.is_answered(), self.is_being_answered()))

    def note(self, what: str, about: Any = None) -> None:
        """One line."""
        Noting.noted.append((what, about))

    def on_message_begin(self) -> None:
        self.note("begin")
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.note("header", name.lower())
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        request = self.request() or {}
        self.note("headers complete", (request.get("method"), request.get("path"), self.is_answered()))

    def on_body(self, body: bytes) -> None:
        self.note("body", body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.note("message complete", self.is_being_answered())
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.note("response complete", (self.is_being_answered(), self.is_answered()))
        super().on_response_complete()


@asynccontextmanager
async def serving(app: ASGIApp, **options: Any) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """A server of uvicorn with our connections, and its port."""
    Noting.noted.clear()
    Noting.made.clear()
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, loop="none", **options)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started)
    try:
        yield server, listening.getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def ask(port: int, request: bytes) -> bytes:
    """Everything the server says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def test_a_request_calls_what_we_override_in_this_order() -> None:
    async with serving(hello, http=Noting, ws="none") as (_, port):
        said = await ask(port, post(b"12345", path="/here"))
    assert said.endswith(b"hello 5")
    assert Noting.noted == [
        ("made", (None, False, False)),
        ("begin", None),
        ("header", b"host"),
        ("header", b"content-length"),
        ("header", b"connection"),
        ("headers complete", ("POST", "/here", False)),
        ("body", b"12345"),
        ("message complete", False),
        ("response complete", (True, True)),
    ]


async def test_an_answer_is_written_to_what_stands_in_for_the_transport() -> None:
    class Between:
        written: list[bytes] = []

        def __init__(self, transport: asyncio.Transport) -> None:
            self.transport = transport

        def write(self, data: bytes) -> None:
            Between.written.append(data)
            self.transport.write(data)

        def close(self) -> None:
            self.transport.close()

        def is_closing(self) -> bool:
            return self.transport.is_closing()

    class Answering(Noting):
        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            self.answer_by(Between(self.transport))

    async with serving(hello, http=Answering, ws="none") as (_, port):
        said = await ask(port, get())
    assert b"".join(Between.written) == said
    head, body = Between.written
    assert head.startswith(parts.STATUS_LINE[200])
    assert head.endswith(b"\r\n\r\n")
    assert body == b"hello 0"


async def test_requests_that_came_together_are_begun_by_us_one_after_the_other() -> None:
    class InTurn(Noting):
        def on_response_complete(self) -> None:
            self.note("waiting", len(self.pipeline))
            self.count_answer()
            self.read_on()
            self.begin_next()

    async with serving(hello, http=InTurn, ws="none") as (server, port):
        said = await ask(port, get("/a", close=False) + get("/b", close=False) + get("/c"))
        assert server.server_state.total_requests == 3
    assert said.count(b"hello 0") == 3
    assert [about for what, about in Noting.noted if what == "waiting"] == [2, 1, 0]


async def test_a_stopping_server_waits_for_work_that_was_begun() -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0.3)
        done.append(True)

    async with serving(hello, http=Noting, ws="none") as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: bool(Noting.made))
        assert server.server_state.connections == set(Noting.made)
        Noting.made[0].begin(work())
        assert len(server.server_state.tasks) == 1
        writer.close()
    assert done == [True]
    assert not server.server_state.tasks


async def test_every_answer_has_the_headers_of_the_server() -> None:
    async with serving(hello, http=Noting, ws="none", headers=[("x-ours", "yes")]) as (_, port):
        said = await ask(port, get())
        lines = Noting.made[0].head_lines()
    assert b"x-ours: yes\r\n" in lines
    assert all(line in said for line in lines.split(b"\r\n") if not line.startswith(b"date"))


async def test_a_client_that_is_behind_is_known() -> None:
    async def torrent(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 50_000_000})

    async with serving(torrent, http=Noting, ws="none") as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it reads, too
        writer.write(get())
        await until(lambda: bool(Noting.made) and Noting.made[0].is_full())
        connection, paused = Noting.made[0], []
        for change in (connection.stop_reading, connection.read_on):
            change()
            paused.append(connection.flow.read_paused)
        assert paused == [True, False]
        writer.close()
        await until(lambda: not connection.server_state.connections)


async def test_a_socket_that_is_left_tells_both_sides() -> None:

    received: list[Any] = []
    made: list[parts.SocketConnection] = []

    class Kept(parts.SocketConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "websocket"
        await receive()
        assert not made[0].is_open()
        await send({"type": "websocket.accept"})
        received.append(await receive())

    async with serving(app, ws=Kept, http=Noting) as (server, port):
        client = await websockets.connect(f"ws://127.0.0.1:{port}/")
        await until(lambda: made[0].is_open())
        assert made[0].server_state is server.server_state
        made[0].leave(1001, "The end.")
        assert not made[0].is_open()
        await client.wait_closed()
        await until(lambda: bool(received))
    assert received == [{"type": "websocket.disconnect", "code": 1001}]
    assert (client.close_code, client.close_reason) == (1001, "The end.")
    # Its handshake was read by an HTTP connection, which never had a request of its own.
    assert Noting.made[0].request() is None


async def test_a_server_announces_itself_when_its_app_is_up_and_it_listens() -> None:
    said: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        said.append("app")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def announced() -> None:
        said.append(f"listens: {server.started}")

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, loop="none", ws="none")
    server = parts.AnnouncingServer(config, announced)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: len(said) == 2)
    server.should_exit = True
    await running
    assert said == ["app", "listens: True"]


async def test_a_trusted_proxy_is_believed() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["scheme"], scope["client"][0]))

    headers = [(b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"203.0.113.7")]
    for trusted in ("127.0.0.1", "192.0.2.1"):
        scope = {"type": "http", "scheme": "http", "client": ("127.0.0.1", 1), "headers": headers}
        nothing: Callable[..., Any] = lambda: None  # noqa: E731  # neither side is used
        await parts.behind_proxy(app, trusted)(scope, nothing, nothing)
    assert seen == [("https", "203.0.113.7"), ("http", "127.0.0.1")]


def test_several_processes_are_asked_for_as_we_do() -> None:
    assert list(inspect.signature(Multiprocess.__init__).parameters)[1:] == ["config", "sockets"]
