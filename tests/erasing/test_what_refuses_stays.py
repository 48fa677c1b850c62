"""Erasing somebody lifts nothing that was said against writing to their addresses."""

from typing import Any

import pytest

from tests.erasing.conftest import House, mint
from tests.given import groups

ONE, TWO = "one@mail.example", "two@mail.example"
UPSERT = (
    "mutation ($input: CustomersUpsertInput!) { customersUpsert(input: $input)"
    " { customers { id } errors { code message } } }"
)
SUPPRESS, UNSUPPRESS = (
    f"mutation ($input: ContactSuppressionInput!) {{ {name}(input: $input) {{ errors {{ message }} }} }}"
    for name in ("contactSuppress", "contactUnsuppress")
)
CONSENT = (
    "mutation ($input: ContactConsentSetInput!) { contactConsentSet(input: $input) { errors { message } } }"
)
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
async def shop(house: House) -> House:
    house.group_id = (await groups.group(house.db)).group_id
    house.token = mint(house)
    house.customer = await upsert(house)
    return house


async def upsert(house: House, email: str = ONE, **more: Any) -> str:
    entry = {"email": email, "emailConsent": True, "emailConsentAt": LONG_AGO, **more}
    told = await house.ask(UPSERT, input={"customers": [entry]})
    return str(told["customersUpsert"]["customers"][0]["id"])


async def reach(house: House, customer: str, channel: str = "EMAIL") -> tuple[bool, str]:
    found = await house.ask(
        "query ($id: ID!, $channel: ContactChannel!)"
        " { customer(id: $id) { reachable(channel: $channel) { isReachable reason } } }",
        id=customer,
        channel=channel,
    )
    told = found["customer"]["reachable"]
    return told["isReachable"], told["reason"]


async def test_a_block_stays_until_it_is_taken_back(shop: House) -> None:
    await shop.ask(SUPPRESS, input={"channel": "EMAIL", "address": ONE})
    await shop.erase()
    again = await upsert(shop)
    assert again != shop.customer
    assert await reach(shop, again) == (False, "BLOCKED")
    assert await reach(shop, await upsert(shop, TWO)) == (True, "OPTED_IN")
    consents = "SELECT email_consent FROM customer WHERE group_id = $1 AND email_key = $2"
    assert await shop.value(consents, ONE) is False
    await shop.ask(UNSUPPRESS, input={"channel": "EMAIL", "address": ONE.upper()})
    assert await reach(shop, again) == (True, "OPTED_IN")
    # What was taken back does not come with the next one.
    await shop.erase(again)
    assert await reach(shop, await upsert(shop)) == (True, "OPTED_IN")


async def test_what_they_refused_themselves_stays_until_their_next_word(shop: House) -> None:
    refused = {"customerId": shop.customer, "channel": "EMAIL", "agrees": False, "at": "2024-01-01T00:00:00Z"}
    await shop.ask(CONSENT, input=refused)
    assert await reach(shop, shop.customer) == (False, "OPTED_OUT")
    await shop.erase()
    again = await upsert(shop)
    assert await reach(shop, again) == (False, "ERASED")
    await shop.ask(CONSENT, input={**refused, "customerId": again, "agrees": True, "at": None})
    assert await reach(shop, again) == (True, "OPTED_IN")


async def test_what_was_lifted_before_stays_lifted(shop: House) -> None:
    refused = {"customerId": shop.customer, "channel": "EMAIL", "agrees": False, "at": "2024-01-01T00:00:00Z"}
    await shop.ask(CONSENT, input=refused)
    await shop.ask(CONSENT, input={**refused, "agrees": True, "at": "2024-02-01T00:00:00Z"})
    await shop.erase()
    assert await reach(shop, await upsert(shop)) == (True, "OPTED_IN")


async def test_of_a_number_as_well_and_nothing_tells_whose_it_was(shop: House) -> None:
    number = "+33612345678"
    more: dict[str, Any] = {"phone": number, "smsConsent": True, "smsConsentAt": LONG_AGO}
    await upsert(shop, **more)
    await shop.ask(SUPPRESS, input={"channel": "SMS", "address": number})
    await shop.erase()
    kept = await shop.ask("{ contactStatements { nodes { channel kind address detail customer { id } } } }")
    assert kept["contactStatements"]["nodes"] == [
        {"channel": "SMS", "kind": "BLOCKED", "address": None, "detail": None, "customer": None}
    ]
    assert await reach(shop, await upsert(shop, **more), "SMS") == (False, "BLOCKED")
