"""Making campaigns: what is needed, what is not trusted, and what is ignored."""

from decimal import Decimal
from typing import Any

import pytest

from tests.criteo.conftest import PREFIX, Buyer, limit

UNCAPPED = {"spendLimitRenewal": "undefined", "spendLimitType": "uncapped", "spendLimitAmount": None}


async def refusal(buyer: Buyer, body: Any) -> dict[str, Any]:
    """The one error of a creation that says no."""
    response = await buyer.call("POST", json=body)
    assert response.status_code == 400, response.text
    found = response.json()
    assert list(found) == ["errors", "warnings"]
    (error,) = found["errors"]
    assert list(error) == ["traceIdentifier", "type", "code", "instance", "title", "detail"]
    assert error["type"] == "validation"
    assert isinstance(error, dict)
    return error


async def test_the_server_assigns_the_id(buyer: Buyer) -> None:
    first, second = await buyer.create(), await buyer.create()
    assert len({first["id"], second["id"], "99999"}) == 3
    assert await buyer.limit_of(first["id"]) == {**limit(), "spendLimitAmount": 123.45}


@pytest.mark.parametrize("advertiser", [12345, "12345"])
async def test_an_advertiser_is_named_by_a_number_or_a_text(buyer: Buyer, advertiser: object) -> None:
    assert (await buyer.create(advertiserId=advertiser))["attributes"]["advertiserId"] == "12345"


async def test_an_advertiser_has_our_number_too(buyer: Buyer) -> None:
    made = await buyer.create(advertiserId=buyer.inner.given.store_id)
    assert made["attributes"]["advertiserId"] == "12345"


@pytest.mark.parametrize("goal", ["Acquisition", "Retention"])
@pytest.mark.parametrize("renewal", ["daily", "monthly", "lifetime"])
async def test_goals_and_renewals_make_the_round_trip(buyer: Buyer, goal: str, renewal: str) -> None:
    made = await buyer.create(goal=goal, spendLimit=limit(renewal=renewal))
    response = await buyer.call("GET", f"/{made['id']}")
    read = response.json()["data"]["attributes"]
    assert (read["goal"], read["spendLimit"]["spendLimitRenewal"]) == (goal, renewal)
    assert (made["attributes"]["goal"], made["attributes"]["spendLimit"]["spendLimitRenewal"]) == (
        goal,
        renewal,
    )


@pytest.mark.parametrize(
    "sent",
    [
        limit(type="uncapped"),
        limit(type="uncapped", amount=-1, renewal="nonsense"),
        limit(type="uncapped", amount=..., renewal=...),
        limit(type="uncapped", amount=None, renewal="undefined"),
        ...,
        None,
    ],
)
async def test_renewal_and_amount_matter_only_where_it_is_capped(buyer: Buyer, sent: object) -> None:
    made = await buyer.create(spendLimit=sent)
    assert made["attributes"]["spendLimit"] == UNCAPPED
    assert await buyer.limit_of(made["id"]) == UNCAPPED


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (100, "100"),
        (Decimal("100.00"), "100"),
        (Decimal("123.5"), "123.5"),
        ({"value": Decimal("0.01")}, "0.01"),
    ],
)
async def test_an_amount_is_a_number_with_the_digits_it_needs(
    buyer: Buyer, amount: object, shown: str
) -> None:
    made = await buyer.create(spendLimit=limit(amount=amount))
    response = await buyer.call("GET", f"/{made['id']}")
    assert f'"spendLimitAmount":{shown}}}' in response.text


@pytest.mark.parametrize("goal", ["Unspecified", "retention", "", None, 1, ...])
async def test_the_goal_is_acquisition_or_retention(buyer: Buyer, goal: object) -> None:
    error = await refusal(buyer, buyer.order(goal=goal))
    assert error["instance"] == "@data/attributes/goal"


@pytest.mark.parametrize("kind", ["AdSet", "campaign", None])
async def test_the_body_states_its_type(buyer: Buyer, kind: object) -> None:
    body = buyer.order()
    body["data"]["type"] = kind
    assert (await refusal(buyer, body))["instance"] == "@data/type"
    del body["data"]["type"]
    assert (await refusal(buyer, body))["code"] == "wrong-type"


@pytest.mark.parametrize(
    ("attributes", "instance"),
    [
        ({"name": ...}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": 5}, "name"),
        ({"advertiserId": ...}, "advertiserId"),
        ({"advertiserId": "54321"}, "advertiserId"),
        ({"advertiserId": True}, "advertiserId"),
    ],
)
async def test_a_wrong_attribute_is_named(buyer: Buyer, attributes: dict[str, Any], instance: str) -> None:
    error = await refusal(buyer, buyer.order(**attributes))
    assert error["instance"] == f"@data/attributes/{instance}"


WRONG: list[dict[str, Any]] = [
    limit(amount=-9000), limit(amount=0), limit(amount="123.45"), limit(amount=True), limit(amount=[]),
    limit(amount=Decimal("1.234")), limit(amount=None), limit(amount=...), limit(amount={"value": None}),
    limit(amount=Decimal("1e30")), limit(amount=Decimal("1e-30")), limit(renewal=...), limit(renewal=None),
    limit(renewal="undefined"), limit(renewal="weekly"), limit(renewal=[]), limit(type="limited"), limit(type={}),
]  # fmt: skip


@pytest.mark.parametrize("sent", WRONG)
async def test_a_wrong_spend_limit_is_no_limit(buyer: Buyer, sent: dict[str, Any]) -> None:
    error = await refusal(buyer, buyer.order(spendLimit=sent))
    assert error["code"] == PREFIX + "validation-failed-on-spend-limit"


async def test_an_advertiser_without_the_feature_has_no_limit(buyer: Buyer) -> None:
    await buyer.set("UPDATE store SET unavailable_features = '{daily_limits}' WHERE group_id = $1")
    error = await refusal(buyer, buyer.order())
    assert error["code"] == PREFIX + "unavailable-feature-for-this-advertiser"
    assert (await buyer.create(spendLimit=limit(renewal="monthly")))["id"]


@pytest.mark.parametrize(
    "body", [[], "text", {}, {"data": []}, {"data": None}, {"data": {"type": "Campaign"}}]
)
async def test_what_is_no_campaign_is_refused_and_nothing_made(buyer: Buyer, body: object) -> None:
    await refusal(buyer, body)
    assert await buyer.inner.count("campaign") == 0
