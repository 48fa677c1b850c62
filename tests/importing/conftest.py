"""Importing a file into a group of its own, and what the report says of it."""

from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.importing.reading.sources import find_sources
from app.importing.reading.told import Told
from app.importing.records import Verdict
from app.importing.report import Report
from app.importing.running import import_files
from tests.given import audience, groups
from tests.given.groups import GivenGroup


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    return await groups.group(db)


async def bring(db: Database, shop: GivenGroup, what: str, place: Path, **options: Any) -> Report:
    told = options.pop("told", Told())
    return await import_files(
        db, shop.scope, what, find_sources(str(place)), now=audience.NOON, told=told, **options
    )


async def counted(db: Database, shop: GivenGroup, table: str = "customer") -> int:
    async with db.transaction(shop.scope) as tx:
        return int(await tx.fetchval(f"SELECT count(*) FROM {table} WHERE group_id = $1", shop.group_id))


def verdicts(report: Report, concept: str = "customers") -> list[int]:
    return [report.concepts[concept][verdict] for verdict in Verdict]


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file
