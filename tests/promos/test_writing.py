"""Promos through the graph: made, changed, validated, redeemed, released; how each says no."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.domain.promos.fields import applies_to_of
from app.domain.promos.linking import promo_for_campaign
from app.errors import Conflict, Failure
from app.values.scope import Scope
from tests.given import campaigns, groups
from tests.given import promos as given
from tests.promos.conftest import Call

ERRORS = "errors { code message path }"
FIELDS = """
id code type value minOrderAmount { amount currency } maxDiscount { amount } usageLimit perCustomerLimit used
validFrom validUntil appliesTo isRedeemable segment { id } campaign { id }
"""
CREATE = f"mutation($i: PromoCreateInput!) {{ promoCreate(input: $i) {{ promo {{ {FIELDS} }} {ERRORS} }} }}"
UPDATE = f"mutation($i: PromoUpdateInput!) {{ promoUpdate(input: $i) {{ promo {{ {FIELDS} }} {ERRORS} }} }}"
DELETE = f"mutation($id: ID!) {{ promoDelete(input: {{id: $id}}) {{ deletedId {ERRORS} }} }}"
REDEEM = f"""
mutation($i: PromoRedeemInput!) {{ promoRedeem(input: $i) {{ redemption {{
  id key counts discount {{ amount currency }} basketTotal {{ amount }} releasedAt
  promo {{ code used }} customer {{ id }} store {{ id }} }} {ERRORS} }} }}
"""
RELEASE = f"""
mutation($id: ID!) {{ promoRelease(input: {{id: $id}}) {{ redemption {{ counts promo {{ used }} }} {ERRORS} }} }}
"""
VALIDATE = """
query($code: String!, $basket: BasketInput!, $customer: ID) {
  promoValidate(code: $code, basket: $basket, customerId: $customer) {
    valid discount { amount currency } promo { id code redemptions { totalCount } } reasons { code message path } } }
