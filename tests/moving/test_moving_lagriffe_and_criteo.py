"""A gateway's La Griffe and Criteo move into a fresh one by their APIs alone, files too, and print the same there."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from app.auth.keys import create_api_key
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.domain.assets.storage import AssetStorage
from app.domain.groups.operations import create_group
from app.importing.reading.sources import find_sources
from app.importing.reading.told import Told
from app.importing.report import Report
from app.importing.running import import_files
from app.moving.comparing import Comparison, compare_walk
from app.moving.keeping import Folder
from app.moving.pulling import pull
from app.moving.reporting import lines
from app.moving.walks.all import WALKS
from app.seeding.demo import DemoGroup
from app.settings import read_settings
from app.values.scope import Scope
from tests.moving.conftest import Side, _side

NOW = datetime.now(UTC)
FILES = [
    ("files[]", ("brief.pdf", b"%PDF-1.7 brief", "application/pdf")),
    ("files[]", ("notes.txt", b"notes", "text/plain")),
]


@pytest.fixture(params=["lagriffe", "criteo"])
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def fresh(
    server: EmbeddedServer,
    template: str,
    old: Side,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[Side, AssetStorage]]:
    """A host that has an empty group, and nothing else; and where its files are."""
    folder = tmp_path_factory.mktemp("fresh")
    name = f"fresh_to_clone_{folder.name.replace('-', '_')}"
    await create_database(server.dsn(name), template=template)
    db = await connect(server.dsn(name), readers=1, writers=2)
    async with old.db.transaction(Scope(old.group.group_id)) as tx:
        was = await tx.fetchrow(
            "SELECT currency, time_zone FROM customer_group WHERE id = $1", old.group.group_id
        )
    assert was is not None
    zone = was["time_zone"] if "all_five" in request.node.name else "UTC"
    ident = await create_group(db, name="Moved", currency=was["currency"], time_zone=zone, now=NOW)
    key = await create_api_key(db, group_id=ident, name="new", access="read", personal_data=True, now=NOW)
    await db.close()
    settings = read_settings({"DATA_DIR": str(folder), "SECRET_KEY": "s" * 40})
    group = DemoGroup(ident, "Moved", (), (), old.group.project, old.group.integration)
    async with _side("fresh", server, (name, group, key.secret), folder) as side:
        yield side, AssetStorage(settings)


async def order_with_files(old: Side) -> None:
    """A campaign of the old host that has two files."""
    async with old.db.transaction(Scope(old.group.group_id)) as tx:
        beacon = await tx.fetchval("SELECT beacon_key FROM store WHERE is_default")
    key = await create_api_key(old.db, group_id=old.group.group_id, name="writer", access="write", now=NOW)
    order = {
        "external_beacon_key": beacon,
        "label": "With files",
        "budget_total": "9.5",
        "channels[]": "tv",
        "period_type": "1_month",
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(old.app), base_url="http://old.test") as http:
        made = await http.post("/api/campaigns", data=order, files=FILES, headers={"X-API-KEY": key.secret})
    assert made.status_code == 201, made.text


async def pulled(old: Side, system: str, into: Path) -> None:
    """All that the old host prints."""
    with Folder(into, WALKS[system], source="http://old.test", now=NOW) as folder:
        async with old.host(system) as host:
            assert (await pull(WALKS[system], host, folder)).complete


async def brought_in(
    place: Path,
    side: Side,
    system: str,
    storage: AssetStorage,
    *,
    dry: bool = False,
    one_gateway: bool = False,
) -> Report:
    """Import what was pulled."""
    scope, sources = Scope(side.group.group_id), find_sources(str(place))
    return await import_files(
        side.db, scope, system, sources, told=Told(one_gateway=one_gateway), storage=storage, dry=dry,
        now=datetime.now(UTC),
    )  # fmt: skip


async def compared(old: Side, new: Side, system: str, today: date) -> Comparison:
    """The whole walk over both."""
    found = Comparison()
    async with old.host(system) as left, new.host(system) as right:
        await compare_walk(WALKS[system], left, right, found, today=today)
    return found


async def same(old: Side, new: Side, system: str, today: date) -> None:
    found = await compared(old, new, system, today)
    assert found.differs == 0, "\n".join(lines(found))


async def test_what_was_pulled_is_printed_again(
    old: Side, fresh: tuple[Side, AssetStorage], system: str, tmp_path: Path, today: date
) -> None:
    side, storage = fresh
    if system == "lagriffe":
        await order_with_files(old)
    await pulled(old, system, tmp_path)
    would = await brought_in(tmp_path, side, system, storage, dry=True)
    report = await brought_in(tmp_path, side, system, storage)
    assert report.refused == 0, "\n".join(report.lines())
    assert would.concepts == report.concepts
    await same(old, side, system, today)
    again = await brought_in(tmp_path, side, system, storage)
    assert {verdict for counts in again.concepts.values() for verdict in counts} == {"same"}, "\n".join(
        again.lines()
    )
    if system == "lagriffe":
        assert report.lost == {"customer_groups": {"id": 1}}
        await same_files(side)


async def same_files(side: Side) -> None:
    """The files are what they were, at their new addresses."""
    async with side.db.transaction(Scope(side.group.group_id)) as tx:
        number = await tx.fetchval("SELECT known_as_id[1] FROM campaign WHERE name = 'With files'")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(side.app), base_url="http://fresh.test"
    ) as http:
        shown = await http.get(f"/api/campaigns/{number}", headers={"X-API-KEY": side.api_key})
        files = [(await http.get(asset["url"])).content for asset in shown.json()["data"]["assets"]]
    assert files == [body for _, (_, body, *_) in FILES]


@pytest.mark.parametrize("order", [("lagriffe", "criteo"), ("criteo", "lagriffe")])
async def test_both_of_one_gateway_are_about_the_same_rows(
    old: Side, fresh: tuple[Side, AssetStorage], order: tuple[str, ...], tmp_path: Path, today: date
) -> None:
    side, storage = fresh
    for system in order:
        await pulled(old, system, tmp_path)
    for _ in range(2):
        for system in order:
            report = await brought_in(tmp_path, side, system, storage, one_gateway=True)
            assert report.refused == 0, "\n".join(report.lines())
        for system in order:
            await same(old, side, system, today)
    assert {verdict for counts in report.concepts.values() for verdict in counts} == {"same"}
