"""A reward is taken back in parts, to zero or below it, as the programme says."""

import asyncio
from typing import Any

import pytest

from app.domain.rewards.judging import shared
from app.domain.rewards.reversing import reverse
from tests.given.campaigns import NOON
from tests.given.rewards import Given
from tests.rewards.conftest import Ask

REVERSE = """
mutation($input: RewardReverseInput!) {
  rewardReverse(input: $input) {
    errors { code path message }
    evaluation {
      amount takenBack outstanding counts reversedAt
      customer { rewardBalances { nodes { balance outstanding } } }
    }
  }
}
"""
SET = """
mutation($input: CampaignUpdateInput!) {
  campaignUpdate(input: $input) { errors { code message } campaign { rewards { negativeBalance } } }
}
"""


async def take(ask: Ask, evaluation: int, in_all: int | None = None) -> dict[str, Any]:
    given = {"id": f"reward_{evaluation}"} | ({} if in_all is None else {"inAll": in_all})
    made: dict[str, Any] = (await ask(REVERSE, input=given))["rewardReverse"]
    return made


async def spent(world: Given, *, earned: int = 100, redeemed: int = 60) -> tuple[int, int]:
    """A campaign and an evaluation that paid; of that something is redeemed."""
    campaign, redeeming = await world.campaign(world.flow(earned)), await world.campaign(
        world.flow(redeemed), reward_type=2
    )  # fmt: skip
    (paid,) = await world.pay(campaign, world.spend("1"))
    await world.pay(redeeming, world.spend("2"))
    return campaign, paid["id"]


async def test_a_part_is_taken_back_and_then_the_rest(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(world.flow(70), world.flow(30))
    (paid,) = await world.pay(campaign, world.spend("1"))
    for _ in range(2):
        part = (await take(ask, paid["id"], 33))["evaluation"]
        assert (part["takenBack"], part["counts"], part["reversedAt"]) == (33, True, None)
        assert (await world.total(campaign), await world.balance()) == (67, 67)
    # Less than before changes nothing.
    assert (await take(ask, paid["id"], 1))["evaluation"]["takenBack"] == 33
    whole = (await take(ask, paid["id"]))["evaluation"]
    assert (whole["takenBack"], whole["counts"], whole["outstanding"]) == (100, False, 0)
    assert (await world.total(campaign), await world.balance()) == (0, 0)


async def test_more_than_was_paid_is_refused(ask: Ask, world: Given) -> None:
    campaign = await world.campaign()
    (paid,) = await world.pay(campaign, world.spend("1"))
    refused = await take(ask, paid["id"], 101)
    assert [(one["code"], one["path"]) for one in refused["errors"]] == [("TOO_MUCH", ["inAll"])]
    assert await world.total(campaign) == 100


async def test_what_there_is_is_taken_where_zero_is_the_end(ask: Ask, world: Given) -> None:
    campaign, paid = await spent(world)
    back = (await take(ask, paid))["evaluation"]
    assert (back["takenBack"], back["outstanding"], back["counts"]) == (40, 60, False)
    assert back["customer"]["rewardBalances"]["nodes"] == [{"balance": 0, "outstanding": 0}]
    assert await world.total(campaign) == 60
    # What is earned afterwards stays, until somebody asks again.
    await world.pay(campaign, world.spend("3", amount=1))
    assert await world.balance() == 100
    assert (await take(ask, paid))["evaluation"]["takenBack"] == 100
    assert (await world.total(campaign), await world.balance()) == (100, 40)


async def test_below_zero_is_made_up_for_by_what_is_earned_next(ask: Ask, world: Given) -> None:
    campaign, paid = await spent(world)
    said = {"id": f"camp_{campaign}", "rewards": {"negativeBalance": "ALLOWED"}}
    set_ = (await ask(SET, input=said))["campaignUpdate"]
    assert set_["campaign"]["rewards"] == {"negativeBalance": "ALLOWED"}
    back = (await take(ask, paid))["evaluation"]
    assert (back["takenBack"], back["outstanding"]) == (100, 0)
    assert back["customer"]["rewardBalances"]["nodes"] == [{"balance": -60, "outstanding": 60}]
    redeeming = await world.campaign(world.flow(1), reward_type=2)
    (refused,) = await world.pay(redeeming, world.spend("3"))
    assert refused["outcome"] == "no_balance"
    await world.pay(campaign, world.spend("4"))
    assert await world.balance() == 40
    await world.check()


async def test_two_that_take_back_at_once_take_once(world: Given) -> None:
    campaign, paid = await spent(world)

    async def one() -> None:
        async with world.db.transaction(world.scope) as tx:
            await reverse(tx, paid, in_all=30, now=NOON)

    await asyncio.gather(*(one() for _ in range(6)))
    assert (await world.total(campaign), await world.balance()) == (70, 10)


async def test_a_redemption_is_given_back_in_part(ask: Ask, world: Given) -> None:
    await world.pay(await world.campaign(), world.spend("1"))
    redeeming = await world.campaign(world.flow(60), reward_type=2)
    (taken,) = await world.pay(redeeming, world.spend("2"))
    await take(ask, taken["id"], 20)
    assert (await world.total(redeeming), await world.balance()) == (40, 60)


@pytest.mark.parametrize(
    ("amount", "parts", "shares"),
    [
        (10, [70, 30], [7, 3]),
        (1, [1, 1, 1], [0, 0, 1]),
        (5, [], []),
        (500, [1, 2], [1, 2]),
        (2**53, [2**53, 2**53], [2**52, 2**52]),
    ],
)
def test_shares_add_up(amount: int, parts: list[int], shares: list[int]) -> None:
    assert shared(amount, parts) == shares
