"""Events are stored before they are acknowledged, and one nonce is one event, whoever sends it and however often."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db.database import Database
from app.domain.events.accepting import LONG_S, Acceptor, Sent, new_id
from app.errors import NotFound, Unavailable
from app.values.scope import Scope
from tests.given import groups, projects

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sent(group_id: int, project_id: int, nonce: str, **other: Any) -> Sent:
    """An event that says little."""
    values: dict[str, Any] = {
        "event_type": "purchase",
        "tracker_id": "t-1",
        "occurred_at": NOW,
        "received_at": NOW,
        "body": '{"data": {"a":  1.50}}',
    }
    return Sent(group_id=group_id, project_id=project_id, nonce=nonce, **{**values, **other})


async def two_projects(db: Database) -> list[tuple[int, int]]:
    """Projects of two groups."""
    made = []
    for _ in range(2):
        group = await groups.group(db)
        project = await projects.tracking(db, group.group_id, slug=f"shop-{uuid4().hex[:8]}")
        made.append((group.group_id, project))
    return made


async def stored(db: Database, group_id: int) -> dict[UUID, str]:
    """The group's events: how far each has come."""
    async with db.transaction(Scope(group_id)) as tx:
        return {row["id"]: row["status"] for row in await tx.fetch("SELECT id, status FROM event")}


async def test_an_event_is_pending_when_its_id_is_told(db: Database) -> None:
    acceptor = Acceptor(db)
    for group_id, project_id in await two_projects(db):
        ident = await acceptor.accept(sent(group_id, project_id, "n"))
        assert await stored(db, group_id) == {ident: "pending"}
        async with db.transaction(Scope(group_id)) as tx:
            kept = await tx.fetchval("SELECT (body -> 'data')::text FROM event")
        assert kept == '{"a":  1.50}'
    await acceptor.close()


async def test_one_nonce_is_one_event_in_a_batch_across_batches_and_across_processes(db: Database) -> None:
    (group_id, project_id), (other_group, other_project) = await two_projects(db)
    # Two acceptors are what two processes have: each its queue and its connection.
    acceptors = [Acceptor(db), Acceptor(db)]
    first = await acceptors[0].accept(sent(group_id, project_id, "nonce-7"))
    told = await asyncio.gather(
        *(
            acceptors[at % 2].accept(sent(*where, f"nonce-{at % 10}"))
            for at in range(400)
            for where in ((group_id, project_id), (other_group, other_project))
        )
    )
    ours, theirs = set(told[::2]), set(told[1::2])
    assert len(ours) == len(theirs) == 10
    assert first in ours
    assert not ours & theirs
    assert set(await stored(db, group_id)) == ours
    assert set(await stored(db, other_group)) == theirs
    for acceptor in acceptors:
        await acceptor.close()


async def test_reading_before_writing_would_store_a_nonce_twice(db: Database) -> None:
    """What the unique key is for: the naive way, at the same moment, finds nothing twice."""
    ((group_id, project_id), _) = await two_projects(db)
    ready = asyncio.Barrier(2)

    async def naive() -> None:
        async with db.transaction(Scope(group_id)) as tx:
            found = await tx.fetchval("SELECT id FROM event WHERE dedup_key = $1", f"{project_id}:n")
            await ready.wait()
            if found is None:
                await tx.execute(
                    "INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at,"
                    " occurred_at) VALUES ($1, uuidv7(), $2, $3, $4, 'x', $5, $5)",
                    group_id, project_id, f"tracker-{uuid4().hex}", f"{project_id}:n", NOW,
                )  # fmt: skip

    await asyncio.gather(naive(), naive())
    assert len(await stored(db, group_id)) == 2


async def test_a_project_that_has_just_gone_takes_no_other_event_with_it(db: Database) -> None:
    (group_id, project_id), (other_group, _) = await two_projects(db)
    acceptor = Acceptor(db)
    told = await asyncio.gather(
        *(acceptor.accept(sent(group_id, project_id, f"n{at}")) for at in range(20)),
        acceptor.accept(sent(other_group, 2**40, "n")),
        return_exceptions=True,
    )
    assert isinstance(told[-1], NotFound)
    assert set(await stored(db, group_id)) == set(told[:-1])
    await acceptor.close()


async def test_a_full_queue_says_when_to_come_again(db: Database) -> None:
    ((group_id, project_id), _) = await two_projects(db)
    acceptor = Acceptor(db, capacity=5)
    told = await asyncio.gather(
        *(acceptor.accept(sent(group_id, project_id, f"n{at}")) for at in range(9)), return_exceptions=True
    )
    refused = [one for one in told if isinstance(one, Unavailable)]
    assert len(refused) == 4
    assert refused[0].retry_after_s >= 1
    assert len(await stored(db, group_id)) == 5
    # A repeat of what waits needs no room, and there is room again.
    await acceptor.accept(sent(group_id, project_id, "n8"))
    await acceptor.close()


async def test_a_connection_that_ended_while_it_rested_is_replaced(db: Database, database_url: str) -> None:
    ((group_id, project_id), _) = await two_projects(db)
    acceptor = Acceptor(db)
    first = await acceptor.accept(sent(group_id, project_id, "n1"))
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await owner.close()
    told = await asyncio.gather(
        *(acceptor.accept(sent(group_id, project_id, f"n{at}")) for at in range(1, 5))
    )
    assert told[0] == first
    assert set(await stored(db, group_id)) == set(told)
    await acceptor.close()


async def test_a_stop_writes_what_waits(db: Database) -> None:
    ((group_id, project_id), _) = await two_projects(db)
    acceptor = Acceptor(db)
    waits = [asyncio.create_task(acceptor.accept(sent(group_id, project_id, f"n{at}"))) for at in range(50)]
    await asyncio.sleep(0)
    await acceptor.close()
    assert set(await stored(db, group_id)) == {await one for one in waits}


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), NOW])
def test_ids_are_of_version_7_and_begin_with_the_time(at: datetime) -> None:
    made = new_id(at)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == int(at.timestamp() * 1000)


async def test_storing_that_takes_long_comes_before_processing(db: Database) -> None:
    """As long as there is something to store: what is stored lets the pipeline go on."""
    [(group_id, project_id), _] = await two_projects(db)
    acceptor = Acceptor(db)
    async with db.transaction(Scope(group_id)) as tx:
        await tx.fetch("SELECT 1 FROM project WHERE id = $1 FOR UPDATE", project_id)
        held = asyncio.create_task(acceptor.accept(sent(group_id, project_id, "held")))
        await asyncio.sleep(LONG_S * 3)
        behind = asyncio.create_task(acceptor.accept(sent(group_id, project_id, "behind")))
        await asyncio.sleep(0)
    await held
    assert acceptor.is_pressed()  # the next one is being stored
    await behind
    await acceptor.close()
    assert not acceptor.is_pressed()
