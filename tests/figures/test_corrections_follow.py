"""What is corrected after touches were looked at: headline and attribution move with it, once."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import delete_campaign
from app.domain.groups.fields import StoreFields
from app.domain.groups.operations import update_store
from app.tables.groups import AttributionModel as Model
from app.values.scope import Scope
from tests.figures.histories import NOW, Happened, Ordered, Report, Visited, World, history, world
from tests.figures.test_reconciling import Clocked, answer, choose, clocked, settled

__all__ = ["clocked"]
VISIT = datetime(2025, 3, 29, 12, tzinfo=UTC)
MIDNIGHT = datetime(2025, 3, 30, 23, 30, tzinfo=UTC)
"""In Paris it is the 31st."""
SHOWN = """
{ figures(by: [CAMPAIGN, CHANNEL], interval: DAY) {
    campaign { name } channel period conversions revenue { amount } }
  attribution(by: CHANNEL) { channel isUnknown campaign { name } revenue { amount } }
  campaigns(first: 9) { nodes { name attribution { revenue { amount } } metrics { revenue { amount } } } } }
"""


@pytest.fixture
async def made(db: Database) -> AsyncIterator[World]:
    given = await world(db)
    yield given
    await given.close()


def order(version: int, campaign: int | None, channel: str | None = None, *, customer: int = 0) -> Ordered:
    return Ordered("o1", version, customer, MIDNIGHT, Decimal(50), "EUR", 0, campaign, channel=channel)


def visit(campaign: int, sign: str = "", *, customer: int = 0, project: int = 0) -> Visited:
    return Visited(f"v{campaign}{sign}{customer}", project, customer, VISIT, campaign, sign)


async def shown(clocked: Clocked, made: World) -> list[tuple[str, str, str, str, str]]:
    """Campaign, channel, day, conversions and revenue, which attribution agrees with."""
    await settled(made)
    data: Any = await answer(clocked, made.scope, SHOWN)
    rows = [
        (r["campaign"]["name"], r["channel"], r["period"], r["conversions"], r["revenue"]["amount"])
        for r in data["figures"]
        if r["conversions"] != "0" or r["revenue"]["amount"] != "0.00"
    ]
    channels: dict[str, Decimal] = {}
    for _, channel, _, _, amount in rows:
        channels[channel] = channels.get(channel, Decimal(0)) + Decimal(amount)
    assert {
        "unknown" if r["isUnknown"] else r["channel"]: Decimal(r["revenue"]["amount"])
        for r in data["attribution"]
        if (r["channel"] or r["isUnknown"]) and Decimal(r["revenue"]["amount"])
    } == {channel: amount for channel, amount in channels.items() if amount}
    for node in data["campaigns"]["nodes"]:
        said = sum(Decimal(one["revenue"]["amount"]) for one in node["attribution"])
        assert said == Decimal(node["metrics"]["revenue"]["amount"]), node
    return rows


async def test_an_order_that_tells_another_customers_event_takes_its_shares_back(
    clocked: Clocked, made: World
) -> None:
    await choose(made, Model.LINEAR)
    await made.tell([visit(0, customer=1), Happened(0, 1, MIDNIGHT, Decimal(50), "EUR", "o1")])
    assert await shown(clocked, made) == [("C0", "email", "2025-03-31", "0", "50.00")]
    await made.tell([order(1, None, customer=2)])
    assert await shown(clocked, made) == []


@pytest.mark.parametrize(
    ("corrected", "place"),
    [
        (order(2, 3, "sms"), ("C3", "sms")),
        (order(2, 0), ("C0", "email")),
        (order(2, 3, "sms", customer=1), ("C3", "sms")),
    ],
)
async def test_an_order_whose_channel_was_found_out_is_told_another(
    clocked: Clocked, made: World, corrected: Ordered, place: tuple[str, str]
) -> None:
    await made.tell([order(1, 3), visit(3, "utm_medium=email")])
    assert await shown(clocked, made) == [("C3", "email", "2025-03-31", "1", "50.00")]
    await made.tell([corrected])
    assert [row[:4] for row in await shown(clocked, made)] == [(*place, "2025-03-31", "1")]


@pytest.mark.parametrize("model", [Model.CARRIED, Model.LINEAR])
async def test_a_store_that_moves_to_another_zone_takes_no_sale_along(
    clocked: Clocked, made: World, model: Model
) -> None:
    await choose(made, model)
    await made.tell([visit(0), order(1, 0)])
    assert await shown(clocked, made) == [("C0", "email", "2025-03-31", "1", "50.00")]
    async with made.db.transaction(made.scope) as tx:
        await update_store(tx, made.stores[0], StoreFields(time_zone="America/New_York"), now=NOW)
    assert await shown(clocked, made) == [("C0", "email", "2025-03-31", "1", "50.00")]
    data = await answer(
        clocked, made.scope,
        '{ attribution(by: CAMPAIGN, since: "2025-03-31", until: "2025-03-31") { revenue { amount } } }',
    )  # fmt: skip
    assert data == {"attribution": [{"revenue": {"amount": "50.00"}}]}


@pytest.mark.parametrize("model", [Model.CARRIED, Model.LINEAR])
@pytest.mark.parametrize("channels", [["meta_ads"], ["google_ads", "print"], []])
async def test_a_campaign_that_runs_elsewhere_from_now_on(
    clocked: Clocked, made: World, model: Model, channels: list[str]
) -> None:
    await choose(made, model)
    await made.tell(
        [
            visit(3, "utm_medium=email"), Ordered("o1", 1, 0, MIDNIGHT, Decimal(5), "EUR", 0, 3, channel="email"),
            visit(3, customer=1), Ordered("o2", 1, 1, MIDNIGHT, Decimal(7), "EUR", 0, 3),
        ]
    )  # fmt: skip
    await shown(clocked, made)
    async with made.db.transaction(made.scope) as tx:
        await update_campaign(tx, made.campaigns[3], CampaignFields(channels=channels), now=NOW)
    await shown(clocked, made)


EACH = """
{ figures { currency conversions revenue { amount } spend { amount } }
  campaigns: figures(by: [CAMPAIGN]) { campaign { id } currency conversions revenue { amount } spend { amount } }
  converted: figures(currency: "EUR") { currency conversions revenue { amount } spend { amount } }
  attribution(by: CAMPAIGN) { campaign { id } currency revenue { amount } cost { amount } } }
