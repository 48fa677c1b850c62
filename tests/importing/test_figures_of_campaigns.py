"""Figures that a system counted: days as it shows them, sums without days up to a moment, and each of them once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import SpendLine, rebook_spend, record_metrics
from app.importing.concepts.campaign_metrics import CampaignMetricWriter
from app.importing.concepts.campaigns import CampaignWriter
from app.importing.records import Record, Row
from app.tables.metrics import FIGURES
from tests.given import groups
from tests.given.groups import GivenGroup

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = date(2026, 3, 1)


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    made = await groups.group(db)
    row: dict[str, Any] = {"name": "a", "channels": ["tv"], "starts_on": "2026-02-01"}
    async with db.transaction(made.scope) as tx:
        await CampaignWriter().write(tx, [record("campaigns", row)], now=NOW)
    return made


def record(concept: str, values: dict[str, Any]) -> Record:
    return Record(concept, values, Row("f", 1, values, ""), {"lagriffe": "9001"})


def series(*days: tuple[int, int, str], channel: str = "tv") -> list[dict[str, Any]]:
    """Days after the first: its clicks and its spend."""
    return [
        {"day": str(DAY + timedelta(days=n)), "channel": channel, "clicks": clicks, "spend": spend}
        for n, clicks, spend in days
    ]


async def bring(db: Database, shop: GivenGroup, *, now: datetime = NOW, **values: Any) -> str:
    """What became of the figures; what is in the rows is in the ledger and the rollup as well."""
    async with db.transaction(shop.scope) as tx:
        (outcome,) = await CampaignMetricWriter().write(tx, [record("campaign_metrics", values)], now=now)
    await whole(db, shop)
    return str(outcome.failure or outcome.verdict)


async def whole(db: Database, shop: GivenGroup) -> None:
    async with db.transaction(shop.scope) as tx:
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in FIGURES)
        rows, rolled = [
            await tx.fetchrow(f"SELECT {sums} FROM {t}") for t in ("campaign_metric", "metric_rollup")
        ]
        assert tuple(rows or ()) == tuple(rolled or ())
        spent, booked = [
            await tx.fetchval(f"SELECT coalesce(sum({column}), 0) FROM {table}")
            for column, table in (("spend", "campaign_metric"), ("amount", "spend_entry"))
        ]
        assert spent == booked


async def record_live(
    db: Database, shop: GivenGroup, day: int, clicks: int, *, mode: Mode = Mode.ADD
) -> None:
    async with db.transaction(shop.scope) as tx:
        campaign = await tx.fetchval("SELECT id FROM campaign")
        entry = MetricEntry(campaign_id=campaign, day=DAY + timedelta(days=day), channel="tv", clicks=clicks)
        await record_metrics(tx, [entry], mode=mode, now=NOW + timedelta(days=30))


async def shown(db: Database, shop: GivenGroup) -> tuple[int, str]:
    """Clicks and spend in all."""
    async with db.transaction(shop.scope) as tx:
        row = await tx.fetchrow("SELECT sum(clicks)::int AS clicks, sum(spend) AS spend FROM campaign_metric")
    assert row is not None
    return row["clicks"] or 0, f"{(row['spend'] or Decimal(0)).normalize():f}"


async def days(db: Database, shop: GivenGroup) -> list[tuple[int, str, int, str]]:
    """Each row: days after the first, channel, clicks, spend."""
    async with db.transaction(shop.scope) as tx:
        rows = await tx.fetch("SELECT day, channel, clicks, spend FROM campaign_metric ORDER BY day, channel")
    return [((r["day"] - DAY).days, r["channel"], r["clicks"], f"{r['spend'].normalize():f}") for r in rows]


async def test_days_are_set_and_silent_ones_left_out(db: Database, shop: GivenGroup) -> None:
    told = series((0, 5, "1.5"), (1, 0, "0"), (2, 7, "2"))
    assert await bring(db, shop, series=told) == "made"
    assert await bring(db, shop, series=told) == "same"
    assert await days(db, shop) == [(0, "tv", 5, "1.5"), (2, "tv", 7, "2")]
    # A day that is corrected to nothing.
    assert await bring(db, shop, series=series((0, 0, "0"), (1, 0, "0"), (2, 7, "2"))) == "changed"
    assert await shown(db, shop) == (7, "2")


async def test_silent_channels_and_days_outside_of_the_campaign_stay_visible(
    db: Database, shop: GivenGroup
) -> None:
    told = series((-40, 0, "0"), (-39, 0, "0"), (0, 5, "1")) + series((-40, 0, "0"), channel="radio")
    assert await bring(db, shop, series=told) == "made"
    assert await bring(db, shop, series=told) == "same"
    found = await days(db, shop)
    assert {(-40, "tv"), (-40, "radio"), (0, "tv")} <= {(day, channel) for day, channel, _, _ in found}


async def test_sums_without_days_count_once(db: Database, shop: GivenGroup) -> None:
    totals = {"clicks": 100, "spend": "12.34"}
    for verdict in ("made", "same"):
        assert await bring(db, shop, totals=totals, totals_as_of=str(NOW.isoformat())) == verdict
        assert await shown(db, shop) == (100, "12.34")
    # What happens here afterwards is added, and the same sums again take nothing away.
    await record_live(db, shop, 20, 3)
    later = NOW + timedelta(days=25)
    assert await bring(db, shop, totals=totals, totals_as_of=str(NOW.isoformat()), now=later) == "same"
    assert await bring(db, shop, totals=totals, now=later) == "same"
    assert await shown(db, shop) == (103, "12.34")


@pytest.mark.parametrize("sums_first", [True, False])
async def test_sums_and_the_days_of_them_count_once(
    db: Database, shop: GivenGroup, *, sums_first: bool
) -> None:
    told = series((0, 40, "2"), (1, 60, "10.34"))
    totals = {"clicks": 100, "spend": "12.34"}
    both: list[dict[str, Any]] = [{"totals": totals}, {"series": told, "totals": totals}]
    for one in both if sums_first else reversed(both):
        await bring(db, shop, **one)
    assert await days(db, shop) == [(0, "tv", 40, "2"), (1, "tv", 60, "10.34")]
    for one in both:
        assert await bring(db, shop, now=NOW + timedelta(days=40), **one) == "same"


async def test_days_that_are_not_all_are_filled_up_to_the_sums(db: Database, shop: GivenGroup) -> None:
    await bring(db, shop, series=series((0, 40, "2")), totals={"clicks": 100, "spend": "12.34"})
    assert await shown(db, shop) == (100, "12.34")
    await bring(
        db, shop, series=series((0, 40, "2"), (1, 50, "10")), totals={"clicks": 100, "spend": "12.34"}
    )
    assert await shown(db, shop) == (100, "12.34")


async def test_money_planned_for_days_to_come_is_in_the_sums(db: Database, shop: GivenGroup) -> None:
    told = series((0, 40, "2"), (12, 0, "10"), (13, 0, "10"))
    totals = {"clicks": 40, "spend": "22"}
    assert await bring(db, shop, series=told, totals=totals) == "made"
    assert await shown(db, shop) == (40, "22")
    # Also when these days have come.
    for one in ({"totals": totals}, {"series": told, "totals": totals}):
        assert await bring(db, shop, now=NOW + timedelta(days=20), **one) == "same"
    assert await shown(db, shop) == (40, "22")


async def test_what_is_shown_as_spent_contains_outlays(db: Database, shop: GivenGroup) -> None:
    async with db.transaction(shop.scope) as tx:
        campaign = await tx.fetchval("SELECT id FROM campaign")
        line = SpendLine(campaign, DAY, "tv", "1:1", Decimal("1.25"))
        await rebook_spend(tx, [line], source="outlay", stem="1", now=NOW)
    assert await bring(db, shop, series=series((0, 5, "2"))) == "changed"
    assert await days(db, shop) == [(0, "tv", 5, "2")]
    assert await bring(db, shop, series=series((0, 5, "2"))) == "same"
    # More than that cannot be taken back.
    await bring(db, shop, series=series((0, 5, "1")))
    assert await days(db, shop) == [(0, "tv", 5, "1.25")]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"series": [{"day": "2026-03-01", "clicks": 1}]}, "`series`"),
        ({"series": {"day": "2026-03-01"}}, "`series`"),
        ({"totals": {"likes": 1}}, "`likes` is no figure"),
        ({"totals": {"clicks": -1}}, "`clicks`"),
        ({"totals": {"clicks": 2**60}}, "`clicks`"),
        ({"series": [{"day": "2026-02-30", "channel": "tv"}]}, "`day`"),
        ({"clicks": 5}, "Figures need their `day`"),
    ],
)
async def test_what_are_no_figures_is_refused(
    db: Database, shop: GivenGroup, values: dict[str, Any], why: str
) -> None:
    assert why in await bring(db, shop, **values)
    assert await days(db, shop) == []
