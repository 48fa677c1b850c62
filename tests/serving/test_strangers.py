"""What is open to strangers cannot be used up by them, and what they hold is small and soon over.

The whole gateway on a socket, and connections that begin a request and stall.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.auth.clients import create_client
from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.db.database import Database
from app.errors import TooLarge, Unavailable
from app.main import running
from app.serving import bodies, strangers
from app.serving.bodies import KIB, Entrance
from app.serving.door import Door
from app.serving.exchange import Exchange
from app.serving.journal import Journal
from app.serving.sockets import BoundedSocket
from app.serving.strangers import Lobby
from app.settings import read_settings
from tests.given import groups, projects
from tests.live.conftest import listening
from tests.serving.wire import get, hello, post, until, wire

TOKEN = "/oauth2/token"
REVOKE = "/oauth2/revoke"
EVENTS = "/api/v1/events"
DELIVERIES = "/api/v1/marketing/webhooks/sendgrid"
PLACES = 20
"""Of those who are known, and of strangers on each route."""
FORM = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=x"
QUERY = {"query": "{ campaigns(first: 1) { totalCount } }"}


@dataclass
class Open:
    """A gateway that listens, and who is known to it."""

    port: int
    door: Door
    key: str
    form: dict[str, str]
    project: str

    @property
    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5)

    @asynccontextmanager
    async def stalled(self, count: int, request: bytes) -> AsyncIterator[list[asyncio.StreamReader]]:
        """So many connections that say so much and no more."""
        lines = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request)
            lines.append((reader, writer))
        await asyncio.sleep(0.2)
        try:
            yield [reader for reader, _ in lines]
        finally:
            for _, writer in lines:
                writer.transport.abort()

    async def is_open_to_all(self) -> None:
        """Somebody who is known, and a stranger on each route, are answered as ever."""
        started = time.monotonic()
        async with self.http as http:
            for _ in range(3):
                asked = await http.post("/graphql", json=QUERY, headers={"X-API-KEY": self.key})
                assert asked.status_code == 200, asked.text
                listed = await http.get("/api/campaigns", headers={"X-API-KEY": self.key})
                assert listed.status_code == 200, listed.text
                given = await http.post(TOKEN, data=self.form)
                assert given.status_code == 200, given.text
                event = {"projectId": self.project, "eventType": "order", "trackerId": "t", "data": {}}
                sent = await http.post(EVENTS, json=event)
                assert sent.status_code in (200, 400), sent.text
                delivered = await http.post(DELIVERIES, json=[])
                assert delivered.status_code == 401, delivered.text
        assert time.monotonic() - started < 4


@pytest.fixture(scope="module")
async def gateway(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Open]:
    settings = read_settings(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "DATABASE_URL": database_url,
            "WORKER_INLINE": "0",
            "MAX_IN_FLIGHT": str(PLACES),
            "MAX_STRANGERS": str(PLACES),
        }
    )
    given = await groups.group(db)
    now = datetime.now(UTC)
    key = await create_api_key(db, group_id=given.group_id, name="x", now=now, access="write")
    client = await create_client(db, group_id=given.group_id, name="x", roles=[Role.MARKETING], now=now)
    await projects.tracking(db, given.group_id, slug="open-shop")
    form = {
        "grant_type": "client_credentials",
        "client_id": client.client.client_id,
        "client_secret": client.secret,
    }
    async with running(settings, journal=Journal()) as app, listening(app, BoundedSocket) as (port, _):
        assert isinstance(app, Door)
        yield Open(port, app, key.secret, form, "open-shop")


def begun(path: str, *lines: str, length: int = 1000) -> bytes:
    """A request that says how long its body is, and one byte of it."""
    head = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {length}", *lines]
    return ("\r\n".join(head) + "\r\n\r\n-").encode()


@pytest.mark.parametrize("count", [32, 260])
@pytest.mark.parametrize(
    "line", [FORM, MULTIPART, "Content-Type: application/json"], ids=["form", "files", "json"]
)
@pytest.mark.parametrize("path", [TOKEN, REVOKE, EVENTS, DELIVERIES, f"{DELIVERIES}/token"])
async def test_bodies_that_do_not_come_keep_nobody_out(
    gateway: Open, path: str, line: str, count: int
) -> None:
    async with gateway.stalled(count, begun(path, line)):
        assert gateway.door.taken == 0
        await gateway.is_open_to_all()


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("X-API-KEY: of-nobody",),
        ("Authorization: Bearer x.y.z",),
        (MULTIPART, "GraphQL-Require-Preflight: 1"),
        (MULTIPART, "GraphQL-Require-Preflight: 1", "X-API-KEY: of-nobody"),
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/api/campaigns", "/api/v1/marketing/campaigns", "/nowhere"])
async def test_who_shows_nothing_that_holds_gets_no_place_and_its_answer_at_once(
    gateway: Open, path: str, lines: tuple[str, ...]
) -> None:
    async with gateway.stalled(
        60,
        begun(path, "Content-Type: application/json", *lines)
        if MULTIPART not in lines
        else begun(path, *lines),
    ) as readers:
        assert gateway.door.taken == gateway.door.in_flight == 0
        for reader in readers:
            said = await asyncio.wait_for(reader.readuntil(b"\r\n"), 3)
            assert said.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 404 ")), said
        await gateway.is_open_to_all()


async def test_chunks_of_a_body_that_never_ends_are_not_waited_for_either(gateway: Open) -> None:
    head = f"POST {TOKEN} HTTP/1.1\r\nHost: here\r\n{FORM}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    async with gateway.stalled(260, head.encode()):
        await gateway.is_open_to_all()


@pytest.mark.parametrize(
    ("path", "line", "most", "status"),
    [
        (TOKEN, FORM, bodies.TOKENS.max_body, 413),
        (TOKEN, MULTIPART, 0, 400),
        (REVOKE, FORM, bodies.TOKENS.max_body, 413),
        (REVOKE, MULTIPART, 0, 400),
        (EVENTS, "Content-Type: text/plain", bodies.EVENTS.max_body, 413),
        (EVENTS, MULTIPART, bodies.EVENTS.max_body, 413),
        (DELIVERIES, MULTIPART, bodies.DELIVERIES.max_body, 413),
    ],
)
async def test_what_is_too_large_is_refused_before_it_comes(
    gateway: Open, path: str, line: str, most: int, status: int
) -> None:
    for length in (most + 1, 300_000_000):
        async with gateway.stalled(1, begun(path, line, "Expect: 100-continue", length=length)) as [reader]:
            said = await asyncio.wait_for(reader.read(), 4)
        assert said.startswith(b"HTTP/1.1 %d " % status), said
        assert b" 100 " not in said
    chunk = b"%x\r\n" % (most + 1) + b"x" * (most + 1) + b"\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\n{line}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    async with gateway.stalled(1, head + chunk) as [reader]:
        assert (await asyncio.wait_for(reader.read(), 4)).startswith(b"HTTP/1.1 %d " % status)


async def test_the_refusal_of_a_large_body_is_read_by_who_sends_it(gateway: Open) -> None:
    async with gateway.http as http:
        for _ in range(5):
            answer = await http.post(TOKEN, content=b"x" * 5_000_000, headers=dict([FORM.split(": ")]))
            assert answer.status_code == 413
            assert answer.json()["error"] == "invalid_request"


async def test_the_largest_that_is_taken_is_taken(gateway: Open) -> None:
    async with gateway.http as http:
        padding = "x" * (bodies.TOKENS.max_body - 150)
        given = await http.post(TOKEN, data={**gateway.form, "state": padding})
        assert given.status_code == 200, given.text
        ended = await http.post(REVOKE, data={**gateway.form, "token": padding})
        assert (ended.status_code, ended.content) == (200, b"")
        event = {
            "projectId": gateway.project,
            "eventType": "order",
            "trackerId": "t",
            "data": {"a": "x" * 100_000},
        }
        assert (await http.post(EVENTS, json=event)).status_code != 413
        assert (await http.post(DELIVERIES, content=b"x" * bodies.DELIVERIES.max_body)).status_code == 401


async def test_a_form_weighs_more_only_where_forms_are_taken(gateway: Open) -> None:
    """And only when it is known who sends it."""
    known = f"X-API-KEY: {gateway.key}"
    for path, weight in (("/graphql", bodies.FORM_WEIGHT), ("/api/campaigns", bodies.FORM_WEIGHT)):
        request = begun(path, MULTIPART, known, "GraphQL-Require-Preflight: 1")
        async with gateway.stalled(1, request):
            assert gateway.door.taken == weight
        await until(lambda: gateway.door.taken == 0)
    async with gateway.http as http:
        token = (await http.post(TOKEN, data=gateway.form)).json()["access_token"]
    json_only = begun("/api/v1/marketing/segments", MULTIPART, f"Authorization: Bearer {token}")
    async with gateway.stalled(1, json_only):
        # Refused at once; the place is free again.
        assert gateway.door.taken == 0


async def test_those_who_are_known_are_bounded_as_ever(gateway: Open) -> None:
    body = begun("/graphql", "Content-Type: application/json", f"X-API-KEY: {gateway.key}")
    async with gateway.stalled(PLACES, body):
        assert gateway.door.taken == PLACES
        async with gateway.http as http:
            asked = await http.post("/graphql", json=QUERY, headers={"X-API-KEY": gateway.key})
            assert (asked.status_code, asked.headers["retry-after"]) == (503, "1")
            listed = await http.get("/api/campaigns", headers={"X-API-KEY": gateway.key})
            assert (listed.status_code, listed.headers["retry-after"]) == (503, "1")
            assert (await http.get("/healthz")).status_code == 200
            # Strangers have places of their own.
            assert (await http.post(TOKEN, data=gateway.form)).status_code == 200
    await until(lambda: gateway.door.taken == 0)


@pytest.mark.parametrize(
    ("path", "entrance"),
    [
        ("/", bodies.PAGES),
        ("/docs", bodies.PAGES),
        ("/openapi.json", bodies.PAGES),
        ("/nowhere", bodies.PAGES),
        ("/api/nowhere", bodies.PAGES),
        ("/graphql/static/none.js", bodies.PAGES),
        ("/assets/1", bodies.FILES),
    ],
)
async def test_pages_have_places_of_their_own(gateway: Open, path: str, entrance: Entrance) -> None:
    lobby = gateway.door.lobby(entrance)
    lobby.taken += PLACES
    async with gateway.http as http:
        assert (await http.get(path)).status_code == 503
        lobby.taken -= PLACES
        assert (await http.get(path)).status_code != 503
        asked = await http.post("/graphql", json=QUERY, headers={"X-API-KEY": gateway.key})
    assert asked.status_code == 200
    assert lobby.taken == 0


# ── the room of one entrance ──────────────────────────────────────────────────

SMALL = Entrance("small", 10 * KIB, 1.0)


class Body:
    """A body that comes when it is told to."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def put(self, body: bytes, *, more: bool = True) -> None:
        self.queue.put_nowait({"type": "http.request", "body": body, "more_body": more})

    async def __call__(self) -> Any:
        return await self.queue.get()


