"""What `gateway` commands say to an operator: one line for ordinary trouble, and the truth about what was done."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.db.embedded import EmbeddedServer
from tests.serving.process import data_folder, free_port, run

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR."""
    with data_folder() as made:
        yield made


@pytest.mark.parametrize(
    ("command", "url"),
    [
        (("migrate",), "postgresql://nobody@127.0.0.1:{port}/gateway"),
        (("migrate",), "postgresql://nobody@127.0.0.1:{port}/gateway?sslmode=perhaps"),
        (("keys", "list"), "postgresql://nobody@127.0.0.1:{port}/gateway?sslmode=perhaps"),
        (("seed",), "postgresql://nobody@no-such-host.invalid/gateway"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_one_line(
    folder: Path, command: tuple[str, ...], url: str
) -> None:
    code, said = await run(*command, folder=folder, DATABASE_URL=url.format(port=free_port()))
    assert code == 1
    assert "The database at DATABASE_URL cannot be used: " in said
    assert len(said.splitlines()) == 1, said


async def test_only_the_owner_migrates_and_others_are_told(
    server: EmbeddedServer, database_url: str, folder: Path
) -> None:
    admin = await asyncpg.connect(database_url)
    await admin.execute("CREATE ROLE t_no_owner LOGIN")
    await admin.close()
    login = {"DATABASE_URL": database_url.replace("postgres@", "t_no_owner@")}
    code, said = await run("migrate", folder=folder, **login)
    assert code == 1
    assert "permission denied for table alembic_version" in said
    assert "Name the owner in DATABASE_MIGRATE_URL." in said
    assert len(said.splitlines()) == 1, said
    # The same where the database has yet to be made, or holds nothing yet.
    for name in ("t_not_there", "t_empty_of_another"):
        if name == "t_empty_of_another":
            admin = await asyncpg.connect(server.dsn("postgres"))
            await admin.execute(f"CREATE DATABASE {name}")
            await admin.close()
        url = server.dsn(name).replace("postgres@", "t_no_owner@")
        code, said = await run("migrate", folder=folder, DATABASE_MIGRATE_URL=url, **login)
        assert code == 1
        assert "The database at DATABASE_MIGRATE_URL can only be brought up to date by its owner" in said
        assert len(said.splitlines()) == 1, said
    code, said = await run("migrate", folder=folder, DATABASE_MIGRATE_URL=database_url, **login)
    assert (code, said) == (0, "The database is at this version's schema.\n")
