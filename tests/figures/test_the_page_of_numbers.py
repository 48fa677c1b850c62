"""The examples of docs/numbers.md, done as they are told there."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.db.database import Database
from app.domain.exchange.operations import Rate, upsert_rates
from app.tables.groups import AttributionModel as Model
from tests.figures.histories import NOW, Laid, Messages, Ordered, Report, Telling, Visited, World, world
from tests.figures.test_reconciling import Clocked, answer, choose, clocked, number, settled
from tests.given import campaigns, custom_ads

__all__ = ["clocked"]
DAY = date(2025, 4, 1)
NEW_YORK = ZoneInfo("America/New_York")
AT = datetime(2025, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
async def made(db: Database) -> AsyncIterator[World]:
    given = await world(db)
    yield given
    await given.close()


async def campaign(made: World, *channels: str) -> int:
    """A further one, in euros and in Paris; its place."""
    integration, _ = await custom_ads.integration(made.db, made.scope, made.sites[0].project_id)
    ident = await campaigns.campaign(
        made.db,
        made.scope,
        name="Further",
        channels=list(channels),
        integration_id=integration,
        slug="more",
        now=NOW,
    )
    made.campaigns.append(ident)
    return len(made.campaigns) - 1


def order(reference: str, amount: str, place: int | None, *, at: datetime = AT, store: int = 0) -> Ordered:
    return Ordered(reference, 1, 0, at, Decimal(amount), "EUR", store, place)


def report(place: int, channel: str, **numbers: str) -> Report:
    return Report(place, DAY, channel, channel, {name: Decimal(said) for name, said in numbers.items()})


async def metrics(clocked: Clocked, made: World, place: int, fields: str) -> Any:
    query = f"query($id: ID!) {{ campaign(id: $id) {{ metrics {{ {fields} }} }} }}"
    data = await answer(clocked, made.scope, query, id=f"camp_{made.campaigns[place]}")
    return data["campaign"]["metrics"]


@pytest.mark.parametrize("order_first", [True, False])
async def test_facts_by_source(clocked: Clocked, made: World, order_first: bool) -> None:
    place = await campaign(made, "google_ads")
    told: list[Telling] = [
        order("o", "50.00", place),
        report(place, "google_ads", conversions="10", revenue="500.00"),
    ]
    await made.tell(told if order_first else told[::-1])
    figures = "conversions revenue { amount }"
    fields = f"{figures} reported {{ {figures} }} measured {{ {figures} }}"
    fifty = {"amount": "50.00"}
    assert await metrics(clocked, made, place, fields) == {
        "conversions": "10", "revenue": fifty,
        "reported": {"conversions": "10", "revenue": {"amount": "500.00"}},
        "measured": {"conversions": "1", "revenue": fifty},
    }  # fmt: skip
    await made.tell([report(place, "google_ads", conversions="11")])
    found = await metrics(clocked, made, place, fields)
    assert (found["reported"]["conversions"], found["measured"]["conversions"]) == ("11", "1")


async def test_the_headline(clocked: Clocked, made: World) -> None:
    place = await campaign(made, "google_ads")
    start = datetime(2025, 3, 31, 22, tzinfo=UTC)
    await made.tell(
        [
            report(place, "google_ads", clicks="5588", conversions="247", spend="1200.00"),
            *(order(f"o{n}", "40.00", place) for n in range(3)),
            Laid(1, place, Decimal("100.00"), start, start + timedelta(days=1)),
        ]
    )
    assert await metrics(clocked, made, place, "clicks conversions spend { amount } revenue { amount }") == {
        "clicks": 5588, "conversions": "247", "spend": {"amount": "1300.00"}, "revenue": {"amount": "120.00"},
    }  # fmt: skip


async def test_people(clocked: Clocked, made: World) -> None:
    monday = datetime(2025, 3, 31, 9, tzinfo=UTC)
    things = [
        ("delivered", 0, False), ("opened", 1, False), ("opened", 2, False), ("opened", 24, False),
        ("clicked", 24, False), ("clicked", 25, False), ("opened", 3, True),
    ]  # fmt: skip
    mail = [(0, "email", "ada", what, monday + timedelta(hours=h), machine) for what, h, machine in things]
    await made.tell([Messages(tuple(mail))])
    fields = "sent delivered opened clicked opens clicks machineOpens openRate clickRate"
    data = await answer(clocked, made.scope, f"{{ figures(interval: DAY) {{ period {fields} }} }}")
    assert data["figures"] == [
        {
            "period": "2025-03-31", "sent": 1, "delivered": 1, "opened": 1, "clicked": 1, "opens": 2, "clicks": 0,
            "machineOpens": 1, "openRate": 100, "clickRate": 100,
        },
        {
            "period": "2025-04-01", "sent": 0, "delivered": 0, "opened": 0, "clicked": 0, "opens": 1, "clicks": 2,
            "machineOpens": 0, "openRate": None, "clickRate": None,
        },
    ]  # fmt: skip


async def test_rates(clocked: Clocked, made: World) -> None:
    place = await campaign(made, "google_ads", "email")
    await made.tell(
        [
            report(place, "google_ads", impressions="1000", clicks="50", conversions="5", spend="20.00"),
            report(place, "email", delivered="100", opened="40", clicked="10", clicks="12"),
        ]
    )
    found = await metrics(
        clocked, made, place, "clickThroughRate conversionRate openRate clickRate costPerClick roas"
    )
    assert {name: found[name] and Decimal(str(float(found[name]))) for name in found} == {
        "clickThroughRate": Decimal("5.0"), "conversionRate": Decimal("8.06"), "openRate": Decimal("40.0"),
        "clickRate": Decimal("10.0"), "costPerClick": Decimal("0.3226"), "roas": 0,
    }  # fmt: skip


async def test_rates_of_sales_in_another_currency(clocked: Clocked, made: World) -> None:
    await made.tell(
        [
            report(0, "email", delivered="100"),
            *(Ordered(f"o{n}", 1, 0, AT, Decimal(9), "USD" if n else "EUR", 0, 0) for n in range(5)),
        ]
    )
    found = await metrics(clocked, made, 0, "conversions reachedConversionRate revenue { amount }")
    assert found == {"conversions": "5", "reachedConversionRate": 5, "revenue": {"amount": "9.00"}}


async def test_days(clocked: Clocked, made: World) -> None:
    first = datetime(2025, 4, 1, tzinfo=NEW_YORK)
    await made.tell(
        [
            Laid(1, 4, Decimal("50.00"), first, first + timedelta(days=1)),
            Visited("v", 1, 0, first + timedelta(hours=20), 4, ""),
            order("o", "200.00", 4, at=first + timedelta(hours=21), store=1),
        ]
    )
    for model in (Model.CARRIED, Model.LAST_TOUCH):
        await choose(made, model)
        await settled(made)
        data = await answer(
            clocked, made.scope,
            '{ figures(interval: DAY) { period spend { amount } revenue { amount } roas }'
            ' attribution(by: CAMPAIGN, since: "2025-04-01", until: "2025-04-01")'
            " { cost { amount } revenue { amount } roas } }",
        )  # fmt: skip
        money = {"revenue": {"amount": "200.00"}, "roas": 4}
        assert data == {
            "figures": [{"period": "2025-04-01", "spend": {"amount": "50.00"}, **money}],
            "attribution": [{"cost": {"amount": "50.00"}, **money}],
        }


async def test_sales_and_revenue(clocked: Clocked, made: World) -> None:
    # A is the first campaign, B the fourth.
    visits = [
        Visited(f"v{n}", 0, 0, AT - timedelta(hours=9 - n), place, "") for n, place in enumerate([0, 3, 0])
    ]
    await made.tell([*visits, order("o", "100.00", None)])
    shared = {
        Model.LINEAR: ("66.67", "33.33"),
        Model.POSITION_BASED: ("80.00", "20.00"),
        Model.LAST_TOUCH: ("100.00", None),
    }
    query = "{ %s { campaign { id } revenue { amount } } }"
    for model, (a, b) in shared.items():
        await choose(made, model)
        await settled(made)
        for asked, rows in (
            (f"attribution(by: CAMPAIGN, model: {model.name})", "attribution"),
            ("figures(by: [CAMPAIGN])", "figures"),
        ):
            data = await answer(clocked, made.scope, query % asked)
            found = {number(row["campaign"]): row["revenue"]["amount"] for row in data[rows]}
            found = {place: amount for place, amount in found.items() if amount != "0.00"}
            assert found == {
                made.campaigns[place]: amount for place, amount in ((0, a), (3, b)) if amount
            }, (model, asked)  # fmt: skip


async def test_money_in_several_currencies(clocked: Clocked, made: World) -> None:
    async with made.db.transaction(made.scope) as tx:
        await upsert_rates(
            tx,
            [
                Rate(from_currency="EUR", to_currency="USD", day=date(2025, 3, 7), rate=Decimal("1.10")),
                Rate(from_currency="USD", to_currency="EUR", day=date(2025, 3, 8), rate=Decimal("0.80")),
            ],
            now=NOW,
        )
    on_the_9th = datetime(2025, 3, 9, 12, tzinfo=UTC)
    await made.tell(
        [order("o", "10.00", 0, at=on_the_9th), Ordered("p", 1, 0, on_the_9th, Decimal(700), "JPY", 0, 0)]
    )
    data = await answer(
        clocked, made.scope,
        '{ figures(currency: "USD") { ...Money }'
        ' attribution(by: CAMPAIGN, currency: "USD")'
        " { revenue { amount currency } unconverted { currency revenue { amount } } } }"
        " fragment Money on MetricFigures { revenue { amount currency } unconverted { currency revenue { amount } } }",
    )  # fmt: skip
    row = {
        "revenue": {"amount": "12.50", "currency": "USD"},
        "unconverted": [{"currency": "JPY", "revenue": {"amount": "700"}}],
    }
    assert data == {"figures": [row], "attribution": [row]}
