"""A simulation that is subscribed to tells how far it is, ends with the result, and stops when nobody listens."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.auth.keys import create_api_key
from app.auth.principal import Principal
from app.domain.assets.storage import AssetStorage
from app.domain.rewards.windows import CHUNK, take_time
from app.graph.live.runs import MAX_RUNS_OF_ONE, Runs
from app.graph.running.checking import check
from app.graph.running.context import Context, Services
from app.graph.running.operations import Operation
from tests.given import rewards
from tests.given.campaigns import NOON
from tests.given.rewards import CAP, Given
from tests.live.conftest import Served, Socket, request, served_with, settings_of
from tests.live.test_event_streams import STREAM, Stream
from tests.serving.wire import until

FIGURES = """
  events wanted paid wasPaid currency customers outcomes { outcome count } limits { of reachedAt }
  differing differences { reference paid wouldBe }
"""
QUERY = f"query ($input: CampaignSimulateInput!) {{ campaignSimulate(input: $input) {{ {FIGURES} }} }}"
WATCH = f"""
subscription ($input: CampaignSimulateInput!) {{
  campaignSimulate(input: $input) {{ done total simulation {{ {FIGURES} }} }}
}}
"""
MANY = 40_000
"""Events: some seconds of work."""


@pytest.fixture
async def world(served: Served) -> Given:
    """A new group with a partner and three customers."""
    return await rewards.given(served.db)


@pytest.fixture
async def credential(served: Served, world: Given) -> dict[str, str]:
    """A key that may read it."""
    made = await create_api_key(
        served.db, group_id=world.group_id, name="live", now=datetime.now(UTC), access="read"
    )
    return {"X-API-KEY": made.secret}


def window(**more: Any) -> dict[str, Any]:
    """The input for all there is."""
    return {"since": "2025-01-01", "until": "2026-01-01", **more}


def draft(world: Given, *, base: int = 7) -> dict[str, Any]:
    """The input for a configuration that nobody ran, with a limit."""
    partner = f"part_{world.partner_id}"
    action = {"partnerId": partner, "actionCode": 1, "baseReward": base}
    cap = {"partnerId": partner, "type": "REWARD_AMOUNT", "operator": "LESS_THAN", "value": 100}
    return window(draft={"flows": [{"trigger": "SPEND", "actions": [action]}], "goals": [cap]})


async def heard_by(socket: Socket, ident: str) -> list[Any]:
    """All payloads until it is complete."""
    payloads = []
    while (message := await socket.hear(within_s=30))["type"] == "next":
        assert message["id"] == ident
        payloads.append(message["payload"])
    assert message == {"id": ident, "type": "complete"}
    return payloads


async def streamed(served: Served, credential: dict[str, str], asked: dict[str, Any]) -> list[Any]:
    """The same over an event stream."""
    body = {"query": WATCH, "variables": {"input": asked}}
    payloads = []
    async with (
        served.http as http,
        http.stream("POST", "/graphql", json=body, headers={**STREAM, **credential}) as response,
    ):
        events = Stream(response, response.aiter_lines())
        while (event := await events.event(within_s=30))[0] == "next":
            payloads.append(event[1])
        assert event == ("complete", None)
        assert await events.event() == ("end", None)
    return payloads


async def queried(served: Served, credential: dict[str, str], asked: dict[str, Any]) -> Any:
    """What the query answers."""
    async with served.http as http:
        body = {"query": QUERY, "variables": {"input": asked}}
        return (await http.post("/graphql", json=body, headers=credential)).json()


async def test_the_last_message_is_what_the_query_answers(
    served: Served, world: Given, credential: dict[str, str]
) -> None:
    campaign = await world.campaign(goals=[(*CAP, 250)])
    await world.pay(campaign, *(world.spend(f"order-{n}", n % 3) for n in range(5)))
    named = window(campaignId=f"camp_{campaign}")
    for asked in (named, {**named, "draft": draft(world)["draft"]}, draft(world)):
        answer = (await queried(served, credential, asked))["data"]["campaignSimulate"]
        assert answer["events"] == 5
        async with served.welcome(**credential) as socket:
            for _ in range(2):  # The id is free again.
                await socket.ask("s", WATCH, input=asked)
                told = await heard_by(socket, "s")
                assert told[-1] == {
                    "data": {"campaignSimulate": {"done": 5, "total": 5, "simulation": answer}}
                }
        assert (await streamed(served, credential, asked))[-1] == told[-1]


async def test_it_tells_how_far_it_is(served: Served, world: Given, credential: dict[str, str]) -> None:
    await world.purchases(MANY)
    started = asyncio.get_running_loop().time()
    async with served.welcome(**credential) as socket:
        await socket.ask("s", WATCH, input=draft(world))
        told = [one["data"]["campaignSimulate"] for one in await heard_by(socket, "s")]
    took_s = asyncio.get_running_loop().time() - started
    assert [one["total"] for one in told] == [MANY] * len(told)
    done = [one["done"] for one in told]
    assert (done[0], done[-1]) == (0, MANY)
    assert done == sorted(done)
    assert [one["simulation"]["events"] for one in told] == done
    assert len(told) <= 3 * took_s + 2
    answer = (await queried(served, credential, draft(world)))["data"]["campaignSimulate"]
    assert told[-1]["simulation"] == answer
    assert answer["limits"][0]["reachedAt"] == (NOON + timedelta(seconds=15)).isoformat()[:19] + "Z"


async def test_a_client_s_loop_ends_by_itself(
    served: Served, world: Given, credential: dict[str, str]
) -> None:
    await world.purchases(10)
    async with served.client(**credential) as session, asyncio.timeout(10):
        told = [one async for one in session.subscribe(request(WATCH, input=draft(world)))]
    assert told[-1]["campaignSimulate"]["done"] == 10


async def test_what_is_wrong_is_said_as_by_the_query(
    served: Served, world: Given, credential: dict[str, str]
) -> None:
    foreign = await (await rewards.given(served.db)).campaign()
    for asked, code in (
        (window(campaignId=f"camp_{foreign}"), "NOT_FOUND"),
        (window(), "INVALID"),
        ({**draft(world), "until": "2024-01-01"}, "INVALID"),
    ):
        told = await queried(served, credential, asked)
        assert told["errors"][0]["extensions"]["code"] == code
        async with served.welcome(**credential) as socket:
            await socket.ask("s", WATCH, input=asked)
            (heard,) = await heard_by(socket, "s")
        (error,), (expected,) = heard["errors"], told["errors"]
        assert (heard["data"], error["message"]) == (None, expected["message"])
        assert error["extensions"] == expected["extensions"]
        (seen,) = await streamed(served, credential, asked)
        assert seen == heard


class Work:
    """What the database does for simulations."""

    def __init__(self, owner: "asyncpg.Connection[Any]") -> None:
        self._owner = owner

    async def comes_to(self, transactions: int, *, within_s: float = 1) -> None:
        """Wait until so many transactions are under way, and fail if that takes longer."""
        async with asyncio.timeout(within_s):
            while await self._owner.fetchval(_UNDER_WAY) != transactions:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.02)


_UNDER_WAY = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'campaign-gateway' AND xact_start IS NOT NULL
"""


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[Work]:
    """Of this database."""
    owner = await asyncpg.connect(database_url)
    yield Work(owner)
    await owner.close()


