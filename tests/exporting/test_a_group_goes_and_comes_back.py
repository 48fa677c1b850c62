"""A group is written into a folder, made of it in an empty installation, and written again: the same files."""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.domain.assets.storage import AssetStorage
from app.exporting.bringing_back import import_group
from app.exporting.contents import exported_tables
from app.exporting.writing import export_group
from app.seeding.demo import seed_demo
from app.settings import Settings, read_settings
from app.tables.all import metadata
from app.values.scope import Scope
from tests.given import groups
from tests.given.everything import everything

NOW = datetime(2025, 6, 18, 10, 30, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Files in a folder of the test's own."""
    return replace(read_settings({}), data_dir=tmp_path / "here", secret_key="s" * 40)


@pytest.fixture
def storage(settings: Settings) -> AssetStorage:
    return AssetStorage(settings)


@pytest.fixture
async def elsewhere(server: EmbeddedServer, template: str) -> AsyncIterator[Database]:
    """An empty installation."""
    url = server.dsn("elsewhere")
    await create_database(url, template=template)
    database = await connect(url, readers=2, writers=2)
    yield database
    await database.close()
    admin = await asyncpg.connect(server.dsn("postgres"))
    await admin.execute('DROP DATABASE "elsewhere" WITH (FORCE)')
    await admin.close()


def content(folder: Path) -> dict[str, Any]:
    """Each file's bytes; of the manifest what has to be the same. The trail of an installation is its own."""
    found: dict[str, Any] = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "audit_entry" not in path.name
    }
    manifest = json.loads(found["manifest.json"])
    found["manifest.json"] = {key: manifest[key] for key in manifest if key not in ("instant", "reading")}
    return found


async def test_the_demonstration_comes_back_byte_for_byte(
    db: Database, elsewhere: Database, storage: AssetStorage, settings: Settings, tmp_path: Path
) -> None:
    demo = await seed_demo(db, now=NOW, storage=storage)
    there = AssetStorage(replace(settings, data_dir=tmp_path / "there"))
    for group in demo.groups:
        first, second = tmp_path / f"{group.group_id}-first", tmp_path / f"{group.group_id}-second"
        said = await export_group(db, storage, group.group_id, first, now=NOW, sheets=True)
        assert said.files > 0
        assert not said.missing_files
        made, _ = await import_group(elsewhere, there, first, now=NOW)
        assert made == group.group_id
        await export_group(elsewhere, there, made, second, now=NOW, sheets=True)
        assert content(first) == content(second)
        rows = {one.name: one.rows for one in said.tables}
        assert min(rows[name] for name in ("campaign", "event", "reward_entry", "event_rollup", "asset")) > 0


DOCUMENTS = [
    '{"b": 1.10, "a":  [ ], "a": 1e2}',
    '{\n  "lines": 2\r\n}',
    ' {"space": "around"} ',
    '{"$kept": "{}"}',
    '{"a": 1, "$kept": "no"}',
    "null",
    '"\\u0041"',
    "12345678901234567890.10",
    "[]",
    '{"' + "long" * 20_000 + '": "\\n\u2028"}',
]


