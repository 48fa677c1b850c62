"""What of a person stands in keys, beside other things, and in what was written about somebody else."""

from typing import Any

import pytest

from tests.erasing.conftest import House, mint
from tests.given import groups

MINE, HOME, FULL = "w7@mail.example", "0644000007", "+33644000007"
UPSERT = (
    "mutation ($input: CustomersUpsertInput!) { customersUpsert(input: $input)"
    " { customers { id } errors { code message } } }"
)
RECORD = "mutation ($input: OrdersRecordInput!) { ordersRecord(input: $input) { errors { message } } }"
SUPPRESS = (
    "mutation ($input: ContactSuppressionInput!) { contactSuppress(input: $input) { errors { message } } }"
)


@pytest.fixture
async def shop(house: House) -> House:
    house.group_id = (await groups.group(house.db)).group_id
    house.token = mint(house)
    await house.value("UPDATE customer_group SET country = 'FR' WHERE id = $1 RETURNING id")
    her = {"externalId": "W7", "email": MINE, "phone": HOME, "name": "Wanda Seven"}
    him = {"externalId": "W9", "email": "w9@mail.example", "name": "Tom"}
    told = await house.ask(UPSERT, input={"customers": [her, him]})
    house.customer, house.bystander = (one["id"] for one in told["customersUpsert"]["customers"])
    return house


async def references(house: House, customer: str) -> list[str]:
    async with house.db.transaction(house.scope) as tx:
        rows = await tx.fetch(
            "SELECT reference FROM customer_order WHERE group_id = $1 AND customer_id = $2",
            house.group_id, int(customer[5:]),
        )  # fmt: skip
    return sorted("erased" if row["reference"].startswith("erased:") else row["reference"] for row in rows)


async def orders(house: House, customer: str, *known: str) -> None:
    sales = [{"reference": one, "amount": "1", "customerId": customer} for one in known]
    await house.ask(RECORD, input={"orders": sales})


@pytest.mark.parametrize(
    "reference",
    [
        f"c_{MINE}", f"SHOP-1-{MINE}", f"e.{MINE}", f"f+{MINE}", f"x{MINE}", f"{MINE}-2", f"{MINE.upper()}x",
        f"i-{FULL}", f"k-{HOME}", f"k{HOME}1", "o-Wanda_1",
    ],
)  # fmt: skip
async def test_own_keys_are_replaced_whatever_stands_beside(shop: House, reference: str) -> None:
    await orders(shop, shop.customer, reference, "plain-1")
    await shop.erase()
    assert await references(shop, shop.customer) == ["erased", "plain-1"]


async def test_what_a_household_shares_goes_from_own_keys_and_stays_in_others(shop: House) -> None:
    await shop.ask(UPSERT, input={"customers": [{"externalId": "HH", "phone": FULL}]})
    await orders(shop, shop.customer, f"i-{FULL}", f"k-{HOME}")
    await orders(shop, shop.bystander, f"for {FULL}")
    await shop.erase()
    assert await references(shop, shop.customer) == ["erased", "erased"]
    assert await references(shop, shop.bystander) == [f"for {FULL}"]


async def test_others_keys_are_put_together_of_things_and_their_texts_are_not(shop: House) -> None:
    await orders(shop, shop.bystander, f"SHOP-1-{MINE}", f"c_{MINE}", f"x{MINE}", f"{MINE}.au", "plain-2")
    longer = f"anne-{MINE}"
    him = {"externalId": "W9", "attributes": {"one": longer, "two": f"with {MINE}"}}
    await shop.ask(UPSERT, input={"customers": [him, {"email": longer, "name": "Anne"}]})
    await shop.erase()
    assert await references(shop, shop.bystander) == ["erased", "erased", "plain-2", f"{MINE}.au", f"x{MINE}"]
    kept = await shop.ask("query ($id: ID!) { customer(id: $id) { attributes } }", id=shop.bystander)
    assert kept["customer"]["attributes"] == {"one": longer, "two": "with "}
    assert await shop.value("SELECT count(*) FROM customer WHERE group_id = $1 AND email = $2", longer) == 1


async def test_what_was_written_about_others_loses_her_addresses(shop: House) -> None:
    him = {"externalId": "W9", "name": f"W9 of {MINE}", "tags": [f"friend of {MINE}", MINE, "vip"]}
    await shop.ask(UPSERT, input={"customers": [him]})
    told = await shop.ask(
        "mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } errors { message } } }",
        input={"name": f"for {MINE} and {HOME}", "type": "STATIC"},
    )
    segment = told["segmentCreate"]["segment"]["id"]
    made = []
    for name in (f"mail {MINE}", MINE):
        told = await shop.ask(
            "mutation ($input: CampaignCreateInput!)"
            " { campaignCreate(input: $input) { campaign { id } errors { message } } }",
            input={"name": name, "channels": ["email"], "description": f"only for {MINE}", "draft": True},
        )
        made.append(told["campaignCreate"]["campaign"]["id"])
    told = await shop.ask(
        "mutation ($input: PromoCreateInput!) { promoCreate(input: $input) { promo { id } errors { message } } }",
        input={
            "code": "A77",
            "type": "FIXED_AMOUNT",
            "value": "5",
            "appliesTo": {"skus": ["x", MINE]},
        },
    )
    promo = told["promoCreate"]["promo"]["id"]
    await shop.ask(
        SUPPRESS, input={"channel": "EMAIL", "address": "w9@mail.example", "reason": f"husband of {MINE}"}
    )
    await shop.erase()
    left: Any = await shop.ask(
        """
        query ($him: ID!, $segment: ID!, $one: ID!, $two: ID!, $promo: ID!) {
          customer(id: $him) { name tags contactStatements { nodes { kind detail } } }
          segment(id: $segment) { name } one: campaign(id: $one) { name description } two: campaign(id: $two) { name }
          promo(id: $promo) { appliesTo }
        }
        """,
        him=shop.bystander, segment=segment, one=made[0], two=made[1], promo=promo,
    )  # fmt: skip
    assert left == {
        "customer": {
            "name": "W9 of ",
            "tags": ["friend of ", "vip"],
            "contactStatements": {"nodes": [{"kind": "BLOCKED", "detail": "husband of "}]},
        },
        "segment": {"name": "for  and "},
        "one": {"name": "mail ", "description": "only for "},
        "two": {"name": "erased"},
        "promo": {"appliesTo": {"skus": ["x", ""]}},
    }


async def test_why_a_strangers_address_is_blocked_may_name_her(shop: House) -> None:
    await shop.ask(
        SUPPRESS, input={"channel": "EMAIL", "address": "new@mail.example", "reason": f"asked by {MINE}"}
    )
    await shop.erase()
    left = await shop.ask("{ contactStatements { nodes { kind address detail } } }")
    assert left["contactStatements"]["nodes"] == [
        {"kind": "BLOCKED", "address": "new@mail.example", "detail": "asked by "}
    ]