async def begun(socket: Socket, ident: str, world: Given) -> None:
    """A simulation that has told something."""
    await socket.ask(ident, WATCH, input=draft(world))
    assert (await socket.hear())["payload"]["data"]["campaignSimulate"]["total"] == MANY


async def test_it_stops_when_its_client_leaves(
    served: Served, world: Given, credential: dict[str, str], work: Work
) -> None:
    await world.purchases(MANY)
    async with served.welcome(**credential) as socket:
        await begun(socket, "s", world)
        await work.comes_to(1)
        await socket.say(id="s", type="complete")
        await work.comes_to(0)
        await begun(socket, "s", world)
    await work.comes_to(0)
    body = {"query": WATCH, "variables": {"input": draft(world)}}
    async with (
        served.http as http,
        http.stream("POST", "/graphql", json=body, headers={**STREAM, **credential}) as response,
    ):
        assert (await Stream(response, response.aiter_lines()).event())[0] == "next"
        await work.comes_to(1)
    await work.comes_to(0)


@asynccontextmanager
async def events_locked(database_url: str) -> AsyncIterator[None]:
    """Whoever reads events waits, in the midst of a statement."""
    owner = await asyncpg.connect(database_url)
    async with owner.transaction():
        await owner.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        yield
    await owner.close()


