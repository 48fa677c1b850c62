"""The last events, and then what follows: nothing is lost between the two, nothing comes twice."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.db.database import Database
from app.graph.subscription import MAX_LAST
from tests.given import groups
from tests.live.conftest import INSERT_EVENT, Served, Socket, served_with, settings_of
from tests.live.test_events import kinds


@pytest.fixture(params=["planned", "resolved"])
async def served(
    request: pytest.FixtureRequest, database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """A gateway with a group that has no events yet; one that plans, and one that does not."""
    planner = {"planned": "1", "resolved": "0"}[request.param]
    settings = settings_of(database_url, tmp_path_factory.mktemp("data"), PLANNER=planner)
    async with served_with(settings, db) as made:
        yield made


def following(last: int, more: str = "") -> str:
    """The subscription."""
    return f"subscription {{ events(last: {last}{more}) {{ eventType }} }}"


async def hear(socket: Socket, ident: str, count: int) -> list[str]:
    """So many events, in as many messages as it takes."""
    heard: list[str] = []
    while len(heard) < count:
        message = await socket.hear()
        assert message["id"] == ident
        heard += kinds(message)
    return heard


@asynccontextmanager
async def open_transaction(served: Served, kind: str) -> AsyncIterator[None]:
    """An event that has come in, and is committed at the end."""
    async with served.db.transaction(served.given.scope) as tx:
        await tx.execute(INSERT_EVENT, served.given.group_id, kind, uuid4().hex, timedelta(0))
        yield


async def test_the_last_ones_come_first_in_their_order_and_then_what_follows(served: Served) -> None:
    other = await groups.group(served.db, name="B")
    await served.event("theirs", given=other)
    await served.event("old", age=timedelta(hours=2))
    await served.event("older", age=timedelta(hours=3))
    await served.event("new")
    async with served.welcome() as socket:
        await socket.ask("e", following(2))
        assert kinds(await socket.hear()) == ["old", "new"]
        await served.event("next")
        assert kinds(await socket.hear()) == ["next"]
        # Whoever comes later to what is watched already begins with the last ones as well, at once.
        await socket.ask("f", following(2))
        assert await hear(socket, "f", 2) == ["new", "next"]
        await served.event("for both")
        both = [await socket.hear(), await socket.hear()]
        assert sorted((one["id"], *kinds(one)) for one in both) == [("e", "for both"), ("f", "for both")]
        assert await socket.silence(for_s=1.3)


async def test_it_waits_for_no_tick(served: Served) -> None:
    await served.event("here")
    async with served.welcome() as socket:
        for ident in ("e", "f", "g"):
            await socket.ask(ident, following(5, ", every: 600"))
            assert await hear(socket, ident, 1) == ["here"]


async def test_a_message_says_that_there_are_none(served: Served) -> None:
    async with served.welcome() as socket:
        await socket.ask("e", following(20))
        assert kinds(await socket.hear()) == []
        await served.event("first")
        assert kinds(await socket.hear()) == ["first"]


async def test_the_filter_holds_for_both_parts(served: Served) -> None:
    for kind in ("wanted", "other", "wanted"):
        await served.event(kind)
    query = 'subscription ($n: Int) { events(last: $n, filter: {eventType: "wanted"}) { eventType } }'
    async with served.welcome() as socket:
        await socket.ask("e", query, n=3)
        assert kinds(await socket.hear()) == ["wanted", "wanted"]
        await served.event("other")
        await served.event("wanted")
        assert kinds(await socket.hear()) == ["wanted"]
        # None at all: as without it.
        for ident, none in (("f", 0), ("g", None)):
            await socket.ask(ident, query, n=none)
        assert await socket.silence(for_s=1.3)


@pytest.mark.parametrize("wrong", [-1, MAX_LAST + 1])
async def test_there_is_a_bound(served: Served, wrong: int) -> None:
    async with served.welcome() as socket:
        await socket.ask("e", following(wrong))
        [error] = (await socket.hear())["payload"]
        assert error["message"] == f"last lies between 0 and {MAX_LAST}."


async def test_what_is_committed_while_it_begins_is_told_once(served: Served) -> None:
    """An event older than the last ones that are shown, whose transaction is still under way."""
    async with served.welcome() as socket:
        async with open_transaction(served, "late"):
            await served.event("early")
            await socket.ask("e", following(10))
            assert kinds(await socket.hear()) == ["early"]
            await asyncio.sleep(1.2)
        assert kinds(await socket.hear()) == ["late"]
        assert await socket.silence(for_s=1.3)


async def test_asking_first_and_then_watching_loses_what_comes_between(served: Served) -> None:
    """What clients did without it."""
    await served.event("before")
    async with served.welcome() as socket:
        await socket.ask("q", "{ events(last: 10) { nodes { eventType } } }")
        asked = (await socket.hear())["payload"]["data"]["events"]["nodes"]
        await socket.hear()
        await served.event("between")
        await socket.ask("e", "subscription { events { eventType } }")
        await asyncio.sleep(0.5)
        await served.event("after")
        heard = [one["eventType"] for one in asked] + kinds(await socket.hear())
        assert heard == ["before", "after"]
        assert await socket.silence(for_s=1.3)


async def test_watching_from_the_last_instant_on_loses_what_is_committed_late(served: Served) -> None:
    """The other naive way: after the first answer, whatever is younger than its youngest event."""
    async with open_transaction(served, "late"):
        await served.event("early")
        async with served.http as http:
            asked = await http.post(
                "/graphql", json={"query": "{ events { nodes { eventType receivedAt } } }"}
            )
            [shown] = asked.json()["data"]["events"]["nodes"]
    query = f'{{ events(filter: {{since: "{shown["receivedAt"]}"}}) {{ nodes {{ eventType }} }} }}'
    async with served.http as http:
        found = (await http.post("/graphql", json={"query": query})).json()["data"]["events"]["nodes"]
    assert [one["eventType"] for one in found] == ["early"]
    async with served.welcome() as socket:
        await socket.ask("e", following(10))
        assert kinds(await socket.hear()) == ["late", "early"]


async def test_over_an_event_stream(served: Served) -> None:
    await served.event("one")
    await served.event("two")
    headers = {"Accept": "text/event-stream"}
    body = {"query": following(5)}
    heard: list[list[str]] = []
    async with served.http as http, http.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.status_code == 200
        async for found in messages(answer):
            heard.append([one["eventType"] for one in found["data"]["events"]])
            if len(heard) == 1:
                await served.event("three")
            else:
                break
    assert heard == [["one", "two"], ["three"]]


async def messages(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """What an event stream says."""
    async for line in answer.aiter_lines():
        if line.startswith("data: ") and len(line) > len("data: "):
            yield json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize("seed", range(3))
async def test_whenever_somebody_joins_each_event_comes_once(served: Served, seed: int) -> None:
    """Events are committed all the time, at once or late, and others join in between."""
    chance = random.Random(seed)
    total = 60

    async def write(at: int) -> None:
        await asyncio.sleep(chance.uniform(0, 5))
        async with open_transaction(served, str(at)):
            await asyncio.sleep(chance.choice([0, 0, 0.05, chance.uniform(0.2, 2.5)]))

    async def watch() -> list[str]:
        await asyncio.sleep(chance.uniform(0, 5))
        async with served.welcome() as socket:
            await socket.ask("e", following(MAX_LAST))
            heard = await hear(socket, "e", total)
            assert await socket.silence(for_s=1.3)
            return heard

    async with asyncio.timeout(60):
        found = await asyncio.gather(*(watch() for _ in range(8)), *(write(at) for at in range(total)))
    for heard in found[:8]:
        assert heard is not None
        assert sorted(map(int, heard)) == list(range(total))