"""
HUNDRED = {"lines": [{"sku": "A1", "unitPrice": "40", "quantity": 2}, {"unitPrice": "20.00"}]}


async def test_the_documents_example_is_made_as_it_stands(db: Database, call: Call) -> None:
    group = await groups.group(db)
    people = await given.customers(db, group.group_id, 1)
    segment = await given.segment(db, group.group_id, members=people)
    made = await call(group.scope, CREATE, i={
        "code": "welcome20", "type": "PERCENTAGE", "value": 20,
        "minOrderAmount": Decimal("25.00"), "maxDiscount": Decimal("50.00"),
        "usageLimit": 1000, "perCustomerLimit": 1, "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2026-12-31T23:59:59Z", "appliesTo": {"all_items": True}, "segmentId": f"seg_{segment}",
    })  # fmt: skip
    promo = made["data"]["promoCreate"]["promo"]
    assert promo.pop("id").startswith("promo_")
    assert promo == {
        "code": "WELCOME20", "type": "PERCENTAGE", "value": "20",
        "minOrderAmount": {"amount": "25.00", "currency": "EUR"}, "maxDiscount": {"amount": "50.00"},
        "usageLimit": 1000, "perCustomerLimit": 1, "used": 0, "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2026-12-31T23:59:59Z", "appliesTo": {"all_items": True}, "isRedeemable": True,
        "segment": {"id": f"seg_{segment}"}, "campaign": None,
    }  # fmt: skip


BAD = [
    ({"code": "NO"}, "INVALID_PROMO_CODE", ["code"]),
    ({"code": "-ABC"}, "INVALID_PROMO_CODE", ["code"]),
    ({"code": "ÄR GER"}, "INVALID_PROMO_CODE", ["code"]),
    ({"code": "A" * 33}, "INVALID_PROMO_CODE", ["code"]),
    ({"code": "TWO WORDS"}, "INVALID_PROMO_CODE", ["code"]),
    ({"value": "100.01"}, "INVALID_PERCENTAGE", ["value"]),
    ({"value": "-1"}, "INVALID", ["value"]),
    ({"value": None}, "INVALID", ["value"]),
    ({"type": "FREE_ITEM", "value": "1.5"}, "INVALID", ["value"]),
    ({"usageLimit": -1}, "INVALID", ["usageLimit"]),
    ({"validFrom": "2026-02-01T00:00:00Z", "validUntil": "2026-02-01T00:00:00Z"}, "END_BEFORE_START", ["validUntil"]),
    ({"appliesTo": []}, "INVALID", ["appliesTo"]),
    ({"appliesTo": {"all_items": "yes"}}, "INVALID", ["appliesTo", "all_items"]),
    ({"appliesTo": {"skus": "A1"}}, "INVALID", ["appliesTo", "skus"]),
    ({"appliesTo": {"sku": ["A1"]}}, "INVALID", ["appliesTo", "sku"]),
    ({"appliesTo": {"SKUs": ["A1"], "all_items": False}}, "INVALID", ["appliesTo", "SKUs"]),
    ({"appliesTo": {"skus": ["A1"], "category": "x"}}, "INVALID", ["appliesTo", "category"]),
    ({"appliesTo": {"stores": []}}, "INVALID", ["appliesTo", "stores"]),
    ({"segmentId": "seg_999999"}, "NOT_FOUND", ["segmentId"]),
    ({"campaignId": "camp_999999"}, "NOT_FOUND", ["campaignId"]),
    ({"campaignId": "nonsense"}, "NOT_FOUND", ["campaignId"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "path"), BAD)
async def test_a_faulty_promo_is_refused(
    db: Database, call: Call, change: dict[str, Any], code: str, path: list[str]
) -> None:
    group = await groups.group(db)
    made = await call(group.scope, CREATE, i={"code": "GOOD", "type": "PERCENTAGE", "value": 5, **change})
    (error,) = made["data"]["promoCreate"]["errors"]
    assert (error["code"], error["path"]) == (code, path)
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM promo") == 0


async def test_a_key_that_is_not_known_is_named_with_those_that_are(db: Database, call: Call) -> None:
    group = await groups.group(db)
    made = await call(
        group.scope, CREATE, i={"code": "GOOD", "type": "PERCENTAGE", "value": 5, "appliesTo": {"sku": []}}
    )
    assert made["data"]["promoCreate"]["errors"][0]["message"] == (
        "`appliesTo.sku` is not known; what a promo applies to is said by `all_items`, `skus`, `categories`, `stores`."
    )


@pytest.mark.parametrize(
    ("stored", "everything"),
    [
        (None, True), ("{}", True), ('{"stores": []}', True), ('{"all_items": true, "skus": [], "note": 1}', True),
        ('{"skus": []}', False), ('{"categories": [], "skus": []}', False), ('{"sku": ["A1"]}', False),
    ],
)  # fmt: skip
def test_an_empty_list_and_what_cannot_be_read_are_not_everything(
    stored: str | None, everything: bool
) -> None:
    assert applies_to_of(stored).all_items is everything


async def test_a_code_is_there_once_in_any_case_also_at_once(db: Database, call: Call) -> None:
    group, other = await groups.group(db), await groups.group(db)
    made = await asyncio.gather(
        *(
            call(group.scope, CREATE, i={"code": code, "type": "FIXED_AMOUNT", "value": 5})
            for code in ["Flash25", "FLASH25", "flash25", "fLASH25"] * 3
        )
    )
    codes = [
        m["data"]["promoCreate"]["errors"][0]["code"] for m in made if m["data"]["promoCreate"]["errors"]
    ]
    assert codes == ["PROMO_CODE_EXISTS"] * 11
    elsewhere = await call(other.scope, CREATE, i={"code": "FLASH25", "type": "FIXED_AMOUNT", "value": 5})
    assert elsewhere["data"]["promoCreate"]["errors"] == []


async def test_a_type_of_its_own_is_kept_but_not_redeemed(db: Database, call: Call) -> None:
    group = await groups.group(db)
    made = await call(group.scope, CREATE, i={"code": "CASHBACK", "ownType": "cashback", "value": 500})
    assert made["data"]["promoCreate"]["promo"]["type"] == "UNRECOGNIZED"
    found = await call(group.scope, VALIDATE, code="CASHBACK", basket=HUNDRED)
    assert [r["code"] for r in found["data"]["promoValidate"]["reasons"]] == ["UNKNOWN_TYPE"]


async def test_an_update_changes_what_is_sent_and_a_delete_frees_the_code(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=5, max_discount=Decimal(9))
    changed = await call(
        group.scope, UPDATE, i={"id": f"promo_{promo}", "maxDiscount": None, "code": "later"}
    )
    shown = changed["data"]["promoUpdate"]["promo"]
    assert (shown["code"], shown["maxDiscount"], shown["usageLimit"]) == ("LATER", None, 5)
    gone = await call(group.scope, DELETE, id=f"promo_{promo}")
    assert gone["data"]["promoDelete"]["deletedId"] == f"promo_{promo}"
    again = await call(group.scope, DELETE, id=f"promo_{promo}")
    assert again["data"]["promoDelete"]["errors"][0]["code"] == "NOT_FOUND"


async def test_validating_tells_the_discount_and_uses_nothing(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, max_discount=Decimal("15"))
    found = await call(group.scope, VALIDATE, Role.READ, code=" welcome20 ", basket=HUNDRED)
    assert found["data"]["promoValidate"] == {
        "valid": True, "discount": {"amount": "15.00", "currency": "EUR"}, "reasons": [],
        "promo": {"id": f"promo_{promo}", "code": "WELCOME20", "redemptions": {"totalCount": 0}},
    }  # fmt: skip
    assert await given.uses(db, group.scope, promo) == (0, 0, 0)
    none = await call(group.scope, VALIDATE, code="NOPE", basket=HUNDRED)
    assert none["data"]["promoValidate"]["reasons"][0]["code"] == "UNKNOWN_CODE"
    assert none["data"]["promoValidate"]["discount"] is None
    nobody = await call(group.scope, VALIDATE, code="WELCOME20", basket=HUNDRED, customer="cust_999999")
    assert nobody["data"]["promoValidate"]["reasons"][0]["path"] == ["customerId"]


async def test_only_members_of_the_segment_may_use_it(db: Database, call: Call) -> None:
    group = await groups.group(db)
    inside, outside = await given.customers(db, group.group_id, 2)
    listed = await given.segment(db, group.group_id, members=[inside])
    gold = await given.segment(db, group.group_id, kind="dynamic", criteria='{"loyalty_tier": "gold"}')
    async with db.transaction(group.scope) as tx:
        await tx.execute("UPDATE customer SET loyalty_tier = 'gold' WHERE id = $1", inside)
    await given.promo(db, group.scope, "LISTED", segment_id=listed)
    await given.promo(db, group.scope, "GOLD", segment_id=gold)
    for code in ("LISTED", "GOLD"):
        told = []
        for customer in (inside, outside):
            found = await call(group.scope, VALIDATE, code=code, basket=HUNDRED, customer=f"cust_{customer}")
            told.append([r["code"] for r in found["data"]["promoValidate"]["reasons"]])
        assert told == [[], ["NOT_IN_SEGMENT"]]


async def test_a_use_is_told_with_its_promo_and_given_back(db: Database, call: Call) -> None:
    group = await groups.group(db)
    (customer,) = await given.customers(db, group.group_id, 1)
    await given.promo(db, group.scope, per_customer_limit=1)
    basket = {**HUNDRED, "deliveryFee": "4.90", "storeId": f"store_{group.store_id}"}
    asked = {"key": "order 1", "code": "welcome20", "basket": basket, "customerId": f"cust_{customer}"}
    made = (await call(group.scope, REDEEM, i=asked))["data"]["promoRedeem"]["redemption"]
    ident = made.pop("id")
    assert made == {
        "key": "order 1", "counts": True, "discount": {"amount": "20.00", "currency": "EUR"},
        "basketTotal": {"amount": "104.90"}, "releasedAt": None, "promo": {"code": "WELCOME20", "used": 1},
        "customer": {"id": f"cust_{customer}"}, "store": {"id": f"store_{group.store_id}"},
    }  # fmt: skip
    assert (await call(group.scope, REDEEM, i=asked))["data"]["promoRedeem"]["redemption"]["id"] == ident
    (error,) = (await call(group.scope, REDEEM, i={**asked, "key": "2"}))["data"]["promoRedeem"]["errors"]
    assert error["code"] == "CUSTOMER_LIMIT_REACHED"
    for _ in range(2):
        back = (await call(group.scope, RELEASE, id=ident))["data"]["promoRelease"]["redemption"]
        assert back == {"counts": False, "promo": {"used": 0}}


async def test_readers_write_nothing(db: Database, call: Call) -> None:
    group = await groups.group(db)
    made = await call(group.scope, CREATE, Role.READ, i={"code": "GOOD", "type": "PERCENTAGE", "value": 5})
    assert made["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_store_makes_promos_of_its_own_campaigns_alone(db: Database, call: Call) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    own = Scope(group.group_id, store_id=second.store_id)
    mine = await campaigns.campaign(db, group.scope, store_id=second.store_id)
    foreign = await campaigns.campaign(db, group.scope, store_id=group.store_id)
    wide = await given.promo(db, group.scope, "WIDE")
    bound = await given.promo(db, group.scope, "BOUND", campaign_id=foreign)
    good = {"code": "GOOD", "type": "PERCENTAGE", "value": 5}
    assert (await call(own, CREATE, i=good))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    told = (await call(own, CREATE, i={**good, "campaignId": f"camp_{foreign}"}))["data"]["promoCreate"]
    assert told["errors"][0]["code"] == "NOT_FOUND"
    told = (await call(own, CREATE, i={**good, "campaignId": f"camp_{mine}"}))["data"]["promoCreate"]
    assert told["errors"] == []
    told = await call(own, DELETE, id=f"promo_{wide}")
    assert told["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    told = (await call(own, DELETE, id=f"promo_{bound}"))["data"]["promoDelete"]
    assert told["errors"][0]["code"] == "NOT_FOUND"
    assert (await call(own, VALIDATE, code="WIDE", basket=HUNDRED))["data"]["promoValidate"]["valid"]
    hidden = (await call(own, VALIDATE, code="BOUND", basket=HUNDRED))["data"]["promoValidate"]
    assert [r["code"] for r in hidden["reasons"]] == ["UNKNOWN_CODE"]


async def test_a_campaign_brings_its_promo_or_takes_the_one_that_fits(db: Database) -> None:
    group = await groups.group(db)
    start, end = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)
    first = await campaigns.campaign(db, group.scope, starts_at=start, ends_at=end)
    second = await campaigns.campaign(db, group.scope)

    async def linked(campaign: int, code: str, percent: str | None) -> int:
        async with db.transaction(group.scope) as tx:
            discount = None if percent is None else Decimal(percent)
            return await promo_for_campaign(
                tx, campaign, code=code, discount_percent=discount, now=given.NOON
            )

    made = await linked(first, "flash25", "25")
    async with db.transaction(group.scope) as tx:
        row = await tx.fetchrow("SELECT * FROM promo WHERE id = $1", made)
        assert row is not None
    assert (row["code_key"], row["type"], row["value"], row["campaign_id"], row["follows_campaign"]) == (
        "FLASH25", "percentage", 25, first, True,
    )  # fmt: skip
    assert (row["valid_from"], row["valid_until"]) == (None, None)
    assert await linked(second, "Flash25", "25.0") == made
    assert await linked(second, "FLASH25", None) == made
    with pytest.raises(Conflict) as refused:
        await linked(second, "FLASH25", "30")
    assert refused.value.reason == "PROMO_CODE_EXISTS"
    with pytest.raises(Failure) as wrong:
        await linked(second, "?", "30")
    assert (wrong.value.reason, wrong.value.path) == ("INVALID_PROMO_CODE", ["promoCode"])
    loose = await given.promo(db, group.scope, "LOOSE", value=Decimal(10))
    assert await linked(second, "loose", "10") == loose
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT campaign_id FROM promo WHERE id = $1", loose) == second