async def test_it_stops_with_its_credential(
    served: Served, world: Given, credential: dict[str, str], work: Work, database_url: str
) -> None:
    async with events_locked(database_url), served.welcome(**credential) as socket:
        await socket.ask("s", WATCH, input=draft(world))
        stream = asyncio.create_task(streamed(served, credential, draft(world)))
        await work.comes_to(2)
        async with served.db.directory() as directory:
            await directory.execute(
                "UPDATE api_key SET revoked_at = now() WHERE group_id = $1", world.group_id
            )
        assert (await socket.end())[0] == 4403
        ((last,),) = [one["errors"] for one in await stream]
        assert last["extensions"]["code"] == "UNAUTHORIZED"
        await work.comes_to(0)


async def test_so_many_at_once(served: Served, world: Given, credential: dict[str, str], work: Work) -> None:
    await world.purchases(MANY)
    async with served.welcome(**credential) as socket:
        for number in range(MAX_RUNS_OF_ONE):
            await begun(socket, str(number), world)
        async with served.welcome(**credential) as other:
            await other.ask("more", WATCH, input=draft(world))
            refused = await other.hear()
            assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "UNAVAILABLE")
            async with served.http as http:
                body = {"query": WATCH, "variables": {"input": draft(world)}}
                assert (
                    await http.post("/graphql", json=body, headers={**STREAM, **credential})
                ).status_code == 503
    await work.comes_to(0)
    async with served.welcome(**credential) as socket:
        await begun(socket, "s", world)


Another = Callable[[], AbstractAsyncContextManager[Served]]


@pytest.fixture
def another(served: Served, tmp_path: Path) -> Another:
    """One more gateway on the same database."""
    return lambda: served_with(settings_of(str(served.settings.database_url), tmp_path), served.db)


async def test_it_stops_with_the_gateway(
    another: Another, world: Given, credential: dict[str, str], work: Work
) -> None:
    await world.purchases(MANY)
    async with another() as going, going.welcome(**credential) as socket:
        await begun(socket, "s", world)
        going.server.should_exit = True
        assert (await socket.end())[0] == 1001
        await work.comes_to(0)


def context_of(served: Served, world: Given) -> Context:
    """A request of somebody who may read the group."""
    services = Services(served.settings, served.db, AssetStorage(served.settings))
    return Context(services, Principal("key:1", world.scope))


async def test_the_work_does_not_wait_for_a_client_that_does_not_read(
    served: Served, world: Given, work: Work
) -> None:
    await world.purchases(MANY)
    context = context_of(served, world)
    operation = Operation(WATCH, {"input": draft(world)})
    runs = Runs()
    subscriber = runs.begin(check(operation, context, live=True), context)
    await until(lambda: not runs.under_way, within_s=30)
    await work.comes_to(0)
    last = await subscriber.next()
    assert last is not None
    assert json.loads(last.body)["data"]["campaignSimulate"]["done"] == MANY
    assert await subscriber.next() is None
    subscriber.close()


async def test_others_have_their_turn_meanwhile(served: Served, world: Given) -> None:
    await world.purchases(5 * CHUNK)
    context = context_of(served, world)
    operation = Operation(WATCH, {"input": draft(world)})
    runs = Runs()
    turns = 0
    subscriber = runs.begin(check(operation, context, live=True), context)
    while runs.under_way:
        await asyncio.sleep(0)
        turns += 1
    subscriber.close()
    # A chunk in one go would be a turn for each, and a few for what is read.
    assert turns > 200


async def test_its_transaction_cannot_write(world: Given) -> None:
    async with world.db.transaction(world.scope) as tx:
        await take_time(tx)

        async def write() -> None:
            async with tx.savepoint():
                await tx.execute("UPDATE campaign SET name = 'x' WHERE group_id = $1", world.group_id)

        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await write()
