"""What the document prints, word for word: the same keys, order, types and digits."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.criteo.conftest import Buyer

CREATE = """
{ "data": { "type": "Campaign", "id": "99999", "attributes": {
  "name": "My Campaign", "advertiserId": 12345, "goal": "Retention",
  "spendLimit": { "spendLimitRenewal": "daily", "spendLimitType": "capped", "spendLimitAmount": 123.45 } } } }
"""
CREATED = """
{ "data": { "id": "99999", "type": "Campaign", "attributes": {
  "name": "My Campaign", "advertiserId": "12345",
  "spendLimit": { "spendLimitType": "capped", "spendLimitRenewal": "daily", "spendLimitAmount": 123.45 },
  "goal": "Retention" } }, "warnings": [], "errors": [] }
"""
CAMPAIGN = """
{ "type": "Campaign", "id": "99999", "attributes": {
  "name": "My Campaign", "advertiserId": 12345, "goal": "Retention",
  "spendLimit": { "spendLimitRenewal": "daily", "spendLimitType": "capped", "spendLimitAmount": 123.45 } } }
"""
UPDATE = """
{ "data": [ { "type": "Campaign", "id": "99999", "attributes": { "spendLimit": {
  "spendLimitRenewal": "daily", "spendLimitType": "capped", "spendLimitAmount": 123.45 } } } ] }
"""
TWO = """
{ "data": [
  { "type": "Campaign", "id": "99999", "attributes": { "spendLimit": {
    "spendLimitRenewal": "daily", "spendLimitType": "capped", "spendLimitAmount": 123.5 } } },
  { "type": "Campaign", "id": "88888", "attributes": { "spendLimit": {
    "spendLimitRenewal": "daily", "spendLimitType": "capped", "spendLimitAmount": -9000 } } } ] }
"""
ONE_OF_TWO = """
{ "data": [ { "type": "Campaign", "id": "99999" } ],
  "errors": [ {
    "traceIdentifier": "56ed4096-f96a-4944-8881-05468efe0ec8", "type": "validation",
    "code": "campaign--campaign-update-check--validation-failed-on-spend-limit", "instance": "@data/1",
    "title": "Validation failed on spend limit",
    "detail": "There was an issue with the spend limit value specified." } ],
  "warnings": [] }
"""
JSON = {"Content-Type": "application/json"}


def exact(text: str) -> Any:
    """Decoded with key order and number digits kept."""
    return json.loads(text, parse_float=lambda digits: ("number", digits), object_pairs_hook=list)


async def test_creating_answers_as_printed(buyer: Buyer) -> None:
    response = await buyer.call("POST", content=CREATE, headers=JSON)

    assert response.status_code == 201
    number = response.json()["data"]["id"]
    assert number != "99999"
    assert exact(response.text) == exact(CREATED.replace("99999", number))


async def test_reading_answers_as_printed(buyer: Buyer) -> None:
    await buyer.imported("99999")

    one = await buyer.call("GET", "/99999")
    body = '{"filters": {"advertiserIds": ["12345"]}}'
    some = await buyer.call("POST", "/search", content=body, headers=JSON)
    every = await buyer.call("POST", "/search", content='{"filters": {}}', headers=JSON)

    assert exact(one.text) == exact(f'{{"data": {CAMPAIGN}, "errors": []}}')
    assert exact(some.text) == exact(f'{{"data": [{CAMPAIGN}], "errors": []}}')
    assert every.text == some.text
    assert [r.status_code for r in (one, some, every)] == [200] * 3


async def test_an_update_answers_as_printed(buyer: Buyer) -> None:
    await buyer.imported("99999", renewal="monthly", amount="10")

    response = await buyer.call("PATCH", content=UPDATE, headers=JSON)

    assert response.status_code == 200
    printed = '{"data": [{"type": "Campaign", "id": "99999"}], "errors": [], "warnings": []}'
    assert exact(response.text) == exact(printed)
    assert (await buyer.limit_of("99999"))["spendLimitAmount"] == 123.45


async def test_the_two_updates_that_are_printed_give_the_printed_answer(buyer: Buyer) -> None:
    await buyer.imported("99999")
    await buyer.imported("88888", amount="50")

    response = await buyer.call("PATCH", content=TWO, headers=JSON)

    assert response.status_code == 200
    trace = response.json()["errors"][0]["traceIdentifier"]
    assert str(UUID(trace)) == trace
    printed = ONE_OF_TWO.replace("56ed4096-f96a-4944-8881-05468efe0ec8", trace)
    assert exact(response.text) == exact(printed)
    assert Decimal(str((await buyer.limit_of("99999"))["spendLimitAmount"])) == Decimal("123.5")
    assert (await buyer.limit_of("88888"))["spendLimitAmount"] == 50
