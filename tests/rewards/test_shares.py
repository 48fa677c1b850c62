"""Amounts as a share of what was paid, beside fixed ones: exact, rounded once, explained."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rewards import programme as rules
from app.tables.flows import RewardPer, RewardRounding
from tests.given.rewards import Given
from tests.rewards.conftest import Ask
from tests.rewards.worked import FACTS, decide, flow, multiplier, programme

SAVE = """
mutation($input: FlowsSaveInput!) {
  flowsSave(input: $input) {
    errors { code path message }
    campaign { flows { actions { baseReward rate rounding per } } }
  }
}
"""
EVALUATE = """
query($campaign: ID!, $input: RewardTriggerInput!) {
  rewardEvaluate(campaignId: $campaign, input: $input) { outcome amount trace }
}
"""


def paid(amount: int, *multipliers: rules.Multiplier, currency: str = "EUR", **action: Any) -> int:
    """What a purchase of so much pays."""
    said = rules.action(1, 7, **{"base": 0, **action})
    one = flow(multipliers=multipliers)
    configured = replace(programme(replace(one, actions=(said,))), currency=currency)
    return decide(configured, {**FACTS, "transaction": {"amount": amount, "gift": True}}).amount


@pytest.mark.parametrize(
    ("amount", "rate", "rounding", "points"),
    [
        (1000, "1", "down", 10), (999, "1", "down", 9), (999, "1", "up", 10), (950, "1", "half_up", 10),
        (949, "1", "half_up", 9), (1, "1", "down", 0), (1, "1", "up", 1), (0, "1", "up", 0), (1000, "0.5", "down", 5),
        (333, "0.0001", "down", 0), (10**15, "1.25", "down", 12_500_000_000_000),
    ],
)  # fmt: skip
def test_a_share_of_what_was_paid(amount: int, rate: str, rounding: str, points: int) -> None:
    assert paid(amount, rate=rate, rounding=rounding) == points


def test_a_fixed_amount_and_multipliers_come_before_rounding() -> None:
    half = multiplier(2, 1001, "1.5", True)
    assert paid(999, half, rate="1") == 14
    assert paid(999, half, rate="1", base=1) == 16
    assert paid(999, half, base=1) == 2


def test_a_currency_without_cents_has_whole_units() -> None:
    assert paid(999, rate="0.1", currency="JPY") == 99


def test_articles_are_counted_where_nobody_says_how_many() -> None:
    said = rules.action(1, 7, 0, "2", per="quantity")
    configured = programme(replace(flow(), actions=(said,)))
    for transaction, points in (
        ({"quantity": 3}, 6),
        ({"items": ["a", "b"]}, 4),
        ({}, 0),
        ({"quantity": "3"}, 0),
    ):
        assert decide(configured, {**FACTS, "transaction": transaction}).amount == points


@given(
    amount=st.integers(0, 2**53 - 1), base=st.integers(0, 10**9), rate=st.decimals(0, 10**6, places=4),
    factors=st.lists(st.decimals(0, 10, places=4), max_size=3), rounding=st.sampled_from(RewardRounding),
)  # fmt: skip
def test_it_is_exact(amount: int, base: int, rate: Any, factors: list[Any], rounding: RewardRounding) -> None:
    exact = base + Fraction(rate) * Fraction(amount, 100)
    for factor in factors:
        exact *= Fraction(factor)
    whole = {
        RewardRounding.DOWN: floor(exact), RewardRounding.UP: ceil(exact),
        RewardRounding.HALF_UP: floor(exact + Fraction(1, 2)),
    }[rounding]  # fmt: skip
    raised = [multiplier(2, 1001, str(factor), True, ident=at) for at, factor in enumerate(factors)]
    found = paid(amount, *raised, base=base, rate=rate, rounding=rounding, per=RewardPer.AMOUNT)
    assert found == min(whole, 2**53 - 1)


async def test_a_point_for_each_euro_can_be_said_seen_and_explained(ask: Ask, world: Given) -> None:
    campaign = await world.campaign()
    (there,) = (await ask(f'{{ campaign(id: "camp_{campaign}") {{ flows {{ id }} }} }}'))["campaign"]["flows"]
    action = {"actionCode": 1, "partnerId": f"part_{world.partner_id}", "rate": "1", "rounding": "HALF_UP"}
    said = {"campaignId": f"camp_{campaign}", "flows": [{"id": there["id"], "actions": [action]}]}
    saved = (await ask(SAVE, input=said))["flowsSave"]
    assert saved["errors"] == []
    assert saved["campaign"]["flows"] == [
        {"actions": [{"baseReward": 0, "rate": "1", "rounding": "HALF_UP", "per": "AMOUNT"}]}
    ]
    happened = {
        "trigger": "SPEND", "customerId": f"cust_{world.customers[0]}", "transaction": {"amount": 1250},
    }  # fmt: skip
    seen = (await ask(EVALUATE, campaign=f"camp_{campaign}", input=happened))["rewardEvaluate"]
    assert seen["amount"] == 13
    (shown,) = seen["trace"]["flows"][0]["actions"]
    assert {name: shown[name] for name in ("base", "rate", "per", "of", "rounding", "rounded")} == {
        "base": 0, "rate": "1", "per": "amount", "of": 1250, "rounding": "half_up", "rounded": 13,
    }  # fmt: skip
    await world.pay(campaign, world.spend("1", amount=1250))
    assert await world.total(campaign) == 13
    refused = {**said, "flows": [{"id": there["id"], "actions": [{**action, "rate": "0.00001"}]}]}
    assert (await ask(SAVE, input=refused))["flowsSave"]["errors"][0]["path"] == [
        "flows",
        "0",
        "actions",
        "0",
        "rate",
    ]
