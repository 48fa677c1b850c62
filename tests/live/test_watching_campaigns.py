"""A subscription sends what is selected, and again when it has changed."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from tests.live.conftest import Served, request, served_with, settings_of

WATCH = "subscription Watch($id: ID!) { campaign(id: $id) { id name metrics { clicks } } }"
EVERYTHING = (
    "subscription { campaigns(orderBy: [{field: NAME}])"
    " { totalCount pageInfo { endCursor } nodes { name store { id } } } }",
    "subscription { figures { currency clicks spend { amount } clickThroughRate } }",
    "subscription { figures(interval: MONTH, by: [CHANNEL]) { period channel clicks } }",
)


async def test_first_what_there_is_then_what_has_changed(served: Served) -> None:
    ident = await served.campaign("Été")
    async with served.client() as session, asyncio.timeout(10):
        results = session.subscribe(request(WATCH, id=f"camp_{ident}"))
        assert await anext(results) == {
            "campaign": {"id": f"camp_{ident}", "name": "Été", "metrics": {"clicks": 0}}
        }
        await served.rename(ident, "Hiver")
        assert (await anext(results))["campaign"]["name"] == "Hiver"
        await results.aclose()


async def test_nothing_is_sent_while_nothing_changes(served: Served) -> None:
    ident = await served.campaign()
    async with served.welcome() as socket:
        await socket.ask("a", WATCH, id=f"camp_{ident}")
        await socket.hear()
        await served.campaign("another")
        assert await socket.silence(for_s=2.3)


async def test_a_late_subscriber_gets_what_the_others_have(served: Served) -> None:
    ident = await served.campaign()
    query = "subscription ($id: ID!) { campaign(id: $id, every: 60) { name } }"
    async with served.welcome() as one, served.welcome() as late:
        await one.ask("a", query, id=f"camp_{ident}")
        told = await one.hear()
        await late.ask("a", query, id=f"camp_{ident}")
        assert await late.hear(within_s=1) == told


async def test_what_is_not_there_or_foreign_is_null(served: Served, tmp_path: Path) -> None:
    async with served_with(settings_of(str(served.settings.database_url), tmp_path), served.db) as other:
        foreign = await other.campaign("foreign")
        async with served.welcome() as socket:
            for ident in (f"camp_{foreign}", "camp_0", "nonsense"):
                await socket.ask("a", WATCH, id=ident)
                assert (await socket.hear())["payload"] == {"data": {"campaign": None}}
                await socket.say(id="a", type="complete")


@pytest.mark.parametrize("query", EVERYTHING)
async def test_both_executions_say_the_same(served: Served, tmp_path: Path, query: str) -> None:
    ident = await served.campaign("B")
    settings = settings_of(str(served.settings.database_url), tmp_path, PLANNER="0")
    async with served_with(settings, served.db) as unplanned:
        async with served.welcome() as one, unplanned.welcome(**{"X-API-KEY": served.api_key}) as other:
            await one.ask("a", query)
            await other.ask("a", query)
            assert json.dumps(await one.hear()) == json.dumps(await other.hear())
            if "figures" in query:
                await served.record(ident, clicks=7)
            else:
                await served.rename(ident, "C")
            assert json.dumps(changed := await one.hear()) == json.dumps(await other.hear())
            assert "errors" not in changed["payload"]


@pytest.mark.parametrize("setting", ["PLANNER=0", "READ_RLS=1"])
async def test_news_are_the_same_without_a_plan_and_behind_the_policies(
    served: Served, tmp_path: Path, setting: str
) -> None:
    name, _, value = setting.partition("=")
    settings = settings_of(str(served.settings.database_url), tmp_path, **{name: value})
    async with served_with(settings, served.db) as other:
        async with other.welcome(**{"X-API-KEY": served.api_key}) as socket:
            await socket.ask("e", "subscription { events { eventType project { name } } }")
            await asyncio.sleep(0.5)
            for kind in ("one", "two"):
                await served.event(kind)
                told = (await socket.hear())["payload"]["data"]["events"]
                assert told == [{"eventType": kind, "project": None}]
            assert await socket.silence(for_s=1.3)


async def test_what_no_plan_can_say_runs_on_the_resolvers(served: Served) -> None:
    async with served.welcome() as socket:
        await socket.ask("a", "subscription { campaigns { nodes { name segment { sizeNow } } } }")
        told = await socket.hear()
        assert "errors" not in told["payload"], told
        assert told["payload"]["data"]["campaigns"]["nodes"]


async def test_a_database_that_was_away_is_asked_again(served: Served, database_url: str) -> None:
    ident = await served.campaign()
    owner = await asyncpg.connect(database_url)
    async with served.welcome() as socket:
        await socket.ask("a", WATCH, id=f"camp_{ident}")
        await socket.hear()
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await owner.execute("UPDATE campaign SET name = 'after' WHERE id = $1", ident)
        assert (await socket.hear())["payload"]["data"]["campaign"]["name"] == "after"
    await owner.close()
