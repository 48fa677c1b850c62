"""What the ledger, the metrics and the rollup say of outlays, whatever was done to them, by however many at once."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.operations import delete_campaign
from app.domain.metrics.entries import MetricEntry
from app.domain.metrics.operations import record_metrics
from app.domain.outlays.fields import OutlayFields
from app.domain.outlays.operations import create_outlay, delete_outlay, update_outlay
from app.errors import Conflict, Failure, Invalid, NotFound
from app.values.money import digits_of
from app.values.scope import Scope
from tests.domain.test_recording_metrics import assert_consistent
from tests.given import campaigns, custom_ads, groups
from tests.given.custom_ads import NOON, START

# Living outlays whose entries do not add up to them, or lie elsewhere; and entries of none.
UNTRUE = """
WITH booked AS (
  SELECT split_part(source_ref, ':', 1)::bigint AS id, campaign_id, sum(amount) AS amount, min(day) AS first
    FROM spend_entry WHERE source = 'outlay' GROUP BY 1, 2)
SELECT o.id, o.amount, b.amount AS booked
  FROM (SELECT * FROM outlay WHERE deleted_at IS NULL) o FULL JOIN booked b USING (id, campaign_id)
 WHERE o.amount IS DISTINCT FROM b.amount AND coalesce(o.amount, 0) <> coalesce(b.amount, 0)