async def test_values_that_are_easy_to_print_wrongly_come_back(
    db: Database, elsewhere: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    world = await everything(db, "ours")
    await fill_the_rest(db, world.group_id)
    async with db.transaction(world.scope) as tx:
        for n, document in enumerate(DOCUMENTS):
            await tx.execute(
                "INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at,"
                " body, tracker_id) VALUES ($1, gen_random_uuid(), 'test', $2, 'x', now(), now(), $3::text::json, $3)",
                world.group_id, str(n), document,
            )  # fmt: skip
    said = await export_group(db, storage, world.group_id, tmp_path / "first", now=NOW, sheets=True)
    assert [one.name for one in said.tables if not one.rows] == []
    made, _ = await import_group(elsewhere, storage, tmp_path / "first", now=NOW)
    await export_group(elsewhere, storage, made, tmp_path / "second", now=NOW, sheets=True)
    assert content(tmp_path / "first") == content(tmp_path / "second")
    async with elsewhere.transaction(world.scope) as tx:
        there = await tx.fetch("SELECT tracker_id, body::text FROM event WHERE source = 'test'")
        assert {row[0] for row in there} == set(DOCUMENTS)
        assert [row for row in there if row[0] != row[1]] == []
        # Numbers of transactions mean nothing in another server: nobody is told of old events as news.
        assert await tx.fetchval("SELECT count(written_by) + count(moved_by) FROM event") == 0


FILLED = {
    "retention_mark": "INSERT INTO retention_mark (group_id, key, until) VALUES ($1, 'bodies', now())",
    "project_slug": "INSERT INTO project_slug (group_id, slug, project_id)"
    " SELECT group_id, 'slug-' || id, id FROM project WHERE group_id = $1",
    "event_rollup": "INSERT INTO event_rollup (group_id, project_id, event_type_id, hour, key, value)"
    " SELECT group_id, project_id, id, now(), 'k', 1.5 FROM event_type WHERE group_id = $1",
    "campaign_status_change": "INSERT INTO campaign_status_change (group_id, campaign_id, status, at)"
    " SELECT group_id, id, status, now() FROM campaign WHERE group_id = $1",
    "reward_lot": "INSERT INTO reward_lot (group_id, evaluation_id, position, customer_id, partner_id, currency,"
    " remaining, expires_at) SELECT group_id, evaluation_id, position, customer_id, partner_id, currency, 1, now()"
    " FROM reward_entry WHERE group_id = $1 AND amount > 0",
    "promo_usage": "INSERT INTO promo_usage (group_id, promo_id, customer_id, used)"
    " SELECT group_id, id, (SELECT min(id) FROM customer WHERE group_id = $1), 3 FROM promo"
    " WHERE group_id = $1",
    "external_id": "INSERT INTO external_id (group_id, system, id, kind, row_id)"
    " SELECT group_id, 'crm', 'é' || id, 'camp', id FROM campaign WHERE group_id = $1",
}
"""Rows of those tables that the world of everything has none of."""


async def fill_the_rest(db: Database, group_id: int) -> None:
    async with db.transaction(Scope(group_id)) as tx:
        for table, statement in FILLED.items():
            if table in metadata.tables:
                await tx.execute(statement, group_id)


async def test_new_rows_get_ids_of_their_own_afterwards(
    db: Database, elsewhere: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    world = await everything(db, "ids")
    await fill_the_rest(db, world.group_id)
    await export_group(db, storage, world.group_id, tmp_path / "out", now=NOW)
    made, _ = await import_group(elsewhere, storage, tmp_path / "out", now=NOW)
    async with elsewhere.directory() as connection:
        for table in exported_tables():
            if not (table.has_sequence and table.comes_back):
                continue
            await connection.execute(f"SET LOCAL app.group_id = '{made}'")
            most = await connection.fetchval(f"SELECT max(id) FROM {table.name}")
            assert await connection.fetchval(f"SELECT nextval('{table.name}_id_seq')") > most, table.name
        assert await connection.fetchval("SELECT nextval('tenant_id_seq')") > made


async def test_a_number_that_is_taken_becomes_another_and_everything_stays_with_its_group(
    db: Database, elsewhere: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    world = await everything(db, "twin")
    first = tmp_path / "out"
    await export_group(db, storage, world.group_id, first, now=NOW)
    shutil.copytree(first, tmp_path / "copy")
    one, _ = await import_group(elsewhere, storage, first, now=NOW)
    two, _ = await import_group(elsewhere, storage, tmp_path / "copy", now=NOW)
    assert one == world.group_id
    assert two != one
    await export_group(elsewhere, storage, two, tmp_path / "again", now=NOW)
    before, after = content(first), content(tmp_path / "again")
    assert after["manifest.json"]["group"].pop("number") == two
    assert before["manifest.json"]["group"].pop("number") == one
    assert before == after


async def test_everything_is_of_one_moment(
    db: Database, elsewhere: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    given = await groups.group(db)
    writes = asyncio.create_task(write_on(db, given.group_id))
    try:
        await export_group(db, storage, given.group_id, tmp_path / "out", now=NOW)
    finally:
        writes.cancel()
        with suppress(asyncio.CancelledError):
            await writes
    # A member whose segment came after the segments were written would be refused.
    made, said = await import_group(elsewhere, storage, tmp_path / "out", now=NOW)
    rows = {one.name: one.rows for one in said.tables}
    assert rows["segment"] == rows["customer"] == rows["segment_member"]
    async with db.transaction(given.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM segment") > rows["segment"]
    assert made == given.group_id


async def write_on(db: Database, group_id: int) -> None:
    """Parents and their children, for as long as one lets it."""
    for n in itertools.count():
        async with db.transaction(Scope(group_id)) as tx:
            await tx.execute(
                "WITH s AS (INSERT INTO segment (group_id, name, type, size) VALUES ($1, $2, 'static', 1)"
                " RETURNING id),"
                " c AS (INSERT INTO customer (group_id, name) VALUES ($1, $2) RETURNING id)"
                " INSERT INTO segment_member (group_id, segment_id, customer_id) SELECT $1, s.id, c.id FROM s, c",
                group_id, str(n),
            )  # fmt: skip