"""


async def test_what_a_deleted_campaign_did_happened(clocked: Clocked, made: World) -> None:
    await made.tell([order(1, 0), Ordered("o2", 1, 0, MIDNIGHT, Decimal(7), "EUR", 0, 3), spent(0), spent(3)])
    before = await answer(clocked, made.scope, EACH)
    async with made.db.transaction(made.scope) as tx:
        await delete_campaign(tx, made.campaigns[0], now=NOW)
    assert await answer(clocked, made.scope, EACH) == before
    assert before["figures"] == [
        {"currency": "EUR", "conversions": "2", "revenue": {"amount": "57.00"}, "spend": {"amount": "6.00"}}
    ]


def spent(campaign: int) -> Report:
    return Report(campaign, MIDNIGHT.date(), "email", "mailer", {"spend": Decimal(3)})


@pytest.mark.parametrize("model", [Model.CARRIED, Model.LINEAR])
async def test_a_narrowed_credential_sees_what_its_campaigns_have(
    clocked: Clocked, made: World, model: Model
) -> None:
    await choose(made, model)
    await made.tell(history(random.Random(5), size=60))
    await settled(made)
    whole = await answer(clocked, made.scope, EACH)
    project = made.sites[1].project_id
    for scope, own in (
        (Scope(made.group.group_id, store_id=made.stores[1]), {1, 4}),
        (Scope(made.group.group_id, project_ids=(project,)), {1, 4}),
        (Scope(made.group.group_id, store_id=made.stores[0]), {0, 3}),
    ):
        data = await answer(clocked, scope, EACH)
        idents = {f"camp_{made.campaigns[n]}" for n in own}
        inside = [row for row in whole["campaigns"] if row["campaign"]["id"] in idents]
        assert data["campaigns"] == inside
        for row in data["figures"]:
            for name in ("revenue", "spend"):
                amounts = [
                    Decimal(one[name]["amount"]) for one in inside if one["currency"] == row["currency"]
                ]
                assert sum(amounts) == Decimal(row[name]["amount"])