"""


async def lines(db: Database, scope: Scope) -> list[tuple[Any, ...]]:
    async with db.transaction(scope) as tx:
        rows = await tx.fetch(
            "SELECT campaign_id, day, channel, source_ref, amount, currency FROM spend_entry ORDER BY campaign_id, day"
        )
    return [tuple(row) for row in rows]


async def change(db: Database, scope: Scope, outlay_id: int, **fields: Any) -> bool:
    async with db.transaction(scope) as tx:
        return await update_outlay(tx, outlay_id, OutlayFields(**fields), now=NOON)


async def assert_true(db: Database, scope: Scope) -> None:
    async with db.transaction(scope) as tx:
        assert await tx.fetch(UNTRUE) == []
    await assert_consistent(db, scope)


async def test_an_outlay_is_booked_day_by_day_in_the_stores_time_zone(db: Database) -> None:
    site = await custom_ads.site(db)
    camp = await custom_ads.campaign(db, site)
    made = await custom_ads.outlay(
        db, site.scope, camp, "100.00", starts_at=datetime(2025, 6, 1, 22, tzinfo=UTC), days=3
    )
    assert await lines(db, site.scope) == [
        (camp, date(2025, 6, 2), "custom_ads", f"{made}:2025-06-02", Decimal("33.34"), "EUR"),
        (camp, date(2025, 6, 3), "custom_ads", f"{made}:2025-06-03", Decimal("33.33"), "EUR"),
        (camp, date(2025, 6, 4), "custom_ads", f"{made}:2025-06-04", Decimal("33.33"), "EUR"),
    ]
    await assert_true(db, site.scope)


async def test_what_was_reported_and_what_was_laid_out_add_up(db: Database) -> None:
    site = await custom_ads.site(db, time_zone="UTC")
    camp = await custom_ads.campaign(db, site)
    entry = MetricEntry(campaign_id=camp, day=START.date(), channel="custom_ads", spend=Decimal(4), clicks=3)
    async with db.transaction(site.scope) as tx:
        await record_metrics(tx, [entry], now=NOON)
    made = await custom_ads.outlay(db, site.scope, camp, "30.00", days=3)
    async with db.transaction(site.scope) as tx:
        row = await tx.fetchrow("SELECT spend, clicks FROM campaign_metric WHERE day = $1", START.date())
        assert row is not None
        assert (row["spend"], row["clicks"]) == (14, 3)
        await record_metrics(tx, [entry], now=NOON)
        await delete_outlay(tx, made, now=NOON)
        assert await tx.fetchval("SELECT sum(spend) FROM campaign_metric") == 4
    await assert_true(db, site.scope)


async def test_the_same_again_changes_nothing(db: Database) -> None:
    site = await custom_ads.site(db)
    camp = await custom_ads.campaign(db, site)
    made = await custom_ads.outlay(db, site.scope, camp)
    before = await lines(db, site.scope)
    assert not await change(db, site.scope, made, amount=Decimal("100.000"), starts_at=START, country=None)
    assert not await change(db, site.scope, made)
    assert await lines(db, site.scope) == before
    async with db.transaction(site.scope) as tx:
        assert await tx.fetchval("SELECT updated_at = created_at FROM outlay")
    assert await change(db, site.scope, made, country="FR")
    assert await lines(db, site.scope) == before


async def test_dates_are_judged_on_the_whole_outlay(db: Database) -> None:
    site = await custom_ads.site(db)
    camp = await custom_ads.campaign(db, site)
    made = await custom_ads.outlay(db, site.scope, camp)
    end = START + timedelta(days=10)
    for wrong in ({"starts_at": end}, {"ends_at": START}, {"starts_at": end, "ends_at": START}):
        with pytest.raises(Invalid) as refused:
            await change(db, site.scope, made, **wrong)
        assert refused.value.reason == "END_BEFORE_START"
        assert refused.value.message.startswith("An outlay must begin before it ends")
    assert await change(db, site.scope, made, starts_at=end, ends_at=end + timedelta(days=1))
    await assert_true(db, site.scope)
    async with db.transaction(site.scope) as tx:
        fields = OutlayFields(campaign_id=camp, amount=Decimal(1), starts_at=START, ends_at=START)
        with pytest.raises(Invalid):
            await create_outlay(tx, fields, now=NOON)


async def test_an_outlay_moves_with_its_spend_within_its_integration(db: Database) -> None:
    site = await custom_ads.site(db)
    first, second = [await custom_ads.campaign(db, site, slug) for slug in ("a", "b")]
    other, _ = await custom_ads.integration(db, site.scope, site.project_id)
    outside = await custom_ads.campaign(db, site, "a", integration_id=other)
    untracked = await campaigns.campaign(db, site.scope)
    made = await custom_ads.outlay(db, site.scope, first)
    for wrong in (outside, untracked):
        with pytest.raises(Conflict) as refused:
            await change(db, site.scope, made, campaign_id=wrong)
        assert refused.value.reason == "WRONG_INTEGRATION"
    assert await change(db, site.scope, made, campaign_id=second)
    assert {line[0] for line in await lines(db, site.scope)} == {second}
    await assert_true(db, site.scope)


async def test_out_of_reach_is_not_found(db: Database) -> None:
    site, foreign = await custom_ads.site(db), await custom_ads.site(db)
    camp, theirs = await custom_ads.campaign(db, site), await custom_ads.campaign(db, foreign)
    made = await custom_ads.outlay(db, site.scope, camp)
    store = await groups.store(db, site.group.group_id)
    narrower = (
        Scope(site.group.group_id, store_id=store.store_id),
        Scope(site.group.group_id, project_ids=(0,)),
    )
    for scope in (foreign.scope, *narrower):
        with pytest.raises(NotFound):
            await change(db, scope, made, amount=Decimal(5))
        with pytest.raises(NotFound):
            async with db.transaction(scope) as tx:
                await delete_outlay(tx, made, now=NOON)
    with pytest.raises(NotFound):
        await change(db, site.scope, made, campaign_id=theirs)
    async with db.transaction(site.scope) as tx:
        with pytest.raises(NotFound):
            await update_outlay(tx, made, OutlayFields(), wmkt_id=foreign.wmkt_id, now=NOON)
        with pytest.raises(NotFound):
            await update_outlay(tx, made, OutlayFields(), in_campaign=camp + 1, now=NOON)
        assert await delete_outlay(tx, made, now=NOON) == made
        with pytest.raises(NotFound):
            await delete_outlay(tx, made, now=NOON)
        second = OutlayFields(campaign_id=camp, amount=Decimal(1), starts_at=START, ends_at=NOON)
        made = await create_outlay(tx, second, wmkt_id=site.wmkt_id, now=NOON)
        await delete_campaign(tx, camp, now=NOON)
        with pytest.raises(NotFound):
            await update_outlay(tx, made, OutlayFields(amount=Decimal(2)), now=NOON)
    await assert_true(db, site.scope)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"amount": Decimal("0.00001")}, "amount"),
        ({"amount": Decimal(10) ** 14}, "amount"),
        ({"amount": None}, "amount"),
        ({"ends_at": None}, "endsAt"),
        ({"country": "x" * 256}, "country"),
        ({"region": "\0"}, "region"),
        ({"campaign_id": None}, "campaignId"),
        ({"ends_at": START + timedelta(days=4000)}, "endsAt"),
    ],
)
async def test_what_cannot_be_kept_is_refused(db: Database, wrong: dict[str, Any], path: str) -> None:
    site = await custom_ads.site(db)
    camp = await custom_ads.campaign(db, site)
    made = await custom_ads.outlay(db, site.scope, camp)
    before = await lines(db, site.scope)
    with pytest.raises(Invalid) as refused:
        await change(db, site.scope, made, **wrong)
    assert refused.value.path == [path]
    assert await lines(db, site.scope) == before


async def step(
    db: Database, scope: Scope, chance: random.Random, camps: list[int], known: list[int], digits: int = 2
) -> None:
    """Something of what people do to outlays; what is refused changes nothing."""
    start = START + timedelta(hours=chance.randrange(400), microseconds=chance.randrange(10**6))
    fields: dict[str, Any] = {
        "amount": Decimal(chance.randrange(-(10**6), 10**7)).scaleb(-chance.randint(0, digits)),
        "starts_at": start,
        "ends_at": start + timedelta(hours=chance.uniform(0.01, 900)),
        "campaign_id": chance.choice(camps),
    }
    what = chance.random()
    try:
        async with db.transaction(scope) as tx:
            if what < 0.4 or not known:
                known.append(await create_outlay(tx, OutlayFields(**fields), now=NOON))
            elif what < 0.85:
                some = dict(chance.sample(sorted(fields.items()), chance.randrange(1, 4)))
                await update_outlay(tx, chance.choice(known), OutlayFields(**some), now=NOON)
            else:
                await delete_outlay(tx, chance.choice(known), now=NOON)
    except Failure:
        pass


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_sequence_the_sums_are_the_outlays(db: Database, seed: int) -> None:
    currency = ["EUR", "JPY", "BHD"][seed]
    site = await custom_ads.site(db, currency=currency)
    camps = [await custom_ads.campaign(db, site, slug) for slug in "abc"]
    chance = random.Random(seed)
    known: list[int] = []
    for _ in range(40):
        await step(db, site.scope, chance, camps, known, digits_of(currency))
        await assert_true(db, site.scope)
    assert len(known) > 10


async def test_after_many_at_once_too(db: Database) -> None:
    site = await custom_ads.site(db)
    camps = [await custom_ads.campaign(db, site, slug) for slug in "abc"]
    known = [await custom_ads.outlay(db, site.scope, camps[n % 3]) for n in range(4)]

    async def one(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(12):
            await step(db, site.scope, chance, camps, known)

    await asyncio.gather(*(one(seed) for seed in range(8)))
    await assert_true(db, site.scope)


async def test_booking_without_holding_the_outlay_would_not_add_up(db: Database) -> None:
    """The naive way, two at once: each takes away what it saw and books its own. The lock is what prevents it."""
    site = await custom_ads.site(db)
    made = await custom_ads.outlay(db, site.scope, await custom_ads.campaign(db, site))
    both_read = asyncio.Barrier(2)

    async def naive(amount: Decimal) -> None:
        async with db.transaction(site.scope) as tx:
            seen = await tx.fetchval("SELECT amount FROM outlay WHERE id = $1", made)
            await both_read.wait()
            await tx.execute("UPDATE outlay SET amount = $2 WHERE id = $1", made, amount)
            await tx.execute(
                "UPDATE campaign_metric SET spend = spend + $1 WHERE day = $2", amount - seen, START.date()
            )

    async with db.transaction(site.scope) as tx:
        before = await tx.fetchval("SELECT sum(spend) FROM campaign_metric")
    await asyncio.gather(naive(Decimal(200)), naive(Decimal(300)))
    async with db.transaction(site.scope) as tx:
        kept = await tx.fetchval("SELECT amount FROM outlay WHERE id = $1", made)
        assert await tx.fetchval("SELECT sum(spend) FROM campaign_metric") - before != kept - 100
