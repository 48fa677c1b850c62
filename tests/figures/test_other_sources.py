"""Uses of promos, rewards, events, touches and customers: what counts, whose days, and what is told apart."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from app.db.database import Database
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import record_metrics
from app.tables.customers import Customer
from app.tables.events import Event
from app.tables.funnels import FunnelTouch
from app.tables.promos import Promo, PromoRedemption
from app.tables.rewards import RewardEntry
from app.values.scope import Scope
from tests.figures.given import answers
from tests.given import campaigns as given
from tests.given.asking import NOW, Asker
from tests.given.groups import GivenGroup, group, store
from tests.given.inserting import insert

LATE = datetime(2025, 6, 11, 2, 30, tzinfo=UTC)
"""The 11th in Paris, 4:30; the 10th in New York, 22:30."""


@pytest.fixture(scope="module")
async def ours(db: Database) -> GivenGroup:
    return await group(db, time_zone="Europe/Paris")


@pytest.fixture(scope="module")
async def campaign(db: Database, ours: GivenGroup) -> int:
    """A campaign of a store in New York."""
    there = await store(db, ours.group_id, time_zone="America/New_York")
    return await given.campaign(db, ours.scope, store_id=there.store_id, draft=True)


@pytest.fixture(scope="module")
async def customers(db: Database, ours: GivenGroup) -> list[int]:
    spent = [Decimal("10"), Decimal("0"), Decimal("20.5")]
    async with db.transaction(ours.scope) as tx:
        return await insert(
            tx,
            *(
                Customer(
                    group_id=ours.group_id, name="C", external_id=f"c{n}", created_at=LATE - timedelta(days=7 * n),
                    total_spent=amount, order_count=1 if amount else 0, loyalty_tier=["gold", "gold", None][n],
                )
                for n, amount in enumerate(spent)
            ),
        )  # fmt: skip


async def asked(asker: Asker, scope: Scope, query: str) -> Any:
    data = await answers(asker, scope, f"{{ {query} }}")
    return next(iter(data.values()))


async def test_uses_that_were_given_back_count_apart(
    db: Database, asker: Asker, ours: GivenGroup, campaign: int, customers: list[int]
) -> None:
    g: dict[str, Any] = {"group_id": ours.group_id}
    async with db.transaction(ours.scope) as tx:
        (promo,) = await insert(
            tx,
            Promo(
                **g,
                code="P",
                code_key="P",
                type="percentage",
                value=Decimal(5),
                currency="EUR",
                campaign_id=campaign,
            ),
        )
        await insert(
            tx,
            *(
                PromoRedemption(
                    **g, promo_id=promo, customer_id=customers[0], key=str(n), basket_total=Decimal(100),
                    discount=Decimal("12.5"), currency="EUR", redeemed_at=LATE, released_at=LATE if n == 2 else None,
                )
                for n in range(3)
            ),
        )  # fmt: skip
    rows = await asked(
        asker, ours.scope,
        "redemptionFigures(by: [CAMPAIGN, PROMO], interval: DAY) { period campaign { id } promo { id } redemptions"
        " givenBack customers discount { amount } basketTotal { amount } revenue { amount } }",
    )  # fmt: skip
    assert rows == [
        {
            "period": "2025-06-11", "campaign": {"id": f"camp_{campaign}"}, "promo": {"id": f"promo_{promo}"},
            "redemptions": 2, "givenBack": 1, "customers": 1, "discount": {"amount": "25.00"},
            "basketTotal": {"amount": "200.00"}, "revenue": {"amount": "175.00"},
        }
    ]  # fmt: skip


async def test_new_customers_by_week_are_by_the_group_s_days(
    asker: Asker, ours: GivenGroup, customers: list[int]
) -> None:
    rows = await asked(
        asker, ours.scope,
        'customerFigures(interval: WEEK, since: "2025-05-26", until: "2025-06-15", fill: true)'
        " { period customers buyers spent { amount } averageSpent { amount } }",
    )  # fmt: skip
    shown = [
        (
            row["period"],
            row["customers"],
            row["buyers"],
            row["spent"]["amount"],
            row["averageSpent"]["amount"],
        )
        for row in rows
    ]
    assert shown == [
        ("2025-05-26", 1, 1, "20.50", "20.50"),
        ("2025-06-02", 1, 0, "0.00", "0.00"),
        ("2025-06-09", 1, 1, "10.00", "10.00"),
    ]
    rows = await asked(asker, ours.scope, "customerFigures(by: [TIER]) { tier customers }")
    assert rows == [{"tier": "gold", "customers": 2}, {"tier": None, "customers": 1}]


async def test_events_are_counted_by_what_they_are(
    db: Database, asker: Asker, ours: GivenGroup, campaign: int, customers: list[int]
) -> None:
    async with db.transaction(ours.scope) as tx:
        await insert(
            tx,
            *(
                Event(
                    group_id=ours.group_id, id=uuid4(), source="webhook.sendgrid", dedup_key=str(n),
                    event_type="open" if n else "click", received_at=LATE, occurred_at=LATE, channel="email",
                    campaign_id=campaign if n < 3 else None, customer_id=customers[n % 2], status="processed",
                )
                for n in range(4)
            ),
        )  # fmt: skip
    rows = await asked(
        asker, ours.scope, "eventFigures(by: [TYPE], interval: HOUR) { period hour type events customers }"
    )
    assert rows == [
        {"period": "2025-06-10", "hour": 22, "type": "click", "events": 1, "customers": 1},
        {"period": "2025-06-10", "hour": 22, "type": "open", "events": 2, "customers": 2},
        {"period": "2025-06-11", "hour": 4, "type": "open", "events": 1, "customers": 1},
    ]
    data = await answers(
        asker, ours.scope, "{ campaigns { nodes { eventFigures(by: [STATUS]) { status events } } } }"
    )
    assert data["campaigns"]["nodes"] == [{"eventFigures": [{"status": "PROCESSED", "events": 3}]}]


async def test_rewards_are_whole_numbers_and_what_was_taken_back_is_told(
    db: Database, asker: Asker, ours: GivenGroup, campaign: int, customers: list[int]
) -> None:
    partner = await given.partner(db, ours.group_id)
    async with db.transaction(ours.scope) as tx:
        await insert(
            tx,
            *(
                RewardEntry(
                    group_id=ours.group_id, campaign_id=campaign, customer_id=customers[n], partner_id=partner,
                    kind="opening", step=n, position=0, amount=amount, balance_change=amount, as_of=LATE,
                    currency="EUR", created_at=LATE, reference=f"r{n}",
                )
                for n, amount in enumerate([500, 250])
            ),
        )  # fmt: skip
    rows = await asked(
        asker, ours.scope,
        "rewardFigures(by: [PARTNER], interval: DAY)"
        " { period partner { id } amount paid reversed entries participants }",
    )  # fmt: skip
    assert rows == [
        {
            "period": "2025-06-10", "partner": {"id": f"part_{partner}"}, "amount": 750, "paid": 750, "reversed": 0,
            "entries": 2, "participants": 2,
        }
    ]  # fmt: skip


async def test_stages_are_reached_by_customers(
    db: Database, asker: Asker, ours: GivenGroup, customers: list[int]
) -> None:
    async with db.transaction(ours.scope) as tx:
        await insert(
            tx,
            *(
                FunnelTouch(
                    group_id=ours.group_id, customer_id=customers[n % 2], stage=["awareness", "intent"][n // 2],
                    occurred_at=LATE, channel="email", source="t", source_ref=str(n),
                )
                for n in range(3)
            ),
        )  # fmt: skip
    rows = await asked(
        asker, ours.scope, "touchFigures(by: [STAGE, CHANNEL]) { stage channel touches customers }"
    )
    assert rows == [
        {"stage": "AWARENESS", "channel": "email", "touches": 2, "customers": 2},
        {"stage": "INTENT", "channel": "email", "touches": 1, "customers": 1},
    ]


@pytest.mark.parametrize("first", [1, 5])
async def test_figures_that_nothing_tells_apart_are_one_row_of_as_many_as_are_asked_for(
    asker: Asker, ours: GivenGroup, campaign: int, first: int
) -> None:
    figures = f"figures(first: {first}) {{ clicks period }}"
    data = await answers(asker, ours.scope, f"{{ {figures} campaigns {{ nodes {{ {figures} }} }} }}")
    assert len(data["figures"]) <= 1
    assert data["figures"] == data["campaigns"]["nodes"][0]["figures"]


async def test_what_is_to_come_is_planned_and_not_spent(
    db: Database, asker: Asker, ours: GivenGroup, campaign: int
) -> None:
    """It is the 15th, 8:00, in New York."""
    entries = [
        MetricEntry(campaign_id=campaign, day=date(2025, 6, 14 + n), channel="ads", spend=Decimal(10 + n))
        for n in range(4)
    ]
    async with db.transaction(ours.scope) as tx:
        await record_metrics(tx, entries, mode=Mode.SET, now=NOW + timedelta(days=30))
    fields = "spend { amount } plannedSpend { amount }"
    data = await answers(
        asker, ours.scope,
        f"{{ figures {{ {fields} }} last: figures(last: \"P1D\") {{ {fields} }}"
        f" campaigns {{ nodes {{ metrics {{ {fields} }} figures(by: [CHANNEL]) {{ {fields} }} }} }} }}",
    )  # fmt: skip
    whole = {"spend": {"amount": "21.00"}, "plannedSpend": {"amount": "25.00"}}
    assert data == {
        "figures": [whole],
        "last": [{"spend": {"amount": "11.00"}, "plannedSpend": {"amount": "0.00"}}],
        "campaigns": {"nodes": [{"metrics": whole, "figures": [whole]}]},
    }
