"""When a line ends: with its credential, with the gateway, and with a client that does not read."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets import ConnectionClosed

from app.auth.credentials import Authenticator
from app.auth.principal import Principal
from app.errors import Unavailable
from app.graph.live.subscribers import MAX_WAITING, Ended, Payload, Subscriber
from app.graph.live.watching import MAX_LINES, MAX_LINES_OF_GROUP, MAX_LINES_OF_ONE, Watches
from app.serving.sockets import BoundedSocket
from app.values.scope import Scope
from tests.live.conftest import Served, served_with, settings_of
from tests.live.test_event_streams import COUNT, stream
from tests.serving.wire import until

PROMISED_S = 5.0


@pytest.mark.slow
async def test_a_revoked_key_closes_its_sockets_and_streams(served: Served) -> None:
    key_id, secret = await served.key()
    async with (
        served.welcome(**{"X-API-KEY": secret}) as socket,
        served.welcome() as another,
        stream(served, COUNT, **{"X-API-KEY": secret}) as events,
    ):
        await socket.ask("a", COUNT)
        await another.ask("a", COUNT)
        for line in (socket, another):
            assert (await line.hear())["type"] == "next"
        assert (await events.event())[0] == "next"
        # Proved again and again, it holds as long as nobody revokes it.
        assert await socket.silence(for_s=4.5)
        started = time.monotonic()
        await served.revoke(key_id)
        assert await socket.end() == (4403, "The credential does not hold any more.")
        kind, last = await events.event()
        assert (kind, last["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHORIZED")
        assert (await events.event())[0] == "complete"
        assert time.monotonic() - started < PROMISED_S
        await served.campaign()
        assert (await another.hear())["type"] == "next"


async def test_a_token_s_socket_ends_with_it(served: Served) -> None:
    token = served.token(life_s=3)
    started = time.monotonic()
    async with served.welcome(Authorization=f"Bearer {token}") as socket:
        await socket.ask("a", COUNT)
        assert (await socket.hear())["type"] == "next"
        assert (await socket.end())[0] == 4403
        assert 1.5 < time.monotonic() - started < 3 + 1.5


Another = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def another(served: Served, tmp_path: Path) -> Another:
    """One more gateway on the same database."""

    def make(ws: type[BoundedSocket] = BoundedSocket) -> AbstractAsyncContextManager[Served]:
        return served_with(settings_of(str(served.settings.database_url), tmp_path), served.db, ws=ws)

    return make


async def test_a_gateway_that_stops_says_so(another: Another) -> None:
    async with another() as going:
        async with going.welcome() as socket, stream(going, COUNT) as events:
            await socket.ask("a", COUNT)
            assert (await socket.hear())["type"] == "next"
            assert (await events.event())[0] == "next"
            started = time.monotonic()
            going.server.should_exit = True
            assert (await socket.end())[0] == 1001
            # No `complete`: the client shall ask again, of whoever answers then.
            assert await events.event() == ("end", None)
            assert time.monotonic() - started < 2


def subscriber(*, keeps_all: bool) -> Subscriber:
    """A place in a topic that nobody reads from."""
    return Subscriber(keeps_all=keeps_all, leave=lambda _: None)


async def test_whoever_reads_slowly_gets_the_newest() -> None:
    slow = subscriber(keeps_all=False)
    for number in range(5):
        slow.put(Payload(b"%d" % number))
    newest = await slow.next()
    assert newest is not None
    assert newest.body == b"4"
    slow.close()


async def test_whoever_must_get_everything_and_does_not_read_is_ended() -> None:
    slow = subscriber(keeps_all=True)
    for number in range(MAX_WAITING + 1):
        slow.put(Payload(b"%d" % number))
    with pytest.raises(Ended) as ended:
        await slow.next()
    assert isinstance(ended.value.failure, Unavailable)
    slow.close()


class Hasty(BoundedSocket):
    read_within_s = 0.5


async def test_a_socket_that_is_never_read_is_cut_off(another: Another) -> None:
    async with another(Hasty) as going, going.welcome() as socket:
        tasks = going.server.server_state.tasks
        assert len(tasks) == 1
        bare = socket.bare
        bare.transport.pause_reading()
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(1):
                for _ in range(20):
                    await socket.say(type="ping", payload={"x": "x" * 900_000})
        # Its pongs fill every buffer on the way; then there is nothing left to wait for.
        await until(lambda: not tasks)
        bare.transport.abort()


def spelled(token: str) -> list[bytes]:
    """The same token, as clients send it."""
    return [
        b"%b%b%b" % (scheme, blanks, token.encode())
        for scheme in (b"Bearer", b"bearer", b"BEARER", b"bEARER")
        for blanks in (b" ", b"  ")
    ]


async def test_lines_of_one_principal_are_bounded_however_it_spells_its_credential(served: Served) -> None:
    now = datetime.now(UTC)
    watches = Watches(Authenticator(served.settings, served.db))
    principal = Principal("user:1", served.given.scope)
    another = replace(principal, name="user:2")
    ended: list[object] = []
    spellings = [*spelled("token"), b"Bearer a-newer-one"]
    closes = [
        watches.open({b"authorization": spellings[number % len(spellings)]}, principal, ended.append, now=now)
        for number in range(MAX_LINES_OF_ONE)
    ]
    for one in (*spellings, b"BEarer token", b"Bearer another"):
        with pytest.raises(Unavailable):
            watches.open({b"authorization": one}, principal, ended.append, now=now)
    watches.open({b"authorization": b"Bearer of-another"}, another, ended.append, now=now)
    closes[0]()
    closes[0]()
    watches.open({b"authorization": b"bearer token"}, principal, ended.append, now=now)
    with pytest.raises(Unavailable):
        watches.open({b"authorization": b"bearer token"}, principal, ended.append, now=now)
    await watches.close()
    assert ended == [None] * (MAX_LINES_OF_ONE + 1)


async def test_a_group_cannot_have_all_lines_of_the_process(served: Served) -> None:
    now = datetime.now(UTC)
    watches = Watches(Authenticator(served.settings, served.db))
    ended: list[object] = []

    def open_one(principal: Principal) -> Callable[[], None]:
        return watches.open({b"x-api-key": principal.name.encode()}, principal, ended.append, now=now)

    ours = [Principal(f"key:{number}", served.given.scope) for number in range(10)]
    closes = [open_one(ours[number % 10]) for number in range(MAX_LINES_OF_GROUP)]
    for one in (*ours, Principal("key:new", served.given.scope)):
        with pytest.raises(Unavailable):
            open_one(one)
    theirs = Principal("key:1", Scope(served.given.group_id + 1))
    for _ in range(MAX_LINES - MAX_LINES_OF_GROUP):
        closes.append(open_one(theirs) if len(closes) % 2 else open_one(replace(theirs, name="key:2")))
    assert watches.is_full
    for close in closes:
        close()
    # Nothing is remembered of those who left.
    assert not watches._lines_of
    assert not watches._watches
    await watches.close()
