"""What the Marketing & CRM API prints goes in as it is, and comes out the same: byte by byte."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from app.db.database import Database
from app.domain.funnels.stages import FunnelType
from app.importing.reading.sources import find_sources
from app.importing.records import Verdict
from app.importing.report import Report
from app.importing.running import import_files
from app.seeding.demo import seed_demo
from app.seeding.webhooks import webhook_secrets
from app.settings import Settings
from app.values.scope import Scope
from tests.given import groups
from tests.given.groups import GivenGroup
from tests.rest.conftest import Marketer, gateway, marketers, settings

__all__ = ["gateway", "marketers", "settings"]

Make = Callable[..., Any]
Printed = Mapping[str, bytes]
PAGE = 7
"""Rows a page: more than one page of each list."""


async def everything(marketer: Marketer) -> dict[str, bytes]:
    """All that the documented calls print, page by page, by address."""
    found: dict[str, bytes] = {}

    async def ask(path: str) -> Any:
        response = await marketer.call("GET", path)
        assert response.status_code == 200, response.text
        found[path] = response.content
        return response.json()

    for name in ("campaigns", "segments", "promos"):
        page = 1
        while rows := (await ask(f"/{name}?limit={PAGE}&page={page}"))["data"]:
            page += 1
            if name == "campaigns":
                for row in rows:
                    await ask(f"/campaigns/{row['id']}")
        await ask(f"/{name}")
    for status in ("draft", "scheduled", "active", "paused", "completed"):
        await ask(f"/campaigns?status={status}")
    await ask("/webhooks")
    for funnel in FunnelType:
        await ask(f"/funnels?funnel_type={funnel}")
    return found


def kept(folder: Path, printed: Printed) -> Path:
    """A file for each route with an answer a line, as they are kept when they are pulled."""
    folder.mkdir(exist_ok=True)
    for path, body in printed.items():
        route = path[1:].partition("?")[0].replace("/", "-").rstrip("0123456789")
        with (folder / f"{route}.jsonl").open("ab") as file:
            file.write(body + b"\n")
    return folder


async def bring(db: Database, group: GivenGroup, place: Path, what: str = "crm", **options: Any) -> Report:
    now = options.pop("now", datetime.now(UTC))
    return await import_files(db, group.scope, what, find_sources(str(place)), now=now, **options)


def changes(report: Report) -> dict[str, int]:
    """By concept, how many records were made or changed."""
    return {
        concept: found
        for concept, counts in report.concepts.items()
        if (found := counts[Verdict.MADE] + counts[Verdict.CHANGED])
    }


async def test_the_demonstration_group_prints_the_same_after_it_has_moved(
    db: Database, gateway: ASGIApp, marketers: Make, settings: Settings, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    for demo in (await seed_demo(db, now=now)).groups:
        async with db.transaction(Scope(demo.group_id)) as tx:
            row = await tx.fetchrow("SELECT currency, time_zone FROM customer_group")
        assert row is not None
        old = await marketers(given=GivenGroup(demo.group_id, demo.store_ids[0], demo.beacon_keys[0]))
        await webhook_secrets(db, settings.secret_key, demo.group_id, now=now)
        printed = await everything(old)
        new = await marketers(
            given=await groups.group(db, currency=row["currency"], time_zone=row["time_zone"])
        )
        folder = kept(tmp_path / demo.project, printed)
        report = await bring(db, new.given, folder)
        assert report.refused == 0, report.lines()
        # What has no place: connections have secrets that are not printed, and funnels are counted from touches.
        assert {concept: set(lost) for concept, lost in report.lost.items()} == {
            "webhook_providers": {"status"},
            "funnels": {"stages"},
        }
        await webhook_secrets(db, settings.secret_key, new.given.group_id, now=now)
        again = await everything(new)
        assert {path for path in printed if again.get(path) != printed[path]} <= {
            f"/funnels?funnel_type={funnel}" for funnel in FunnelType
        }
        assert set(again) == set(printed)
        # Twice is once.
        assert changes(await bring(db, new.given, folder)) == {}
        assert await everything(new) == again
