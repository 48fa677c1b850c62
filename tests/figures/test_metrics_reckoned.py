"""Random questions about random metrics have the answers of a reckoning in plain Python."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from app.db.database import Database
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import record_metrics
from app.tables.exchange_rates import ExchangeRate
from app.values.scope import Scope
from tests.figures.given import Asked, Row, answers, random_question, reckoned, rounded
from tests.given import campaigns as given
from tests.given.asking import NOW, Asker
from tests.given.groups import group, store
from tests.given.inserting import insert

DIMENSIONS = ("CHANNEL", "STORE", "CAMPAIGN", "SEGMENT")
FIRST, DAYS = date(2024, 1, 20), 540
COUNTS = ("impressions", "clicks")
RATES = {
    "USD": [
        (date(2024, 3, 1), Decimal("0.9")),
        (date(2024, 9, 1), Decimal("0.85")),
        (date(2025, 1, 1), Decimal("0.8")),
    ]
}
"""Into EUR; the second is told the other way round, and the newest of both directions holds."""


class World(NamedTuple):
    """A group and its rows."""

    scope: Scope
    rows: list[Row]
    stores: list[int]
    campaigns: list[int]


@pytest.fixture(scope="module")
async def world(db: Database) -> World:
    rng = random.Random(7)
    made = await group(db, time_zone="Europe/Paris")
    scope = made.scope
    stores = [made.store_id, (await store(db, made.group_id, time_zone="Pacific/Auckland")).store_id]
    segments = [await given.segment(db, made.group_id, name=f"S{n}") for n in range(2)]
    kinds = [
        (stores[0], "EUR", segments[0]), (stores[1], "EUR", segments[1]),
        (stores[1], "USD", None), (stores[0], "JPY", None),
    ]  # fmt: skip
    rows: list[Row] = []
    entries = []
    ids = []
    for store_id, currency, segment_id in kinds:
        campaign = await given.campaign(
            db, scope, store_id=store_id, draft=True, now=datetime(2024, 1, 1, tzinfo=UTC)
        )
        ids.append(campaign)
        async with db.transaction(scope) as tx:
            await tx.execute(
                "UPDATE campaign SET currency = $3, segment_id = $4"
                " WHERE group_id = $1 AND id = $2",
                made.group_id, campaign, currency, segment_id,
            )  # fmt: skip
        zone = ZoneInfo("Europe/Paris" if store_id == stores[0] else "Pacific/Auckland")
        today = NOW.astimezone(zone).date()
        for day in {FIRST + timedelta(days=rng.randrange(DAYS)) for _ in range(70)} | {
            today,
            today + timedelta(days=1),
        }:
            for channel in rng.sample(["email", "sms", "ads"], 2):
                numbers: dict[str, Any] = {name: rng.randrange(50) for name in COUNTS}
                spend = Decimal(rng.randrange(1, 9_000)) / (1 if currency == "JPY" else 100)
                entries.append(
                    MetricEntry(campaign_id=campaign, day=day, channel=channel, spend=spend, **numbers)
                )
                rows.append(
                    {
                        "day": day, "CHANNEL": channel, "STORE": store_id, "CAMPAIGN": campaign,
                        "SEGMENT": segment_id, "currency": currency, **numbers,
                        "spend": spend if day <= today else Decimal(0),
                        "planned": Decimal(0) if day <= today else spend,
                    }
                )  # fmt: skip
    async with db.transaction(scope) as tx:
        await record_metrics(tx, entries, mode=Mode.SET, now=datetime(2030, 1, 1, tzinfo=UTC))
        rate: dict[str, Any] = {"group_id": made.group_id}
        await insert(
            tx,
            ExchangeRate(
                **rate, from_currency="USD", to_currency="EUR", day=date(2024, 3, 1), rate=Decimal("0.9")
            ),
            ExchangeRate(
                **rate, from_currency="EUR", to_currency="USD", day=date(2024, 8, 1), rate=Decimal("2")
            ),
            ExchangeRate(
                **rate, from_currency="USD", to_currency="EUR", day=date(2024, 9, 1), rate=Decimal("0.85")
            ),
            ExchangeRate(
                **rate, from_currency="EUR", to_currency="USD", day=date(2025, 1, 1), rate=Decimal("1.25")
            ),
        )
    return World(scope, rows, stores, ids)


def total(rows: Sequence[Row]) -> dict[str, Any]:
    sums: dict[str, Any] = {name: sum(row[name] for row in rows) for name in COUNTS}
    for name in ("spend", "planned"):
        sums[name] = rounded(sum((row[name] for row in rows if row[name] is not None), Decimal(0)))
    return sums


RATES_TRUE = {"USD": [*RATES["USD"][:1], (date(2024, 8, 1), Decimal("0.5")), *RATES["USD"][1:]]}
FIELDS = "impressions clicks spend { amount } plannedSpend { amount } clickThroughRate costPerClick"
QUERY = (
    "{ %s(%s) { period channel store { id } campaign { id } segment { id } currency %s previous { %s }"
    " change { impressions spend } unconverted { currency spend { amount } plannedSpend { amount } } } }"
)


def shown(row: Row | None) -> Row | None:
    if row is None:
        return None
    return {
        "impressions": row["impressions"], "clicks": row["clicks"], "spend": Decimal(row["spend"]["amount"]),
        "planned": Decimal(row["plannedSpend"]["amount"]),
    }  # fmt: skip


def as_reckoned(row: Row, asked: Asked) -> Row:
    keys = {
        "CHANNEL": row["channel"],
        **{
            name: int(row[field]["id"].rpartition("_")[2]) if row[field] else None
            for name, field in (("STORE", "store"), ("CAMPAIGN", "campaign"), ("SEGMENT", "segment"))
        },
    }
    return {
        "period": row["period"] and date.fromisoformat(row["period"]),
        **{name: keys[name] for name in asked.by},
        "currency": row["currency"], "now": shown(row), "before": shown(row["previous"]),
        "left": {
            one["currency"]: {
                "spend": Decimal(one["spend"]["amount"]), "planned": Decimal(one["plannedSpend"]["amount"])
            }
            for one in row["unconverted"]
        },
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
async def test_any_question_has_the_reckoned_answer(asker: Asker, world: World, seed: int) -> None:
    asked = random_question(random.Random(seed), DIMENSIONS, FIRST, DAYS)
    if asked.fill and asked.unit == "DAY":
        asked = Asked(**{**asked.__dict__, "unit": "WEEK"})
    query = QUERY % ("figures", asked.text.strip("()") or "first: 10000", FIELDS, FIELDS)
    data = await answers(asker, world.scope, query)
    expected = reckoned(world.rows, asked, total, money=("spend", "planned"), rates=RATES_TRUE)
    assert [as_reckoned(row, asked) for row in data["figures"]] == expected, asked.text
    for row, right in zip(data["figures"], expected, strict=True):
        if right["before"] is not None:
            for name in ("impressions", "spend"):
                now, before = Decimal(right["now"][name]), Decimal(right["before"][name])
                change = (
                    None
                    if not before
                    else (100 * (now - before) / before).quantize(Decimal("0.01"), "ROUND_HALF_UP")
                )
                assert row["change"][name] == change


@pytest.mark.parametrize("by", [*DIMENSIONS, "PROJECT", "PARTNER"])
async def test_a_breakdown_adds_up_to_the_whole(asker: Asker, world: World, by: str) -> None:
    fields = "currency clicks spend { amount } plannedSpend { amount }"
    data = await answers(
        asker, world.scope,
        f"{{ all: figures {{ {fields} }} parts: figures(by: [{by}], interval: MONTH) {{ {fields} }} }}",
    )  # fmt: skip
    for whole in data["all"]:
        parts = [part for part in data["parts"] if part["currency"] == whole["currency"]]
        assert sum(part["clicks"] for part in parts) == whole["clicks"]
        for name in ("spend", "plannedSpend"):
            assert sum(Decimal(part[name]["amount"]) for part in parts) == Decimal(whole[name]["amount"])


async def test_the_first_few_by_a_figure(asker: Asker, world: World) -> None:
    data = await answers(
        asker, world.scope,
        "{ figures(by: [CAMPAIGN], orderBy: [{field: SPEND, direction: DESC}], first: 2) {"
        " campaign { id name } spend { amount currency } } }",
    )  # fmt: skip
    spent = {
        campaign: sum(row["spend"] for row in world.rows if row["CAMPAIGN"] == campaign)
        for campaign in world.campaigns
    }
    top = sorted(spent, key=lambda campaign: -spent[campaign])[:2]
    assert [row["campaign"]["id"] for row in data["figures"]] == [f"camp_{ident}" for ident in top]
    assert [Decimal(row["spend"]["amount"]) for row in data["figures"]] == [spent[ident] for ident in top]


async def test_every_owner_has_its_part(asker: Asker, world: World) -> None:
    data = await answers(
        asker, world.scope,
        "{ stores { nodes { id figures { currency clicks } } }"
        " campaigns { nodes { id figures { currency clicks } metrics { clicks } } }"
        " segments { nodes { id figures { clicks } } }"
        " group { figures { currency clicks } } figures { currency clicks } }",
    )  # fmt: skip
    for node in data["stores"]["nodes"]:
        mine = [row for row in world.rows if f"store_{row['STORE']}" == node["id"]]
        for row in node["figures"]:
            assert row["clicks"] == sum(one["clicks"] for one in mine if one["currency"] == row["currency"])
    for node in data["campaigns"]["nodes"]:
        clicks = sum(row["clicks"] for row in world.rows if f"camp_{row['CAMPAIGN']}" == node["id"])
        assert [row["clicks"] for row in node["figures"]] == [clicks]
        assert node["metrics"]["clicks"] == clicks
    for node in data["segments"]["nodes"]:
        clicks = sum(row["clicks"] for row in world.rows if f"seg_{row['SEGMENT']}" == node["id"])
        assert sum(row["clicks"] for row in node["figures"]) == clicks
    assert data["group"]["figures"] == data["figures"]
