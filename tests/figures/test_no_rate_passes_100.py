"""Whatever sources say of people, no rate of them passes 100, and nobody opens what did not arrive."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app.db.database import Database
from app.domain.metrics.headline import Fact, headline
from app.domain.metrics.opening import bring_in_totals
from app.tables.metrics import REPORTED, Source
from tests.figures.histories import NOW, Report, World, world
from tests.figures.test_reconciling import Clocked, answer, clocked

__all__ = ["clocked"]
CHANNELS = ("email", "google_ads")
COUNTS = (
    "impressions", "clicks", "conversions", "sent", "delivered", "opened", "clicked", "unsubscribed", "opens",
)  # fmt: skip
ZERO = Decimal(0)
PAIRS = {
    "shown_clicks": "impressions", "clicked_conversions": "clicks", "reached_conversions": "delivered",
    "opened": "delivered", "clicked": "delivered", "unsubscribed": "delivered", "delivered": "sent",
}  # fmt: skip
"""What is part of what."""


def test_in_ten_thousand_histories() -> None:
    rng = random.Random(1)
    for _ in range(10_000):
        sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for _day in range(rng.randrange(1, 4)):
            channel = rng.choice(CHANNELS)
            facts = _facts(rng)
            carried = rng.random() < 0.5
            found = headline(facts, channel, carried=carried)
            # Whichever came first.
            rng.shuffle(facts)
            assert headline(facts, channel, carried=carried) == found
            for currency, numbers in found.items():
                assert all(
                    numbers[part] <= numbers[whole] or not numbers[whole] for part, whole in PAIRS.items()
                )
                assert not any(numbers[name] and not numbers["delivered"] for name in ("opened", "clicked"))
                for name, number in numbers.items():
                    sums[currency][name] += number
        for numbers in sums.values():
            for part, whole in PAIRS.items():
                assert numbers[part] <= numbers[whole], (part, whole, numbers)


def _facts(rng: random.Random) -> list[Fact]:
    """What any sources say of a day, without a thought of one another."""
    facts = []
    for platform in rng.sample(["google_ads", "email", "adspy"], rng.randrange(3)):
        told = {name: Decimal(rng.randrange(40)) for name in rng.sample(COUNTS, rng.randrange(len(COUNTS)))}
        facts.append(Fact(source=REPORTED + platform, currency="EUR", said=told))
    for currency in rng.sample(["EUR", "USD"], rng.randrange(3)):
        said = {"conversions": Decimal(rng.randrange(1, 40)), "revenue": Decimal(9)}
        facts.append(Fact(source=Source.ORDERS, currency=currency, said=said))
    if rng.random() < 0.5:
        people = _people(rng)
        implied = rng.randrange(int(people["delivered"]) + 1)
        people["clicks"] = people["clicked"] * 2
        facts.append(Fact(source=Source.DELIVERIES, currency="EUR", said=people, implied=implied))
    if rng.random() < 0.2:
        facts.append(Fact(source=Source.OPENING, currency="EUR", said=_people(rng)))
    return facts


def _people(rng: random.Random) -> dict[str, Decimal]:
    delivered = rng.randrange(30)
    said = {name: Decimal(rng.randrange(delivered + 1)) for name in ("opened", "clicked", "unsubscribed")}
    return {"sent": Decimal(delivered + rng.randrange(5)), "delivered": Decimal(delivered), **said}


@pytest.fixture
async def made(db: Database) -> AsyncIterator[World]:
    given = await world(db)
    yield given
    await given.close()


async def test_a_day_that_holds_totals_of_another_system_has_none_either(
    clocked: Clocked, made: World
) -> None:
    monday, tuesday = date(2025, 3, 10), date(2025, 3, 11)
    await made.tell(
        [
            Report(0, monday, "email", "mailer", {"delivered": Decimal(60)}),
            Report(0, tuesday, "email", "mailer", {"delivered": Decimal(40), "opened": Decimal(10)}),
        ]
    )
    until = datetime(2025, 3, 12, tzinfo=UTC)
    async with made.db.transaction(made.scope) as tx:
        told = {"delivered": Decimal(100), "opened": Decimal(90), "clicked": Decimal(50)}
        await bring_in_totals(tx, made.campaigns[0], told, until=until, now=NOW)
    data = await answer(
        clocked, made.scope,
        "{ figures { opened openRate } days: figures(interval: DAY) { period opened openRate clickRate } }",
    )  # fmt: skip
    assert data == {
        "figures": [{"opened": 90, "openRate": 90}],
        "days": [
            {"period": "2025-03-10", "opened": 0, "openRate": 0, "clickRate": 0},
            {"period": "2025-03-11", "opened": 90, "openRate": 100, "clickRate": 100},
        ],
    }
