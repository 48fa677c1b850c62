"""Metrics in bulk: day rows, ledger and rollup say the same, also when many write at once."""

import asyncio
import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database, Transaction
from app.domain.campaigns.operations import delete_campaign
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.headline import KEPT
from app.domain.metrics.operations import RecordedMetrics, SpendLine, rebook_spend, record_metrics
from app.errors import Invalid, NotFound, Several, TooLarge
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups
from tests.given.statements import recorded

NOW = given.NOON
DAY = date(2025, 6, 1)
COLUMNS = ", ".join(KEPT)
# What the rollup should hold, added up from the day rows; the two must be the same set of rows.
DIFFERENCES = f"""
WITH base AS (
  SELECT c.store_id, m.day, m.channel, m.currency,
         {", ".join(f"sum(m.{n}) AS {n}" for n in KEPT)}
    FROM campaign_metric m JOIN campaign c ON c.id = m.campaign_id GROUP BY 1, 2, 3, 4),
kept AS (SELECT store_id, day, channel, currency, {COLUMNS} FROM metric_rollup),
something AS (SELECT * FROM base WHERE {" OR ".join(f"{n} <> 0" for n in KEPT)})
SELECT count(*) FROM ((TABLE something EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE base)) AS d
"""
LEDGER_DIFFERENCES = """
WITH told AS (SELECT campaign_id, day, channel, spend FROM campaign_metric WHERE spend <> 0),
booked AS (
  SELECT campaign_id, day, channel, sum(amount) FROM spend_entry GROUP BY 1, 2, 3 HAVING sum(amount) <> 0)
SELECT count(*) FROM ((TABLE told EXCEPT TABLE booked) UNION ALL (TABLE booked EXCEPT TABLE told)) AS d
"""


async def record(db: Database, scope: Scope, *entries: MetricEntry, mode: Mode = Mode.SET) -> RecordedMetrics:
    async with db.transaction(scope) as tx:
        return await record_metrics(tx, entries, mode=mode, now=NOW)


def entry(campaign_id: int, *, day: date = DAY, channel: str = "search", **numbers: Any) -> MetricEntry:
    return MetricEntry(campaign_id=campaign_id, day=day, channel=channel, **numbers)


async def day_row(db: Database, scope: Scope, campaign_id: int) -> dict[str, Any]:
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow(
            "SELECT *, extra::text AS extra_text FROM campaign_metric WHERE campaign_id = $1", campaign_id
        )
        assert row is not None
        return dict(row)


async def assert_consistent(db: Database, scope: Scope) -> None:
    async with db.transaction(scope) as tx:
        assert await tx.fetchval(DIFFERENCES) == 0
        assert await tx.fetchval(LEDGER_DIFFERENCES) == 0


