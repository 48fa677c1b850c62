"""Random questions about random orders, by the store's days, have the answers of a reckoning in plain Python."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from app.db.database import Database
from app.domain.orders.sums import REBUILD_SUMS
from app.tables.customers import Customer
from app.tables.orders import CustomerOrder
from app.tables.promos import Promo
from app.tables.segments import SegmentMember
from app.values.scope import Scope
from tests.figures.given import Asked, Row, answers, random_question, reckoned, rounded
from tests.given import campaigns as given
from tests.given.asking import Asker
from tests.given.groups import group, store
from tests.given.inserting import insert

DIMENSIONS = ("STORE", "CAMPAIGN", "CHANNEL", "PROMO")
FIRST, DAYS = date(2024, 1, 20), 540
ZONES = ("Europe/Paris", "America/New_York")


class World(NamedTuple):
    """A group and its orders."""

    scope: Scope
    rows: list[Row]
    segment: int
    members: set[int]


@pytest.fixture(scope="module")
async def world(db: Database) -> World:
    rng = random.Random(11)
    made = await group(db, time_zone=ZONES[0])
    scope = made.scope
    g: dict[str, Any] = {"group_id": made.group_id}
    stores = [made.store_id, (await store(db, made.group_id, time_zone=ZONES[1])).store_id]
    campaigns = [
        await given.campaign(db, scope, store_id=stores[n], draft=True, now=datetime(2024, 1, 1, tzinfo=UTC))
        for n in range(2)
    ]
    segment = await given.segment(db, made.group_id)
    async with db.transaction(scope) as tx:
        customers = await insert(tx, *(Customer(**g, name=f"C{n}", external_id=f"c{n}") for n in range(12)))
        members = set(customers[:4])
        await insert(tx, *(SegmentMember(**g, segment_id=segment, customer_id=one) for one in members))
        promos = await insert(
            tx,
            *(
                Promo(
                    **g, code=f"P{n}", code_key=f"P{n}", type="percentage", value=Decimal(5), currency="EUR"
                )
                for n in range(2)
            ),
        )
        rows: list[Row] = []
        orders = []
        for n in range(400):
            at = datetime(2024, 1, 20, tzinfo=UTC) + timedelta(minutes=rng.randrange(DAYS * 24 * 60))
            which = rng.randrange(2)
            amount = Decimal(rng.randrange(0, 30_000)) / 100
            refunded = amount / 2 if rng.random() < 0.1 else Decimal(0)
            cancelled = rng.random() < 0.1
            campaign = rng.choice([None, campaigns[which]])
            row = {
                "STORE": stores[which], "CAMPAIGN": campaign, "CHANNEL": "email" if campaign else None,
                "PROMO": rng.choice([None, *promos]), "currency": rng.choice(["EUR", "EUR", "USD"]),
            }  # fmt: skip
            whom = rng.choice(customers)
            rows.append(
                {
                    **row, "day": at.astimezone(ZoneInfo(ZONES[which])).date(), "at": at, "customer": whom,
                    "holds": not cancelled, "worth": Decimal(0) if cancelled else amount - refunded,
                    "refunded": refunded,
                }
            )  # fmt: skip
            orders.append(
                CustomerOrder(
                    **g, reference=str(n), customer_id=whom, store_id=row["STORE"], campaign_id=campaign,
                    promo_id=row["PROMO"], channel=row["CHANNEL"], amount=amount, currency=row["currency"],
                    ordered_at=at,
                    ordered_on=rows[-1]["day"], refunded=refunded, told_refunded=refunded,
                    cancelled_at=at if cancelled else None,
                )
            )  # fmt: skip
        await insert(tx, *orders)
        for statement in REBUILD_SUMS:
            await tx.execute(statement, made.group_id)
    seen: set[int] = set()
    for row in sorted(rows, key=lambda one: one["at"]):
        row["first"] = row["holds"] and row["customer"] not in seen
        seen |= {row["customer"]} if row["holds"] else set()
    return World(scope, rows, segment, members)


def total(rows: Sequence[Row]) -> dict[str, Any]:
    hold = [row for row in rows if row["holds"]]
    priced = [row["worth"] for row in hold if row["worth"] is not None]
    customers = len({row["customer"] for row in hold})
    new = sum(1 for row in rows if row["first"])
    revenue = rounded(sum(priced, Decimal(0)))
    return {
        "orders": len(hold), "cancelled": len(rows) - len(hold), "customers": customers, "new": new,
        "returning": customers - new, "revenue": revenue,
        "refunded": rounded(sum((row["refunded"] for row in rows if row["refunded"] is not None), Decimal(0))),
        "average": rounded(revenue / len(priced)) if priced else None,
        "smallest": min(priced, default=None), "largest": max(priced, default=None),
    }  # fmt: skip


FIELDS = (
    "orders cancelled customers newCustomers returningCustomers revenue { amount } refunded { amount }"
    " average { amount } smallest { amount } largest { amount }"
)
QUERY = (
    "{ orderFigures(%s) { period store { id } campaign { id } channel promo { id } currency %s previous { %s }"
    " unconverted { currency revenue { amount } refunded { amount } } } }"
)


def shown(row: Row | None) -> Row | None:
    if row is None:
        return None
    amounts = {
        name: None if row[name] is None else Decimal(row[name]["amount"])
        for name in ("revenue", "refunded", "average", "smallest", "largest")
    }
    counts = {name: row[name] for name in ("orders", "cancelled", "customers")}
    return {**counts, "new": row["newCustomers"], "returning": row["returningCustomers"], **amounts}


def as_reckoned(row: Row, asked: Asked) -> Row:
    keys: Row = {"CHANNEL": row["channel"]}
    for name, field in (("STORE", "store"), ("CAMPAIGN", "campaign"), ("PROMO", "promo")):
        keys[name] = int(row[field]["id"].rpartition("_")[2]) if row[field] else None
    return {
        "period": row["period"] and date.fromisoformat(row["period"]),
        **{name: keys[name] for name in asked.by},
        "currency": row["currency"], "now": shown(row), "before": shown(row["previous"]),
        "left": {
            one["currency"]: {
                "worth": Decimal(one["revenue"]["amount"]), "refunded": Decimal(one["refunded"]["amount"])
            }
            for one in row["unconverted"]
        },
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
async def test_any_question_has_the_reckoned_answer(asker: Asker, world: World, seed: int) -> None:
    asked = random_question(random.Random(seed), DIMENSIONS, FIRST, DAYS)
    if asked.fill and asked.unit == "DAY":
        asked = Asked(**{**asked.__dict__, "unit": "WEEK"})
    query = QUERY % (asked.text.strip("()") or "first: 10000", FIELDS, FIELDS)
    data = await answers(asker, world.scope, query)
    expected = reckoned(world.rows, asked, total, money=("worth", "refunded"), rates={})
    assert [as_reckoned(row, asked) for row in data["orderFigures"]] == expected, asked.text


async def test_an_hour_is_the_store_s(asker: Asker, world: World) -> None:
    data = await answers(
        asker,
        world.scope,
        "{ orderFigures(interval: HOUR, by: [STORE]) { period hour store { id } orders } }",
    )
    zones = {row["STORE"]: ZoneInfo(ZONES[0]) for row in world.rows}
    zones[max(zones)] = ZoneInfo(ZONES[1])
    expected: dict[tuple[str, int, str], int] = {}
    for row in world.rows:
        local = row["at"].astimezone(zones[row["STORE"]])
        key = (local.date().isoformat(), local.hour, f"store_{row['STORE']}")
        expected[key] = expected.get(key, 0) + row["holds"]
    assert {
        (row["period"], row["hour"], row["store"]["id"]): row["orders"] for row in data["orderFigures"]
    } == {key: count for key, count in expected.items() if count or True}


async def test_those_on_a_list_have_their_orders(asker: Asker, world: World) -> None:
    data = await answers(
        asker, world.scope,
        "{ segments { nodes { orderFigures(by: [STORE]) { orders } customerFigures { customers } } }"
        " orderFigures(by: [SEGMENT]) { segment { id } orders } customerFigures { customers } }",
    )  # fmt: skip
    (node,) = data["segments"]["nodes"]
    theirs = sum(row["holds"] for row in world.rows if row["customer"] in world.members)
    assert sum(row["orders"] for row in node["orderFigures"]) == theirs
    assert node["customerFigures"] == [{"customers": 4}]
    assert data["customerFigures"] == [{"customers": 12}]
    by_list = {row["segment"] and row["segment"]["id"]: 0 for row in data["orderFigures"]}
    for row in data["orderFigures"]:
        by_list[row["segment"] and row["segment"]["id"]] += row["orders"]
    assert by_list == {f"seg_{world.segment}": theirs, None: sum(row["holds"] for row in world.rows) - theirs}
