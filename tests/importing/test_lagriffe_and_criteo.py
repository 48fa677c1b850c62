"""What La Griffe and Criteo print goes in as it is, and comes out of a new group byte for byte."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from app.db.database import Database
from app.domain.groups.operations import create_group
from app.seeding.demo import DemoGroups, seed_demo
from app.settings import Settings
from app.values.scope import Scope
from tests.importing.facades import Brought, Clients, bring_in, clients, without
from tests.rest.conftest import gateway, settings

__all__ = ["gateway", "settings"]

CANNOT_BE_THE_SAME = (r'"customer_group":\{"id":\d+,', r'"assets":\[[^\]]*\]')
"""Groups have the numbers of an installation; files come with a pull."""


@pytest.fixture(scope="module")
async def demo(db: Database) -> DemoGroups:
    return await seed_demo(db, now=datetime.now(UTC))


async def new_group(db: Database, *, currency: str = "EUR") -> int:
    return await create_group(db, name="New", currency=currency, time_zone="UTC", now=datetime.now(UTC))


@pytest.fixture(params=[0, 1])
async def old(
    request: pytest.FixtureRequest, demo: DemoGroups, gateway: ASGIApp, settings: Settings, db: Database
) -> AsyncIterator[Clients]:
    """Clients of a group of the demonstration."""
    group_id = demo.groups[request.param].group_id
    async with clients(gateway, settings, db, group_id, now=datetime.now(UTC)) as found:
        yield found


@pytest.fixture
async def new(old: Clients, gateway: ASGIApp, settings: Settings, db: Database) -> AsyncIterator[Clients]:
    """Clients of a new group of the same currency."""
    async with db.transaction(Scope(old.group_id)) as tx:
        currency = await tx.fetchval("SELECT currency FROM customer_group WHERE id = $1", old.group_id)
    group_id = await new_group(db, currency=currency)
    async with clients(gateway, settings, db, group_id, now=datetime.now(UTC)) as found:
        yield found


def compared(old: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """What differs."""
    told = []
    for request in old.keys() | new.keys():
        before, after = (without(shown.get(request, b""), *CANNOT_BE_THE_SAME) for shown in (old, new))
        if request == "/api/customer-groups":
            before, after = (without(one, r'"id":\d+') for one in (before, after))
        if before != after:
            told += [f"{request}: {line}" for line in difference(before, after)]
    return told


def difference(before: bytes, after: bytes) -> list[str]:
    """Which parts of an answer differ."""
    was, now = (one.decode().replace("},", "},\n").splitlines() for one in (before, after))
    return [line for line in unified_diff(was, now, lineterm="", n=0) if not line.startswith(("---", "+++"))]


async def brought(
    db: Database, new: Clients, system: str, shown: dict[str, bytes], folder: Path, *, reverse: bool = False
) -> Brought:
    answers = list(shown.values())[:: -1 if reverse else 1]
    return await bring_in(db, new.group_id, system, answers, folder / system, now=datetime.now(UTC))


async def test_all_that_la_griffe_prints_comes_out_again(
    old: Clients, new: Clients, db: Database, tmp_path: Path
) -> None:
    shown = await old.lagriffe()
    first = await brought(db, new, "lagriffe", shown, tmp_path)
    assert first.refused == []
    assert not compared(shown, await new.lagriffe())
    again = await brought(db, new, "lagriffe", shown, tmp_path)
    assert {verdict for counts in again.verdicts().values() for verdict in counts} == {"same"}
    assert not compared(shown, await new.lagriffe())


async def test_answers_of_la_griffe_in_any_order(
    old: Clients, new: Clients, db: Database, tmp_path: Path
) -> None:
    shown = await old.lagriffe()
    first = await brought(db, new, "lagriffe", shown, tmp_path, reverse=True)
    assert first.refused == []
    assert not compared(shown, await new.lagriffe())
    again = await brought(db, new, "lagriffe", shown, tmp_path, reverse=True)
    assert {verdict for counts in again.verdicts().values() for verdict in counts} == {"same"}


async def test_all_that_criteo_prints_comes_out_again(
    old: Clients, new: Clients, db: Database, tmp_path: Path
) -> None:
    shown = await old.criteo()
    first = await brought(db, new, "criteo", shown, tmp_path)
    assert first.refused == []
    assert first.lost() == set()
    assert not compared(shown, await new.criteo())
    again = await brought(db, new, "criteo", shown, tmp_path)
    assert {verdict for counts in again.verdicts().values() for verdict in counts} == {"same"}