async def test_setting_twice_changes_nothing_and_adding_adds(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    told = entry(camp, impressions=100, clicks=7, spend=Decimal("12.5"), conversions=Decimal("2.5"))
    assert await record(db, scope, told) == RecordedMetrics(1, (camp,))
    await record(db, scope, told)
    row = await day_row(db, scope, camp)
    assert (row["impressions"], row["clicks"], row["spend"], row["conversions"]) == (
        100, 7, Decimal("12.5"), Decimal("2.5")
    )  # fmt: skip
    assert row["currency"] == "EUR"
    await record(db, scope, told, mode=Mode.ADD)
    row = await day_row(db, scope, camp)
    assert (row["impressions"], row["clicks"], row["spend"], row["conversions"]) == (200, 14, 25, 5)
    await record(db, scope, entry(camp, impressions=50, spend=Decimal(1)))
    row = await day_row(db, scope, camp)
    assert (row["impressions"], row["clicks"], row["spend"]) == (50, 14, 1)
    await assert_consistent(db, scope)


async def test_what_an_entry_leaves_out_stays(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await record(db, scope, entry(camp, clicks=5, spend=Decimal(2), extra={"likes": Decimal("1.50")}))
    await record(db, scope, entry(camp, impressions=9))
    row = await day_row(db, scope, camp)
    assert (row["clicks"], row["impressions"], row["spend"]) == (5, 9, 2)
    assert row["extra_text"] == '{"likes":1.50}'
    await record(db, scope, entry(camp, extra={}))
    assert (await day_row(db, scope, camp))["extra_text"] == "{}"


async def test_spend_from_elsewhere_is_kept_beside_the_reported_one(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await record(db, scope, entry(camp, spend=Decimal(10)))
    async with db.transaction(scope) as tx:
        line = SpendLine(camp, DAY, "search", "1:1", Decimal(5))
        await rebook_spend(tx, [line], source="outlay", stem="1", now=NOW)
    await record(db, scope, entry(camp, spend=Decimal(4)))
    assert (await day_row(db, scope, camp))["spend"] == 9
    await assert_consistent(db, scope)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"impressions": -1}, ["impressions"]),
        ({"clicks": 2**53}, ["clicks"]),
        ({"spend": Decimal("-0.01")}, ["spend"]),
        ({"spend": Decimal("0.00001")}, ["spend"]),
        ({"revenue": Decimal("NaN")}, ["revenue"]),
        ({"day": date(2025, 6, 17)}, ["day"]),
        ({"channel": ""}, ["channel"]),
        ({"channel": "x" * 65}, ["channel"]),
        ({"channel": "a\0"}, ["channel"]),
        ({"extra": {"a": "\0"}}, ["extra"]),
        ({"extra": {"a": "\ud800"}}, ["extra"]),
        ({"extra": {"a": "x" * 16_384}}, ["extra"]),
        ({"extra": {"a": object()}}, ["extra"]),
    ],
)
async def test_a_wrong_entry_refuses_the_whole_call(
    db: Database, wrong: dict[str, Any], path: list[str]
) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    with pytest.raises(Invalid) as refused:
        await record(db, scope, entry(camp, clicks=1, channel="a"), entry(camp, **{"channel": "b", **wrong}))
    assert refused.value.path == ["entries", 1, *path]
    async with db.transaction(scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign_metric") == 0


async def test_every_fault_is_told_in_the_order_of_entries(db: Database) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    mine = await given.campaign(db, group.scope)
    other_store = await given.campaign(db, group.scope, store_id=second.store_id)
    foreign = await given.campaign(db, (await groups.group(db)).scope)
    gone = await given.campaign(db, group.scope)
    async with db.transaction(group.scope) as tx:
        await delete_campaign(tx, gone, now=NOW)
    with pytest.raises(Several) as refused:
        await record(
            db, Scope(group.group_id, group.store_id), entry(mine), entry(mine), entry(other_store),
            entry(foreign), entry(gone), entry(mine, channel="x", clicks=-1),
        )  # fmt: skip
    told = [(type(f), f.path) for f in refused.value.failures]
    expected: list[Any] = [
        (Invalid, ["entries", 1]),
        (NotFound, ["entries", 2, "campaignId"]),
        (NotFound, ["entries", 3, "campaignId"]),
        (NotFound, ["entries", 4, "campaignId"]),
        (Invalid, ["entries", 5, "clicks"]),
    ]
    assert told == expected
    assert refused.value.failures[0].reason == "REPEATED"


async def test_sums_beyond_53_bits_are_refused(db: Database) -> None:
    scope = (await groups.group(db)).scope
    first, second = [await given.campaign(db, scope) for _ in range(2)]
    most = 2**53 - 1
    await record(db, scope, entry(first, clicks=most))
    for attempt in (entry(first, clicks=1), entry(second, clicks=1)):
        with pytest.raises(Invalid) as refused:
            await record(db, scope, attempt, mode=Mode.ADD)
        assert refused.value.reason == "TOO_MUCH"
    many = [entry(second, channel=str(n), sent=most) for n in range(3)]
    await record(db, scope, *many)
    third = await given.campaign(db, scope)
    with pytest.raises(Invalid):
        await record(db, scope, entry(third, opened=most), entry(second, opened=most))
    full = Decimal("99999999999999")
    await record(db, scope, entry(third, channel="s", spend=full))
    with pytest.raises(Invalid) as refused:
        await record(db, scope, entry(third, channel="s", spend=full), mode=Mode.ADD)
    assert refused.value.reason == "TOO_MUCH"
    await assert_consistent(db, scope)


async def test_5000_entries_cost_as_many_statements_as_one(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camps = [await given.campaign(db, scope) for _ in range(10)]

    async def count(entries: list[MetricEntry]) -> int:
        async with db.transaction(scope) as tx:
            with recorded() as statements:
                await record_metrics(tx, entries, now=NOW)
            return len(statements)

    one = await count([entry(camps[0], clicks=1, spend=Decimal(1))])
    many = [
        entry(camp, day=DAY - timedelta(days=n % 250), channel=str(n // 250), clicks=n, spend=Decimal(n))
        for camp in camps
        for n in range(500)
    ]
    assert await count(many) == one == 4
    await assert_consistent(db, scope)
    with pytest.raises(TooLarge):
        await record(db, scope, *many, entry(camps[0], channel="one more"))
    assert await record(db, scope) == RecordedMetrics(0, ())


async def test_the_sums_hold_after_random_writes_at_once(db: Database) -> None:
    group = await groups.group(db)
    stores = [group.store_id, (await groups.store(db, group.group_id)).store_id]
    camps = [await given.campaign(db, group.scope, store_id=stores[n % 2]) for n in range(6)]
    dice = random.Random(20250601)

    def cents(own: random.Random) -> Decimal:
        return Decimal(own.randrange(999)) / 100

    async def writer(turn: int) -> None:
        own = random.Random(turn)
        for _ in range(8):
            keys = {
                (own.choice(camps), DAY - timedelta(days=own.randrange(3)), own.choice("ab"))
                for _ in range(own.randrange(1, 12))
            }
            entries = [
                entry(
                    camp, day=day, channel=channel, clicks=own.choice([None, own.randrange(100)]),
                    impressions=own.randrange(1000), revenue=own.choice([None, cents(own)]),
                    spend=own.choice([None, cents(own)]),
                )
                for camp, day, channel in keys
            ]  # fmt: skip
            own.shuffle(entries)
            await record(db, group.scope, *entries, mode=own.choice(list(Mode)))

    await asyncio.gather(*(writer(dice.randrange(10**6)) for _ in range(10)))
    await assert_consistent(db, group.scope)


async def test_two_who_add_at_once_lose_nothing(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    once = entry(camp, clicks=1, spend=Decimal("0.01"))
    await asyncio.gather(*(record(db, scope, once, mode=Mode.ADD) for _ in range(20)))
    row = await day_row(db, scope, camp)
    assert (row["clicks"], row["spend"]) == (20, Decimal("0.20"))
    await assert_consistent(db, scope)


async def test_a_failure_later_in_the_transaction_takes_everything_back(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)

    async def fail(tx: Transaction) -> None:
        await record_metrics(tx, [entry(camp, clicks=1, spend=Decimal(1))], now=NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        async with db.transaction(scope) as tx:
            await fail(tx)
    async with db.transaction(scope) as tx:
        for table in ("campaign_metric", "spend_entry", "metric_rollup"):
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0
