"""The bench's own database: an embedded server under `.data/bench`, filled once; keys made anew for each run."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from app.auth.keys import create_api_key, revoke_api_key
from app.db.database import Database, connect
from app.seeding.bench import analyze, seed_bench
from app.seeding.progress import progress_bar
from app.serving.running import bring_up_to_date, database
from app.settings import Settings, read_settings

FOLDER = Path(".data/bench").absolute()
GROUPS, CAMPAIGNS = 20, 10_000
DETAILS_PER_GROUP = 10
"""How many campaigns of each group the detail query rotates over."""

# Campaigns that have one of everything, so that "everything" means the same for every engine.
_COMPLETE = """
SELECT id FROM campaign
 WHERE group_id = $1 AND deleted_at IS NULL AND description IS NOT NULL AND reward_type IS NOT NULL
   AND integration_id IS NOT NULL AND project_id IS NOT NULL AND partner_id IS NOT NULL
 ORDER BY md5(id::text) LIMIT $2
"""


@dataclass(frozen=True)
class Group:
    """A tenant, its key, and the campaigns of it that the detail query asks for."""

    id: int
    key: str
    details: tuple[int, ...]


@dataclass(frozen=True)
class Data:
    """The filled database."""

    url: str
    postmaster: psutil.Process
    groups: tuple[Group, ...]
    version: str


@contextlib.contextmanager
def filled() -> Iterator[Data]:
    """Start the server, fill it where it is empty, make keys; revoke them and stop it at the end."""
    settings = read_settings({"DATA_DIR": str(FOLDER)})
    with database(settings) as settings:
        asyncio.run(bring_up_to_date(settings))
        data, key_ids = asyncio.run(_fill(settings))
        try:
            yield data
        finally:
            asyncio.run(_revoke(data.url, key_ids))


async def _fill(settings: Settings) -> tuple[Data, list[int]]:
    url = settings.database_url
    assert url is not None
    now = datetime.now(UTC)
    db = await connect(url, readers=1, writers=2)
    try:
        with progress_bar() as progress:
            seeded = await seed_bench(db, now=now, groups=GROUPS, campaigns=CAMPAIGNS, progress=progress)
        if seeded.made:
            await analyze(url)
        groups, key_ids = [], []
        for group_id in seeded.group_ids:
            made = await create_api_key(db, group_id=group_id, name="bench", now=now)
            groups.append(Group(group_id, made.secret, await _details(db, group_id)))
            key_ids.append(made.key.id)
        async with db.directory() as connection:
            version = await connection.fetchval("SHOW server_version")
    finally:
        await db.close()
    return Data(url, _postmaster(settings), tuple(groups), version), key_ids


async def _details(db: Database, group_id: int) -> tuple[int, ...]:
    async with db.reader.connection() as connection:
        return tuple(row["id"] for row in await connection.fetch(_COMPLETE, group_id, DETAILS_PER_GROUP))


async def _revoke(url: str, key_ids: list[int]) -> None:
    db = await connect(url, readers=1, writers=1)
    try:
        for key_id in key_ids:
            await revoke_api_key(db, key_id=key_id, group_id=None, now=datetime.now(UTC))
    finally:
        await db.close()


def _postmaster(settings: Settings) -> psutil.Process:
    lock = settings.data_dir / "postgres" / "postmaster.pid"
    return psutil.Process(int(lock.read_text().splitlines()[0]))
