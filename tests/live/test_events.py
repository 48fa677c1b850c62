"""Events come once each, as they are committed, to whoever may see them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.db.database import Database
from app.graph.subscription import MAX_EVENTS
from tests.given import groups
from tests.live.conftest import INSERT_EVENT, Served, Socket, served_with, settings_of


@pytest.fixture(scope="module")
async def both(
    served: Served, database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Served]]:
    """A gateway that plans, and one that does not."""
    settings = settings_of(database_url, tmp_path_factory.mktemp("resolving"), PLANNER="0")
    async with served_with(settings, db) as resolving:
        yield {"planned": served, "resolved": resolving}


EVENTS = "subscription { events { id eventType } }"


async def begin(served: Served, socket: Socket, query: str = EVENTS) -> None:
    """Subscribe, and let the first look pass: what was there before is no news."""
    await socket.ask("e", query)
    await asyncio.sleep(0.4)


def kinds(message: dict[str, Any]) -> list[str]:
    """What happened, by the message."""
    assert message["type"] == "next", message
    return [one["eventType"] for one in message["payload"]["data"]["events"]]


async def test_only_what_comes_in_from_now_on_and_each_of_it_once(served: Served) -> None:
    await served.event("before")
    async with served.welcome() as socket:
        await begin(served, socket)
        await served.event("first")
        assert kinds(await socket.hear()) == ["first"]
        await served.event("second")
        await served.event("third")
        heard: list[str] = []
        while len(heard) < 2:
            heard += kinds(await socket.hear())
        assert heard == ["second", "third"]
        assert await socket.silence(for_s=2.2)


@pytest.mark.parametrize("how", ["planned", "resolved"])
async def test_what_is_committed_late_is_not_missed(how: str, both: dict[str, Served]) -> None:
    served = both[how]
    async with served.welcome() as socket:
        await begin(served, socket)
        async with served.db.transaction(served.given.scope) as tx:
            await tx.execute(INSERT_EVENT, served.given.group_id, "late", uuid4().hex, timedelta(0))
            await served.event("early")
            assert kinds(await socket.hear()) == ["early"]
            await asyncio.sleep(2.5)
        assert kinds(await socket.hear()) == ["late"]
        for age_s in (8, 11, 15, 20, 60, 3600):
            await served.event(f"{age_s} s late", age=timedelta(seconds=age_s))
            assert kinds(await socket.hear()) == [f"{age_s} s late"]
        await served.event("ahead", age=timedelta(seconds=-30))
        assert kinds(await socket.hear()) == ["ahead"]
        assert await socket.silence(for_s=2.5)


@pytest.mark.slow
async def test_a_transaction_that_stays_open_is_told_when_it_ends(served: Served) -> None:
    """Longer than any overlap of clocks, while others come and go."""
    async with served.welcome() as socket:
        await begin(served, socket)
        heard: list[str] = []
        async with served.db.transaction(served.given.scope) as tx:
            await tx.execute(INSERT_EVENT, served.given.group_id, "open for long", uuid4().hex, timedelta(0))
            for at in range(12):
                await served.event(f"meanwhile {at}")
                heard += kinds(await socket.hear())
        heard += kinds(await socket.hear())
        assert heard == [*(f"meanwhile {at}" for at in range(12)), "open for long"]
        # What is undone is never told.
        with contextlib.suppress(RuntimeError):
            async with served.db.transaction(served.given.scope) as tx:
                await tx.execute(INSERT_EVENT, served.given.group_id, "undone", uuid4().hex, timedelta(0))
                raise RuntimeError("undone")
        assert await socket.silence(for_s=2.5)


async def test_a_filter_by_what_processing_finds_out_tells_when_it_is_found(served: Served) -> None:
    settle = """
    UPDATE event SET status = $3, moved_by = pg_current_xact_id()::text::bigint WHERE group_id = $1 AND event_type = $2
    """
    async with served.welcome() as socket:
        await begin(served, socket, "subscription { events(filter: {status: [PROCESSED]}) { eventType } }")
        await served.event("already")
        assert kinds(await socket.hear()) == ["already"]
        async with served.db.transaction(served.given.scope) as tx:
            await tx.execute(INSERT_EVENT, served.given.group_id, "soon", uuid4().hex, timedelta(0))
            await tx.execute(settle, served.given.group_id, "soon", "pending")
        assert await socket.silence(for_s=1.3)
        # Other transactions pass by before it is processed, more than a reader doubts.
        for _ in range(300):
            async with served.db.transaction(served.given.scope) as tx:
                await tx.execute("SELECT pg_current_xact_id()")
        async with served.db.transaction(served.given.scope) as tx:
            await tx.execute(settle, served.given.group_id, "soon", "processed")
        assert kinds(await socket.hear()) == ["soon"]
        assert await socket.silence(for_s=1.3)


async def test_a_crowd_comes_in_several_messages_without_waiting(served: Served) -> None:
    count = 2 * MAX_EVENTS + 7
    async with served.welcome() as socket:
        await begin(served, socket)
        async with served.db.transaction(served.given.scope) as tx:
            await tx.execute(
                "INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at)"
                " SELECT $1, uuidv7(), 'crowd', n::text, n::text, clock_timestamp(), now()"
                "   FROM generate_series(1, $2::int) n",
                served.given.group_id, count,
            )  # fmt: skip
        heard = [kinds(await socket.hear()), kinds(await socket.hear(within_s=0.9))]
        heard.append(kinds(await socket.hear(within_s=0.9)))
        assert [len(part) for part in heard] == [MAX_EVENTS, MAX_EVENTS, 7]
        assert sorted(int(kind) for part in heard for kind in part) == list(range(1, count + 1))


async def test_filters_and_borders_hold(served: Served) -> None:
    other = await groups.group(served.db, name="B")
    async with served.welcome() as socket, served.welcome() as narrow:
        await begin(served, socket, 'subscription { events(filter: {eventType: "wanted"}) { eventType } }')
        await served.event("unwanted")
        await served.event("wanted", given=other)
        await served.event("wanted")
        assert kinds(await socket.hear()) == ["wanted"]
        await begin(served, narrow, "subscription ($no: Boolean!) { events { id @include(if: $no) } }")
        assert (await narrow.hear())["type"] == "error"
        assert await socket.silence(for_s=1.3)