def waiting(lobby: Lobby) -> tuple[Body, "asyncio.Task[bytes]", Exchange]:
    body, exchange = Body(), Exchange({})
    return body, asyncio.create_task(lobby.read(exchange, body)), exchange


async def test_whoever_waits_longest_makes_room() -> None:
    lobby = Lobby(SMALL, places=1, max_waiting=3)
    first, *others = [waiting(lobby) for _ in range(3)]
    await asyncio.sleep(0)
    newest = waiting(lobby)
    with pytest.raises(Unavailable):
        await first[1]
    assert first[2].closes
    for number, (body, _, _) in enumerate((*others, newest)):
        body.put(b"a", more=True)
        body.put(b"%d" % number, more=False)
    assert [await task for _, task, _ in (*others, newest)] == [b"a0", b"a1", b"a2"]
    assert not newest[2].closes
    assert (len(lobby.waiting), lobby.held) == (0, 0)


async def test_bodies_that_are_not_complete_hold_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "MAX_HELD", 20 * KIB)
    lobby = Lobby(SMALL, places=1)
    many = [waiting(lobby) for _ in range(5)]
    for body, _, _ in many:
        body.put(b"x" * 9 * KIB)
        await asyncio.sleep(0.01)
    assert lobby.held <= 20 * KIB
    assert [task.done() for _, task, _ in many] == [True, True, True, False, False]
    for body, _, _ in many:
        body.put(b"", more=False)
    outcomes = await asyncio.gather(*(task for _, task, _ in many), return_exceptions=True)
    assert [type(one) for one in outcomes] == [Unavailable] * 3 + [bytes] * 2
    assert lobby.held == 0


