"""Finding campaigns: by advertiser, by number, all of them; and who sees which."""

from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Conflict
from app.tables.campaigns import Objective
from tests.criteo.conftest import Buyer, advertiser
from tests.given import campaigns, groups


async def search(buyer: Buyer, *, status: int = 200, **filters: Any) -> list[str]:
    """The numbers that were found; an empty list where the answer says no."""
    response = await buyer.call("POST", "/search", json={"filters": filters})
    assert response.status_code == status, response.text
    body = response.json()
    if status != 200:
        return []
    assert list(body) == ["data", "errors"]
    assert response.headers["x-total-count"] == str(len(body["data"]))
    return sorted(row["id"] for row in body["data"])


@pytest.fixture
async def portfolio(buyer: Buyer) -> Buyer:
    """Advertiser 12345 with campaigns 11 and 12, advertiser 67890 with campaign 13."""
    given = buyer.inner.given
    other = await groups.store(buyer.inner.db, given.group_id, name="Other")
    await buyer.known_as("store", other.store_id, "67890")
    for number, store in (("11", given.store_id), ("12", given.store_id), ("13", other.store_id)):
        await campaigns.campaign(buyer.inner.db, given.scope, known_as={"criteo": number}, store_id=store)
    return buyer


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["11", "12", "13"]),
        ({"advertiserIds": ["12345"]}, ["11", "12"]),
        ({"advertiserIds": [12345]}, ["11", "12"]),
        ({"advertiserIds": ["12345", "67890"]}, ["11", "12", "13"]),
        ({"campaignIds": ["12", "13"]}, ["12", "13"]),
        ({"campaignIds": [12, "13"], "advertiserIds": ["12345"]}, ["12"]),
        ({"campaignIds": ["13"], "advertiserIds": ["12345"]}, []),
        ({"campaignIds": ["99"]}, []),
        ({"campaignIds": ["nonsense", "0", "-1", "9" * 30]}, []),
        ({"campaignIds": None, "advertiserIds": []}, ["11", "12", "13"]),
        ({"unknown": ["1"]}, ["11", "12", "13"]),
    ],
)
async def test_filters_combine(portfolio: Buyer, filters: dict[str, Any], found: list[str]) -> None:
    assert await search(portfolio, **filters) == found


@pytest.mark.parametrize("body", [{}, {"filters": None}, {"filters": {}}])
async def test_without_filters_the_whole_portfolio_is_found(portfolio: Buyer, body: object) -> None:
    response = await portfolio.call("POST", "/search", json=body)
    assert sorted(row["id"] for row in response.json()["data"]) == ["11", "12", "13"]


@pytest.mark.parametrize("wrong", ["12345", {"a": 1}, [None], [["12345"]], [1.5], [True]])
async def test_a_filter_is_a_list_of_ids(buyer: Buyer, wrong: object) -> None:
    await search(buyer, status=400, advertiserIds=wrong)


@pytest.mark.parametrize("name", ["campaignIds", "advertiserIds"])
@pytest.mark.parametrize("count", [1_001, 6_000])
async def test_a_filter_has_a_thousand_ids_at_most(portfolio: Buyer, name: str, count: int) -> None:
    numbers = [str(n) for n in range(10_000, 10_000 + count)]
    response = await portfolio.call("POST", "/search", json={"filters": {name: numbers}})
    assert response.status_code == 413, response.text
    (error,) = response.json()["errors"]
    assert (error["code"], error["instance"]) == ("too-large", f"@filters/{name}")
    assert error["detail"] == f"`{name}` has {count} ids; at most 1000 are taken at once."
    taken: dict[str, Any] = {name: numbers[:1_000]}
    await search(portfolio, **taken)


async def test_our_numbers_find_a_campaign_too(portfolio: Buyer) -> None:
    made = await campaigns.campaign(
        portfolio.inner.db, portfolio.inner.given.scope, known_as={"crm": "camp_001"}
    )

    assert await search(portfolio, campaignIds=[str(made)]) == [str(made)]
    assert (await portfolio.call("GET", f"/{made}")).json()["data"]["id"] == str(made)
    found = await search(portfolio, advertiserIds=[str(portfolio.inner.given.store_id)])
    assert sorted(found) == sorted(["11", "12", str(made)])


async def test_a_number_that_we_show_already_is_given_to_no_other(buyer: Buyer) -> None:
    ours = await campaigns.campaign(buyer.inner.db, buyer.inner.given.scope, name="Ours")
    with pytest.raises(Conflict) as refused:
        await buyer.imported(str(ours), name="Imported")
    assert refused.value.reason == "NUMBER_TAKEN"

    one = await buyer.call("GET", f"/{ours}")
    assert one.json()["data"]["attributes"]["name"] == "Ours"


async def test_older_campaigns_have_no_goal(buyer: Buyer) -> None:
    await buyer.imported("1", objective=Objective.UNSPECIFIED, renewal=None)
    attributes = (await buyer.call("GET", "/1")).json()["data"]["attributes"]
    assert attributes["goal"] == "Unspecified"
    uncapped = {"spendLimitRenewal": "undefined", "spendLimitType": "uncapped", "spendLimitAmount": None}
    assert attributes["spendLimit"] == uncapped


async def test_a_portfolio_holds_the_advertisers_of_the_token(
    marketers: Callable[..., Any], portfolio: Buyer
) -> None:
    stranger = await advertiser(await marketers(name="B"))
    given = portfolio.inner.given
    narrow = Buyer(await marketers(given=given, store_id=given.store_id))

    assert await search(stranger) == []
    assert await search(stranger, campaignIds=["11"]) == []
    assert (await stranger.call("GET", "/11")).status_code == 404
    assert await search(narrow) == ["11", "12"]
    assert await search(narrow, advertiserIds=["67890"]) == []
    assert (await narrow.call("GET", "/13")).status_code == 404
    assert (await narrow.call("POST", json=narrow.order(advertiserId="67890"))).status_code == 400


@pytest.mark.parametrize("number", ["99", "nonsense", "0", "%00", "9" * 40, "11%20"])
async def test_what_is_not_there_is_not_found(portfolio: Buyer, number: str) -> None:
    response = await portfolio.call("GET", f"/{number}")
    assert response.status_code == 404
    (error,) = response.json()["errors"]
    assert error["code"] == "not-found"
