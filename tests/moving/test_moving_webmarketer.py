"""A gateway's Webmarketer moves into a fresh one by its API alone, and prints the same there."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app.auth.keys import create_api_key
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.domain.groups.operations import create_group
from app.importing.reading.sources import find_sources
from app.importing.report import Report
from app.importing.running import import_files
from app.moving.comparing import Comparison, compare_walk
from app.moving.keeping import Folder
from app.moving.pulling import pull
from app.moving.reporting import lines
from app.moving.walks.all import WALKS
from app.seeding.demo import DemoGroup
from app.values.scope import Scope
from tests.moving.conftest import Side, _side

NOW = datetime.now(UTC)


@pytest.fixture
async def fresh(
    server: EmbeddedServer, template: str, old: Side, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Side]:
    """A host that has an empty group, and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    name = f"fresh_to_clone_{folder.name.replace('-', '_')}"
    await create_database(server.dsn(name), template=template)
    db = await connect(server.dsn(name), readers=1, writers=2)
    async with old.db.transaction(Scope(old.group.group_id)) as tx:
        was = await tx.fetchrow(
            "SELECT currency, time_zone FROM customer_group WHERE id = $1", old.group.group_id
        )
    assert was is not None
    ident = await create_group(
        db, name="Moved", currency=was["currency"], time_zone=was["time_zone"], now=NOW
    )
    key = await create_api_key(db, group_id=ident, name="new", access="read", personal_data=True, now=NOW)
    await db.close()
    group = DemoGroup(ident, "Moved", (), (), old.group.project, old.group.integration)
    async with _side("fresh", server, (name, group, key.secret), folder) as side:
        await side.change(
            "INSERT INTO store (group_id, name, beacon_key, is_default, created_at) VALUES ($1, 'S', 'b', true, $2)",
            ident, NOW,
        )  # fmt: skip
        yield side


async def starts(old: Side) -> list[dict[str, str]]:
    """What no document of this API lists: the project, its integration, its users; and events that are no user's."""
    project = {"project": old.group.project}
    async with old.db.transaction(Scope(old.group.group_id)) as tx:
        users = await tx.fetch(
            "SELECT DISTINCT customer_id AS id FROM event WHERE group_id = $1 AND source = 'tracker'"
            " AND customer_id IS NOT NULL ORDER BY 1", old.group.group_id,
        )  # fmt: skip
        events = await tx.fetch(
            "SELECT id FROM event WHERE group_id = $1 AND source = 'tracker' AND customer_id IS NULL",
            old.group.group_id,
        )
    return [
        project,
        {**project, "integration": old.group.integration},
        *({**project, "user": f"{user['id']:024x}"} for user in users),
        *({**project, "event": str(event["id"])} for event in events),
    ]


async def pulled(old: Side, into: Path) -> None:
    """All that the old host prints."""
    walk = WALKS["webmarketer"]
    with Folder(into, walk, source="http://old.test", now=NOW) as folder:
        async with old.host("webmarketer") as host:
            assert (await pull(walk, host, folder, starts=await starts(old))).complete


async def brought_in(place: Path, side: Side) -> Report:
    """Import what was pulled."""
    return await import_files(
        side.db, Scope(side.group.group_id), "webmarketer", find_sources(str(place)), now=datetime.now(UTC)
    )


async def compared(old: Side, new: Side, today: date) -> Comparison:
    """The whole walk over both, to every fifth user."""
    found = Comparison()
    told = await starts(old)
    told = [one for at, one in enumerate(told) if "user" not in one or at % 5 == 0]
    async with old.host("webmarketer") as left, new.host("webmarketer") as right:
        await compare_walk(WALKS["webmarketer"], left, right, found, today=today, starts=told)
    return found


async def test_what_was_pulled_is_printed_again(old: Side, fresh: Side, tmp_path: Path, today: date) -> None:
    await pulled(old, tmp_path)
    report = await brought_in(tmp_path, fresh)
    assert report.refused == 0, "\n".join(report.lines())
    found = await compared(old, fresh, today)
    assert found.differs == 0, "\n".join(lines(found))
    again = await brought_in(tmp_path, fresh)
    assert {verdict for counts in again.concepts.values() for verdict in counts} == {"same"}, "\n".join(
        again.lines()
    )
