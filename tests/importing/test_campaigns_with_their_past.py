"""Campaigns that have a past go in with it: nothing is moved, filled in or started by today's rules."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.importing.concepts.campaigns import CampaignWriter
from app.importing.reading.sources import find_sources
from app.importing.records import Outcome, Record, Row, Verdict
from app.importing.report import Report
from app.importing.running import import_files
from tests.given import audience as given
from tests.given import groups, projects
from tests.given.groups import GivenGroup

PAST = {
    "name": "Old", "status": "paused", "start_date": "2020-01-01", "end_date": "2020-02-01",
    "created_at": "2019-12-01T08:00:00.5Z", "updated_at": "2020-01-15T00:00:00Z",
    "activated_at": "2020-01-02T00:00:00Z",
}  # fmt: skip


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    return await groups.group(db, time_zone="Europe/Paris")


async def bring(
    db: Database,
    shop: GivenGroup,
    *rows: dict[str, Any],
    system: str = "benji",
    inside: str = "",
    later: int = 0,
) -> list[Outcome]:
    """Write rows as a system's reader hands them on."""
    records = [
        Record(
            "campaigns",
            {k: v for k, v in row.items() if k != "id"},
            Row("f", n, row, "", inside=inside),
            {system: str(row["id"])},
        )
        for n, row in enumerate(rows, start=1)
    ]
    async with db.transaction(shop.scope) as tx:
        return list(await CampaignWriter().write(tx, records, now=given.NOON + timedelta(days=later)))


async def row_of(db: Database, shop: GivenGroup, ident: str) -> dict[str, Any]:
    async with db.transaction(shop.scope) as tx:
        return dict(
            await tx.fetchrow("SELECT * FROM campaign WHERE $1 = ANY (known_as_id) ORDER BY id DESC", ident)
            or {}
        )


def verdicts(outcomes: list[Outcome]) -> list[str]:
    return [str(one.failure) if one.failure else str(one.verdict) for one in outcomes]


