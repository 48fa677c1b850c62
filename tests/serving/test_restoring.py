"""A dump of the embedded database comes back into an empty DATA_DIR, all of it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from app.db import postmaster
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from tests.serving.process import data_folder, free_port, run, serving

pytestmark = pytest.mark.slow

QUERY = {"query": "{ campaigns(first: 100) { totalCount nodes { id name status store { name } } } }"}


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """One DATA_DIR to back up, and one to restore into."""
    with data_folder() as one, data_folder() as other:
        yield one, other
        for folder in (one, other):
            postmaster.kill_all(folder / "postgres")


async def test_what_was_dumped_is_there_again(folders: tuple[Path, Path]) -> None:
    old, new = folders
    dump = new / "gateway.dump"
    async with serving(old) as gateway:
        key = {"X-API-KEY": gateway.demo["api_key"]}
        before = (await gateway.http.post("/graphql", json=QUERY, headers=key)).content
        server = EmbeddedServer(old / "postgres")
        made = server.run(
            "pg_dump", "-h", str(old / "postgres"), "-U", "postgres", "-Fc", "-f", str(dump), "gateway"
        )
        assert made == ""
        server.stop()
        assert await gateway.stop() == 0
    # Of a dump that breaks off nothing stays, so that the whole one can follow into the same folder.
    broken = new / "broken.dump"
    broken.write_bytes(dump.read_bytes()[: dump.stat().st_size * 3 // 4])
    code, said = await run("restore", str(broken), folder=new)
    assert code == 1
    assert "nothing of this dump was kept: a good one can be restored into the same DATA_DIR" in said
    code, said = await run("restore", str(dump), folder=new)
    assert code == 0, said
    assert "tables are back" in said
    # The secrets move along as README says; then the old keys hold, and what they see is the same.
    async with serving(new) as again:
        assert (await again.http.post("/graphql", json=QUERY, headers=key)).content == before
        where = f"postgresql://postgres@/gateway?host={quote(str(new / 'postgres'), safe='')}"
        owner = await asyncpg.connect(where)
        # Numbers of the former server's transactions would make news of old events one day.
        assert await owner.fetchval("SELECT count(*) FROM event WHERE written_by IS NOT NULL") == 0
        assert await owner.fetchval("SELECT count(*) FROM event") > 0
        await owner.close()
        assert await again.stop() == 0
    code, said = await run("restore", str(dump), folder=new)
    assert code == 1
    assert "nothing of it was touched" in said
    assert "Traceback" not in said


async def test_what_is_no_dump_is_said(folders: tuple[Path, Path]) -> None:
    _, new = folders
    (new / "not.dump").write_text("no dump at all")
    code, said = await run("restore", str(new / "not.dump"), folder=new)
    assert code == 1
    assert "pg_restore failed" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE alembic_version SET version_num = '9999'",
            "is at revision 9999, but this version knows none",
        ),
        ("ALTER TABLE event DROP COLUMN tracker_id", "it lacks event.tracker_id"),
        (
            "UPDATE alembic_version SET version_num = '0006'",
            "is at revision 0006, but bringing it up to date failed",
        ),
    ],
)
@pytest.mark.parametrize("command", [("serve", "--demo"), ("migrate",)])
async def test_a_database_of_an_unreleased_commit_is_told_and_left_alone(
    statement: str, told: str, command: tuple[str, ...]
) -> None:
    with data_folder() as folder:
        mine = EmbeddedServer(folder / "postgres")
        try:
            url = mine.dsn()
            await create_database(url)
            await migrate(url)
            owner = await asyncpg.connect(url)
            await owner.execute(statement)
            await owner.close()
            code, said = await run(*command, folder=folder, PORT=str(free_port()))
        finally:
            mine.stop()
    assert code == 1
    assert told in said
    assert "from version 0.1.0 on" in said
    assert "Traceback" not in said


async def test_an_operators_database_is_looked_at_as_well(server: EmbeddedServer) -> None:
    url = server.dsn("t_of_another_commit")
    await create_database(url)
    await migrate(url)
    owner = await asyncpg.connect(url)
    await owner.execute("ALTER TABLE event DROP COLUMN tracker_id")
    await owner.close()
    with data_folder() as folder:
        code, said = await run("serve", folder=folder, DATABASE_URL=url, PORT=str(free_port()))
    assert code == 1
    assert "it lacks event.tracker_id" in said
    assert "Traceback" not in said


async def test_the_programs_are_of_the_servers_version(server: EmbeddedServer) -> None:
    assert "18" in server.run("pg_restore", "--version")
    with pytest.raises(subprocess.CalledProcessError):
        server.run("pg_restore", "--no-such-option")
