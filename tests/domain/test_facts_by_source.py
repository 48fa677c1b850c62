"""Facts by source: in whatever order they come, the headline is the same, and is what the rule says of the facts."""

import asyncio
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.headline import KEPT, Fact, headline
from app.domain.metrics.operations import (
    Measured,
    SpendLine,
    count_measured,
    rebook_spend,
    record_metrics,
)
from app.domain.metrics.recipients import Reached, count_recipients
from app.errors import Several
from app.tables.metrics import FIGURES, Source
from app.values.instants import zone_of
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

NOW = given.NOON
DAY = date(2025, 6, 1)
PARIS = zone_of("Europe/Paris")


async def figures(db: Database, scope: Scope) -> list[dict[str, Any]]:
    async with db.transaction(scope) as tx:
        rows = await tx.fetch(
            f"SELECT day, channel, currency, {', '.join(KEPT)} FROM campaign_metric ORDER BY 1, 2, 3"
        )
        return [dict(row) for row in rows]


async def one(db: Database, scope: Scope) -> dict[str, Any]:
    (row,) = await figures(db, scope)
    return row


async def report(db: Database, scope: Scope, camp: int, mode: Mode = Mode.SET, **said: Any) -> None:
    async with db.transaction(scope) as tx:
        entry = MetricEntry(**{"campaign_id": camp, "day": DAY, "channel": "google_ads", **said})
        await record_metrics(tx, [entry], mode=mode, now=NOW)


async def ordered(db: Database, scope: Scope, camp: int, amount: int, count: int = 1, **more: Any) -> None:
    async with db.transaction(scope) as tx:
        move = Measured(
            **{
                "campaign_id": camp, "day": DAY, "channel": "google_ads",
                "numbers": {"conversions": count, "revenue": Decimal(amount)}, **more,
            }
        )  # fmt: skip
        await count_measured(tx, [move], source=Source.ORDERS, now=NOW)


async def reached(db: Database, scope: Scope, camp: int, *things: Reached) -> None:
    async with db.transaction(scope) as tx:
        await tx.fetch("SELECT 1 FROM campaign WHERE id = $1 FOR NO KEY UPDATE", camp)
        await count_recipients(tx, things, {camp: PARIS}, now=NOW)


def thing(camp: int, what: Any, who: str = "a@b.fr", hour: float = 0, **more: Any) -> Reached:
    at = datetime(2025, 6, 1, 8, tzinfo=PARIS) + timedelta(hours=hour)
    return Reached(campaign_id=camp, channel="email", recipient=who, what=what, at=at, **more)