async def test_instants_and_the_status_stay_as_they_were(db: Database, shop: GivenGroup) -> None:
    for verdict in ("made", "same"):
        assert verdicts(await bring(db, shop, {"id": 1, **PAST})) == [verdict]
    row = await row_of(db, shop, "1")
    assert (row["status"], row["starts_on"], row["ends_on"]) == ("paused", date(2020, 1, 1), date(2020, 2, 1))
    assert row["created_at"] == datetime(2019, 12, 1, 8, 0, 0, 500_000, tzinfo=UTC)
    assert row["updated_at"] == datetime(2020, 1, 15, tzinfo=UTC)
    assert row["activated_at"] == datetime(2020, 1, 2, tzinfo=UTC)
    # What says nothing of it leaves it alone, even where it changes something.
    assert verdicts(await bring(db, shop, {"id": 1, "objective": "retention"})) == ["changed"]
    row = await row_of(db, shop, "1")
    assert (row["objective"], row["status"]) == ("retention", "paused")
    assert row["updated_at"] == datetime(2020, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize("status", ["draft", "scheduled", "active", "paused", "completed"])
async def test_any_status_goes_with_any_dates(db: Database, shop: GivenGroup, status: str) -> None:
    rows = [
        {"id": 1, "name": "a", "status": status, "start_date": "2020-01-01", "end_date": "2020-02-01"},
        {"id": 2, "name": "b", "status": status},
        {"id": 3, "name": "c", "status": status, "start_date": "2090-01-01"},
    ]
    assert verdicts(await bring(db, shop, *rows)) == ["made"] * 3
    for ident in "123":
        assert (await row_of(db, shop, ident))["status"] == status


async def test_a_period_fills_in_no_dates_of_the_past(db: Database, shop: GivenGroup) -> None:
    await bring(db, shop, {"id": 1, "name": "a", "period_type": "1_month"})
    row = await row_of(db, shop, "1")
    assert (row["period_type"], row["starts_at"], row["ends_at"], row["status"]) == (
        "1_month",
        None,
        None,
        "draft",
    )


async def test_deleted_ones_are_deleted_and_found_again(db: Database, shop: GivenGroup) -> None:
    rows = [
        {"id": 1, "name": "a", "deleted": "2021-01-01T00:00:00Z"},
        {"id": 2, "name": "b", "deleted": True},
        {"id": 3, "name": "c", "deleted": False},
    ]
    assert verdicts(await bring(db, shop, *rows)) == ["made"] * 3
    assert verdicts(await bring(db, shop, *rows)) == ["same"] * 3
    deleted = [(await row_of(db, shop, ident))["deleted_at"] for ident in "123"]
    assert deleted[0] == datetime(2021, 1, 1, tzinfo=UTC)
    assert deleted[1] is not None
    assert deleted[2] is None
    async with db.transaction(shop.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign") == 3


async def test_active_or_not_is_taken_where_a_system_shows_no_more(db: Database, shop: GivenGroup) -> None:
    rows = [
        {"id": 1, "name": "a", "status": "completed"}, {"id": 2, "name": "b", "status": "active"},
        {"id": 3, "name": "c", "is_active": True}, {"id": 4, "name": "d", "is_active": False},
        {"id": 5, "name": "e", "is_active": False, "activated_at": "2020-01-01T00:00:00Z", "start_date": "2020-01-01"},
        {"id": 6, "name": "f", "is_active": False, "start_date": "2020-01-01", "end_date": "2020-01-02"},
    ]  # fmt: skip
    assert verdicts(await bring(db, shop, *rows)) == ["made"] * 6
    await bring(db, shop, {"id": 1, "is_active": False}, {"id": 2, "is_active": True})
    assert [(await row_of(db, shop, i))["status"] for i in "123456"] == [
        "completed", "active", "active", "draft", "paused", "completed",
    ]  # fmt: skip


@pytest.mark.parametrize("days_first", [True, False])
@pytest.mark.parametrize(
    ("instants", "kept"),
    [
        # A day as others print it: its first and last second.
        (("2025-05-31T22:00:00Z", "2025-06-30T21:59:59Z"), (date(2025, 6, 1), date(2025, 6, 30))),
        # An instant of that day, which is more.
        (("2025-06-01T08:30:00Z", "2025-06-30T12:00:00Z"), (None, None)),
    ],
)
async def test_a_day_and_its_instant_agree_whichever_comes_first(
    db: Database, shop: GivenGroup, *, days_first: bool, instants: tuple[str, str], kept: tuple[Any, Any]
) -> None:
    days = {"id": 1, "name": "a", "start_date": "2025-06-01", "end_date": "2025-06-30"}
    others = {"id": 1, "name": "a", "starts_at": instants[0], "ends_at": instants[1]}
    for row in (days, others, days) if days_first else (others, days, others):
        await bring(db, shop, row)
    row = await row_of(db, shop, "1")
    assert (row["starts_on"], row["ends_on"]) == kept
    if kept[0] is None:
        assert row["starts_at"] == datetime(2025, 6, 1, 8, 30, tzinfo=UTC)
        assert row["ends_at"] == datetime(2025, 6, 30, 12, tzinfo=UTC)


async def test_every_column_and_what_it_points_at(db: Database, shop: GivenGroup) -> None:
    project = await projects.tracking(db, shop.group_id, slug="shop-of-old")
    integration = await projects.integration(db, shop.group_id, project, wmkt_id="w1")
    template = {"id": 70, "name": "t", "is_template": True, "created_at": "2026-01-01T00:00:00Z"}
    row = {
        "id": 71, "name": "n", "description": "d", "logo_url": "https://example.com/l.png", "type": "loyalty",
        "objective": "Acquisition", "channels": ["email"], "budget": "12.50", "period_type": "1_month", "subject": "s",
        "content": {"body": "b", "cta_text": "c"}, "cta_url": "https://example.com", "slug": "s-1",
        "is_explicit": False,
        "reward_type": 3, "owner_id": 12, "integration": f"intg_{integration}", "project": {"id": f"proj_{project}"},
        "template": "70", "store": shop.beacon_key, "created_at": "2025-01-01T00:00:00Z",
    }  # fmt: skip
    for verdict in ("made", "same"):
        # The copy is told before what it was copied from, and is older by its instant.
        assert verdicts(await bring(db, shop, row, template)) == [verdict] * 2
    stored = await row_of(db, shop, "71")
    assert (stored["body"], stored["cta_text"], stored["slug"], stored["is_explicit"]) == (
        "b",
        "c",
        "s-1",
        False,
    )
    assert (stored["reward_type"], stored["owner_id"], str(stored["budget_total"])) == (3, 12, "12.5000")
    assert stored["template_id"] == (await row_of(db, shop, "70"))["id"]
    assert (stored["project_id"], stored["integration_id"]) == (project, integration)
    (refused,) = await bring(db, shop, {**row, "partner": "5"})
    assert refused.verdict is Verdict.REFUSED
    assert refused.failure is not None
    assert refused.failure.path == ["partner"]


async def test_of_the_same_instant_the_larger_number_is_newer(db: Database, shop: GivenGroup) -> None:
    at = "2025-01-01T00:00:00Z"
    rows = [{"id": n, "name": str(n), "created_at": at} for n in (12, 9, 7)]
    await bring(db, shop, *rows)
    # Without instants the order of a list is all there is; where there is none, their numbers.
    await bring(db, shop, *[{"id": n, "name": str(n)} for n in (40, 90, 50)], inside="data")
    await bring(db, shop, *[{"id": n, "name": str(n)} for n in (23, 21, 22)], later=1)
    async with db.transaction(shop.scope) as tx:
        found = await tx.fetch("SELECT name FROM campaign ORDER BY created_at DESC, id DESC")
    assert [row["name"] for row in found] == ["23", "22", "21", "40", "90", "50", "12", "9", "7"]


async def test_a_number_that_a_row_made_here_has_is_refused(db: Database, shop: GivenGroup) -> None:
    await bring(db, shop, {"id": 1, "name": "a"})
    async with db.transaction(shop.scope) as tx:
        own = await tx.fetchval("SELECT id FROM campaign")
    (refused,) = await bring(db, shop, {"id": own, "name": "b"}, system="criteo")
    assert refused.failure is not None
    assert refused.failure.reason == "NUMBER_TAKEN"
    assert (await row_of(db, shop, "1"))["name"] == "a"


async def test_a_table_of_ours_may_tell_the_past(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text(
        "id,name,status,start_date,end_date,created_at\n"
        "1,a,scheduled,2020-01-01,2020-02-01,2019-01-01T00:00:00Z\n"
        "2,b,scheduled,2020-01-01,2020-02-01,\n"
    )
    report: Report = await import_files(db, shop.scope, "campaigns", find_sources(str(file)), now=given.NOON)
    assert (report.imported, report.refused) == (1, 1)
    assert (await row_of(db, shop, "1"))["status"] == "scheduled"
    reasons = [json.loads(line) for line in (tmp_path / "c.csv.reasons.jsonl").read_text().splitlines()]
    assert [one["path"] for one in reasons] == [["status"]]