async def test_a_body_over_the_route_s_bound_is_not_held() -> None:
    lobby = Lobby(SMALL, places=1)
    body, task, _ = waiting(lobby)
    body.put(b"x" * 9 * KIB)
    body.put(b"x" * 9 * KIB)
    with pytest.raises(TooLarge, match="10 KiB"):
        await task
    assert (len(lobby.waiting), lobby.held) == (0, 0)


async def test_whoever_leaves_while_it_waits_is_cancelled_as_ever() -> None:
    lobby = Lobby(SMALL, places=1)
    _, task, _ = waiting(lobby)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(lobby.waiting) == 0


async def test_the_deadline_of_a_stranger_s_body_does_not_grow_with_what_arrives() -> None:
    entrance = replace(bodies.EVENTS, max_body=100 * KIB, body_within_s=1.0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await strangers.body_of_stranger(scope, receive, entrance)
        head = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body"})

    async with wire(app) as server:
        reader, writer = await server.connect()
        writer.write(begun("/", length=100_000))
        started = time.monotonic()
        reading = asyncio.create_task(reader.read())
        while not reading.done() and time.monotonic() - started < 6:
            writer.write(b"x" * 1000)
            await asyncio.sleep(0.1)
        took_s = time.monotonic() - started
        said = await reading
        writer.close()
        await until(lambda: server.door.in_flight == 0)
        assert (await server.ask(post(b"x" * 1000))).startswith(b"HTTP/1.1 200 ")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert took_s < 4


async def test_when_every_stranger_s_place_is_taken_others_come_in() -> None:
    release = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        exchange = scope["gateway"]
        if scope["path"] == "/open":
            exchange.knock(bodies.PAGES)
            await release.wait()
        elif scope["path"] == "/other":
            exchange.knock(bodies.FILES)
        else:
            exchange.enter()
        await hello(scope, receive, send)

    async with wire(app, max_strangers=2) as server:
        first = [asyncio.create_task(server.ask(get("/open"))) for _ in range(2)]
        await until(lambda: server.door.in_flight == 2)
        assert (await server.ask(get("/open"))).startswith(b"HTTP/1.1 503 ")
        assert (await server.ask(get("/other"))).startswith(b"HTTP/1.1 200 ")
        assert (await server.ask(get("/known"))).startswith(b"HTTP/1.1 200 ")
        release.set()
        assert all(one.startswith(b"HTTP/1.1 200 ") for one in await asyncio.gather(*first))
        assert (await server.ask(get("/open"))).startswith(b"HTTP/1.1 200 ")