async def test_several_platforms_report_a_day_in_one_call(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    entries = [
        MetricEntry(campaign_id=camp, day=DAY, channel="google_ads", source=source, clicks=clicks)
        for source, clicks in (("analytics", 7), (None, 5))
    ]
    async with db.transaction(scope) as tx:
        assert (await record_metrics(tx, entries, now=NOW)).entries == 2
    assert (await one(db, scope))["clicks"] == 5


async def test_what_is_reported_and_what_we_saw_never_mix(db: Database) -> None:
    scope = (await groups.group(db)).scope
    shown = []
    for order in ([0, 1], [1, 0], [1, 0, 1]):
        camp = await given.campaign(db, scope)
        for step in order:
            if step == 0:
                await ordered(db, scope, camp, 50)
            else:
                await report(db, scope, camp, conversions=Decimal(10), revenue=Decimal(500))
        async with db.transaction(scope) as tx:
            row = await tx.fetchrow(
                "SELECT conversions, revenue FROM campaign_metric WHERE campaign_id = $1", camp
            )
            facts = await tx.fetch(
                "SELECT source, conversions, revenue FROM metric_fact WHERE campaign_id = $1 ORDER BY source",
                camp,
            )
        assert row is not None
        shown.append((tuple(row), [tuple(fact) for fact in facts]))
    assert shown[0] == shown[1] == shown[2]
    assert shown[0] == ((10, 50), [("orders", 1, 50), ("reported:google_ads", 10, 500)])


async def test_fractions_and_what_a_platform_takes_back(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await report(db, scope, camp, conversions=Decimal("2.5"))
    await report(db, scope, camp, Mode.ADD, conversions=Decimal("-0.75"), clicks=-3)
    row = await one(db, scope)
    assert (row["conversions"], row["clicks"]) == (Decimal("1.75"), -3)
    with pytest.raises(Several) as refused:
        await report(db, scope, camp, clicks=-1)
    assert "mode ADD" in str(refused.value.failures[0])


async def test_a_person_counts_once_however_often(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await reached(
        db, scope, camp, thing(camp, "delivered"), *(thing(camp, "opened", hour=n) for n in (1, 2, 3)),
        thing(camp, "clicked", hour=1), thing(camp, "clicked", hour=2), thing(camp, "opened", hour=0, by_machine=True),
    )  # fmt: skip
    row = await one(db, scope)
    expected = {
        "sent": 1, "delivered": 1, "opened": 1, "clicked": 1, "opens": 3, "clicks": 2, "machine_opens": 1,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


async def test_a_person_is_of_the_day_of_its_message_and_what_is_told_late_moves_it(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await reached(db, scope, camp, thing(camp, "opened", hour=24))
    assert [(r["day"].day, r["delivered"], r["opened"]) for r in await figures(db, scope)] == [(2, 1, 1)]
    await reached(db, scope, camp, thing(camp, "delivered", hour=0))
    assert [(r["day"].day, r["sent"], r["delivered"], r["opened"]) for r in await figures(db, scope)] == [
        (1, 1, 1, 1), (2, 0, 0, 0),
    ]  # fmt: skip
    await reached(db, scope, camp, thing(camp, "tried", "bounced@b.fr"))
    assert [(r["sent"], r["delivered"]) for r in await figures(db, scope)] == [(2, 1), (0, 0)]


async def test_engagement_alone_does_not_hide_what_was_reported_as_delivered(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await reached(db, scope, camp, thing(camp, "opened"))
    await report(db, scope, camp, channel="email", sent=120, delivered=100, opened=70)
    row = await one(db, scope)
    assert (row["sent"], row["delivered"], row["opened"]) == (120, 100, 1)
    # Nor does a machine's: no provider told that anything was delivered.
    await reached(db, scope, camp, thing(camp, "opened", "e@f.fr", by_machine=True))
    row = await one(db, scope)
    assert (row["delivered"], row["opened"], row["machine_opens"]) == (100, 1, 1)
    await reached(db, scope, camp, thing(camp, "delivered", "c@d.fr"))
    row = await one(db, scope)
    assert (row["sent"], row["delivered"], row["opened"]) == (120, 3, 1)


async def test_what_was_counted_before_comes_on_top(db: Database) -> None:
    """A report that tells deliveries alone was sent to as many; those of before come on top of them."""
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    async with db.transaction(scope) as tx:
        before = Measured(
            campaign_id=camp, day=DAY, channel="email", numbers={"sent": 50, "delivered": 40, "opened": 9}
        )
        await count_measured(tx, [before], source=Source.OPENING, now=NOW)
    await report(db, scope, camp, channel="email", delivered=10, opened=12)
    row = await one(db, scope)
    assert (row["sent"], row["delivered"], row["opened"]) == (60, 50, 19)


async def test_people_are_all_those_we_saw_where_we_saw_deliveries(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await report(db, scope, camp, channel="email", delivered=90, opened=50, clicked=20, unsubscribed=3)
    await reached(db, scope, camp, thing(camp, "delivered"))
    row = await one(db, scope)
    assert [row[n] for n in ("delivered", "opened", "clicked", "unsubscribed")] == [1, 0, 0, 0]


async def test_what_is_taken_back_of_deliveries_takes_nothing_else_back(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await report(db, scope, camp, Mode.ADD, channel="email", delivered=-4)
    row = await one(db, scope)
    assert [row[n] for n in ("delivered", "opened", "clicked", "unsubscribed")] == [-4, 0, 0, 0]


async def test_a_report_in_one_currency_is_not_counted_again_in_another(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    await ordered(db, scope, camp, 30, currency="USD")
    await ordered(db, scope, camp, 50)
    await report(db, scope, camp, conversions=Decimal(7))
    assert [(r["currency"], r["conversions"], r["revenue"]) for r in await figures(db, scope)] == [
        ("EUR", 7, 50), ("USD", 0, 30),
    ]  # fmt: skip


def test_of_two_reports_the_channels_own_platform_is_believed() -> None:
    def said(source: str, clicks: int) -> Fact:
        return Fact(source=f"reported:{source}", currency="EUR", said={"clicks": Decimal(clicks)})

    assert headline([said("agency", 1), said("google_ads", 2)], "google_ads")["EUR"]["clicks"] == 2
    assert headline([said("zeta", 1), said("agency", 2)], "google_ads")["EUR"]["clicks"] == 2


Step = tuple[str, dict[str, Any]]


def steps(dice: random.Random, camp: int) -> list[Step]:
    """What may come in, in any order: reports, orders and what is taken back, messages, outlays."""
    out: list[Step] = []
    for platform in dice.sample(["google_ads", "agency", "email"], dice.randrange(4)):
        said = {n: dice.randrange(50) for n in dice.sample(FIGURES, dice.randrange(1, 8))}
        decimals = {
            n: Decimal(v) / 4 if n in ("conversions", "spend", "revenue") else v for n, v in said.items()
        }
        channel = dice.choice(["google_ads", "email"])
        out.append(
            ("report", {"campaign_id": camp, "day": DAY, "channel": channel, "source": platform, **decimals})
        )
        if dice.random() < 0.5:
            taken = {n: -v if v else v for n, v in decimals.items()}
            out.append(
                ("add", {"campaign_id": camp, "day": DAY, "channel": channel, "source": platform, **taken})
            )
    for _ in range(dice.randrange(4)):
        sign = dice.choice([1, 1, -1])
        numbers = {"conversions": sign, "revenue": Decimal(sign * dice.randrange(900)) / 100}
        out.append(
            ("ordered", {"campaign_id": camp, "day": DAY, "channel": dice.choice(["google_ads", "email"]),
                         "currency": dice.choice(["EUR", "EUR", "USD"]), "numbers": numbers})
        )  # fmt: skip
    for _ in range(dice.randrange(9)):
        what = dice.choice(["tried", "delivered", "opened", "opened", "clicked", "unsubscribed"])
        out.append(("reached", {"what": what, "who": dice.choice("abc"), "hour": dice.randrange(-30, 50),
                                "by_machine": what == "opened" and dice.random() < 0.3}))  # fmt: skip
    if dice.random() < 0.5:
        out.append(
            ("outlay", {"amount": Decimal(dice.randrange(1, 9999)) / 100, "stem": str(dice.randrange(9))})
        )
    return out


async def happen(db: Database, scope: Scope, camp: int, happened: Sequence[Step]) -> None:
    for kind, told in happened:
        if kind == "reached":
            await reached(
                db,
                scope,
                camp,
                thing(camp, told["what"], told["who"], told["hour"], by_machine=told["by_machine"]),
            )
            continue
        async with db.transaction(scope) as tx:
            if kind == "ordered":
                await count_measured(tx, [Measured(**told)], source=Source.ORDERS, now=NOW)
            elif kind == "outlay":
                stem = f"{camp}-{told['stem']}"
                line = SpendLine(camp, DAY, "google_ads", f"{stem}:1", told["amount"])
                await rebook_spend(tx, [line], source="outlay", stem=stem, now=NOW)
            else:
                mode = Mode.SET if kind == "report" else Mode.ADD
                await record_metrics(tx, [MetricEntry(**told)], mode=mode, now=NOW)


async def test_any_order_gives_the_same_and_it_is_what_the_rule_says(db: Database) -> None:
    group = await groups.group(db)
    dice = random.Random(12)
    for _ in range(40):
        first = await given.campaign(db, group.scope)
        second = await given.campaign(db, group.scope)
        happened = steps(dice, first)
        # A platform's reports of its own keep their order; all else is shuffled.
        await happen(db, group.scope, first, happened)
        moved = [(k, {**t, "campaign_id": second} if "campaign_id" in t else t) for k, t in happened]
        told = [step for step in moved if step[0] in ("report", "add")]
        rest = [step for step in moved if step[0] not in ("report", "add")]
        dice.shuffle(rest)
        for step in told:
            rest.insert(dice.randrange(len(rest) + 1) if step[0] == "report" else len(rest), step)
        await happen(db, group.scope, second, rest)
        async with db.transaction(group.scope) as tx:
            columns = f"day, channel, currency, {', '.join(KEPT)}"
            shown = [
                [
                    dict(row)
                    for row in await tx.fetch(
                        f"SELECT {columns} FROM campaign_metric WHERE campaign_id = $1 ORDER BY 1, 2, 3", camp
                    )
                ]
                for camp in (first, second)
            ]
            facts = await tx.fetch("SELECT * FROM metric_fact WHERE campaign_id = $1", first)
        nothing = {name: 0 for name in KEPT}
        there = [
            {
                (r["day"], r["channel"], r["currency"]): {n: r[n] for n in KEPT}
                for r in rows
                if {n: r[n] for n in KEPT} != nothing
            }
            for rows in shown
        ]
        assert there[0] == there[1], happened
        keys = {(fact["day"], fact["channel"]) for fact in facts}
        expected = {
            (day, channel, currency): numbers
            for day, channel in keys
            for currency, numbers in headline(
                [_fact(f) for f in facts if (f["day"], f["channel"]) == (day, channel)], channel
            ).items()
        }
        assert {
            (r["day"], r["channel"], r["currency"]): {n: r[n] for n in KEPT} for r in shown[0]
        } == expected
        for numbers in expected.values():
            assert numbers["sent"] >= numbers["delivered"]
            assert numbers["delivered"] >= max(numbers[n] for n in ("opened", "clicked", "unsubscribed"))


def _fact(row: Any) -> Fact:
    said = {n: Decimal(row[n]) for n in FIGURES if row[n] is not None}
    return Fact(source=row["source"], currency=row["currency"], said=said, implied=row["implied"])


async def test_many_who_count_the_same_people_at_once_count_them_once(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope)
    kinds = ["delivered", "opened", "clicked"]
    await asyncio.gather(
        *(
            reached(
                db, scope, camp, *(thing(camp, kinds[(n + m) % 3], f"{m}@x.fr", n % 30) for m in range(5))
            )
            for n in range(20)
        )
    )
    row = await figures(db, scope)
    assert {n: sum(r[n] for r in row) for n in ("delivered", "opened", "clicked")} == {
        "delivered": 5, "opened": 5, "clicked": 5,
    }  # fmt: skip
