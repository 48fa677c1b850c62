"""Several codes on one basket: who may come with whom, what each takes, and what each line bears."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from app.db.database import Database
from app.domain.promos.discounts import shared_out
from app.domain.promos.lives import CampaignLife
from app.domain.promos.rules import judge_together
from app.domain.promos.terms import AppliesTo, Basket, BasketLine, Buyer, Terms
from app.tables.promos import Stacking
from app.values.money import digits_of
from tests.given import audience, groups
from tests.given import promos as given
from tests.given.promos import NOON
from tests.promos.conftest import Call

VALIDATE = """
query($codes: [String!], $code: String, $basket: BasketInput!, $customer: ID) {
  promoValidate(codes: $codes, code: $code, basket: $basket, customerId: $customer) {
    valid discount { amount } reasons { code path }
    codes { code valid discount { amount } deliveryDiscount { amount } lines { line discount { amount } }
            promo { code } reasons { code } } } }
"""
REDEEM = """
mutation($i: PromoRedeemInput!) { promoRedeem(input: $i) {
  redemption { id } redemptions { id key discount { amount } lineDiscounts promo { code used } } errors { code } } }
"""
RELEASE = "mutation($id: ID!) { promoRelease(input: {id: $id}) { redemption { counts } errors { code } } }"
HUNDRED = {"lines": [{"sku": "A1", "unitPrice": "40", "quantity": 2}, {"sku": "B1", "unitPrice": "20.00"}]}
TOGETHER: dict[str, Any] = {"stacking": Stacking.WITH_OTHERS}


async def test_two_of_sixty_percent_never_take_more_than_the_basket(db: Database, call: Call) -> None:
    group = await groups.group(db)
    for code in ("ONE60", "TWO60"):
        await given.promo(db, group.scope, code, value=Decimal(60), **TOGETHER)
    told = (await call(group.scope, VALIDATE, codes=["ONE60", "TWO60"], basket=HUNDRED))["data"][
        "promoValidate"
    ]
    assert (told["valid"], told["discount"]) == (True, {"amount": "84.00"})
    assert [
        (one["code"], one["discount"]["amount"], [s["discount"]["amount"] for s in one["lines"]])
        for one in told["codes"]
    ] == [("ONE60", "60.00", ["48.00", "12.00"]), ("TWO60", "24.00", ["19.20", "4.80"])]


async def test_a_promo_stands_alone_unless_it_says_otherwise(db: Database, call: Call) -> None:
    group = await groups.group(db)
    await given.promo(db, group.scope, "ALONE", value=Decimal(60))
    await given.promo(db, group.scope, "SHARED", value=Decimal(60), **TOGETHER)
    for codes, valid in ((["ALONE", "SHARED"], [True, False]), (["SHARED", "ALONE"], [True, False])):
        told = (await call(group.scope, VALIDATE, codes=codes, basket=HUNDRED))["data"]["promoValidate"]
        assert [one["valid"] for one in told["codes"]] == valid
        assert told["codes"][1]["reasons"] == [{"code": "NOT_WITH_OTHERS"}]
        assert (told["valid"], told["discount"]) == (False, {"amount": "60.00"})
        asked = {"key": "k", "codes": codes, "basket": HUNDRED}
        done = (await call(group.scope, REDEEM, i=asked))["data"]["promoRedeem"]
        assert (done["redemptions"], done["errors"]) == (None, [{"code": "NOT_WITH_OTHERS"}])
    shown = (await call(group.scope, "{ promos { nodes { used } } }"))["data"]["promos"]["nodes"]
    assert [one["used"] for one in shown] == [0, 0]


async def test_several_are_redeemed_with_one_key_and_given_back_together(db: Database, call: Call) -> None:
    group = await groups.group(db)
    one = await given.promo(db, group.scope, "ARTICLES", applies_to={"skus": ["A1"]}, **TOGETHER)
    two = await given.promo(
        db, group.scope, "DELIVERY", type="free_delivery", value=Decimal(0), usage_limit=1, **TOGETHER
    )
    basket = {**HUNDRED, "deliveryFee": "4.90"}
    asked = {"key": "k", "codes": ["articles", "delivery"], "basket": basket}
    done = (await call(group.scope, REDEEM, i=asked))["data"]["promoRedeem"]
    assert [(r["key"], r["discount"]["amount"], r["promo"]) for r in done["redemptions"]] == [
        ("k", "16.00", {"code": "ARTICLES", "used": 1}), ("k", "4.90", {"code": "DELIVERY", "used": 1}),
    ]  # fmt: skip
    assert [r["lineDiscounts"] for r in done["redemptions"]] == [
        {"lines": ["16.00", "0.00"], "delivery": "0.00"}, {"lines": ["0.00", "0.00"], "delivery": "4.90"},
    ]  # fmt: skip
    again = (await call(group.scope, REDEEM, i=asked))["data"]["promoRedeem"]
    assert [r["id"] for r in again["redemptions"]] == [r["id"] for r in done["redemptions"]]
    for change in ({"codes": ["delivery", "articles"]}, {"codes": None, "code": "articles"}):
        told = (await call(group.scope, REDEEM, i={**asked, **change}))["data"]["promoRedeem"]
        assert told["errors"] == [{"code": "KEY_REUSED"}]
    # All or nothing: the second one is used up.
    told = (await call(group.scope, REDEEM, i={**asked, "key": "other"}))["data"]["promoRedeem"]
    assert told["errors"] == [{"code": "USAGE_LIMIT_REACHED"}]
    assert [(await given.uses(db, group.scope, promo))[0] for promo in (one, two)] == [1, 1]
    await call(group.scope, RELEASE, id=done["redemption"]["id"])
    assert [(await given.uses(db, group.scope, promo))[0] for promo in (one, two)] == [0, 0]
    told = (await call(group.scope, REDEEM, i={**asked, "key": "other"}))["data"]["promoRedeem"]
    assert told["errors"] == []


async def test_every_code_says_every_reason(db: Database, call: Call) -> None:
    group = await groups.group(db)
    await given.promo(db, group.scope, "LATER", valid_from=NOON.replace(year=2027), **TOGETHER)
    await given.promo(db, group.scope, "DEAR", min_order_amount=Decimal(101), usage_limit=0, **TOGETHER)
    await given.promo(db, group.scope, "GOOD", **TOGETHER)
    codes = ["LATER", "NOBODY", "DEAR", "GOOD", "good"]
    told = (await call(group.scope, VALIDATE, codes=codes, basket=HUNDRED))["data"]["promoValidate"]
    assert [[r["code"] for r in one["reasons"]] for one in told["codes"]] == [
        ["NOT_STARTED"], ["UNKNOWN_CODE"], ["USAGE_LIMIT_REACHED", "BELOW_MINIMUM"], [], ["SAME_PROMO"],
    ]  # fmt: skip
    assert (told["valid"], told["discount"]) == (False, {"amount": "20.00"})
    faulty: list[dict[str, Any]] = [{"codes": []}, {}, {"code": "GOOD", "codes": ["GOOD"]}]
    for wrong in faulty:
        told = (await call(group.scope, VALIDATE, basket=HUNDRED, **wrong))["data"]["promoValidate"]
        assert [r["code"] for r in told["reasons"]] == ["CODE_UNNAMED"]


async def test_a_minimum_may_be_asked_of_the_articles_it_applies_to(db: Database, call: Call) -> None:
    group = await groups.group(db)
    named: dict[str, Any] = {"applies_to": {"skus": ["B1"]}, "min_order_amount": Decimal(50)}
    await given.promo(db, group.scope, "ORDER", **named)
    await given.promo(db, group.scope, "ARTICLES", minimum_of_articles=True, **named)
    told = [
        (await call(group.scope, VALIDATE, code=code, basket=HUNDRED))["data"]["promoValidate"]["reasons"]
        for code in ("ORDER", "ARTICLES")
    ]
    assert told == [[], [{"code": "BELOW_MINIMUM", "path": ["basket", "lines"]}]]


async def test_a_first_order_is_the_first(db: Database, call: Call) -> None:
    group = await groups.group(db)
    ada = await audience.customer(db, group.scope, "ada")
    bo = await audience.customer(db, group.scope, "bo")
    await audience.orders(db, group.scope, audience.order("o1", "bo"))
    promo = await given.promo(db, group.scope, "HELLO", first_order_only=True)
    told = []
    for customer in (None, f"cust_{ada}", f"cust_{bo}"):
        found = await call(group.scope, VALIDATE, code="HELLO", basket=HUNDRED, customer=customer)
        told.append([r["code"] for r in found["data"]["promoValidate"]["reasons"]])
    assert told == [["CUSTOMER_NEEDED"], [], ["NOT_FIRST_ORDER"]]
    # Nobody has two first orders, however quickly both are made.
    await given.use(db, group.scope, "HELLO", key="one", customer_id=ada)
    with pytest.raises(Exception, match="A customer can use the promo 1 times"):
        await given.use(db, group.scope, "HELLO", key="two", customer_id=ada)
    # The order that came with it is not before itself.
    await audience.customer(db, group.scope, "cy")
    await audience.orders(db, group.scope, audience.order("o2", "cy", promo_code="hello"))
    async with db.transaction(group.scope) as tx:
        cy = await tx.fetchval("SELECT id FROM customer WHERE external_id = 'cy'")
    await given.use(db, group.scope, "HELLO", key="o2", customer_id=cy)
    assert (await given.uses(db, group.scope, promo))[0] == 2


@pytest.mark.parametrize(
    ("amount", "bases", "shares"),
    [
        ("1.00", ["1", "1", "1"], ["0.34", "0.33", "0.33"]),
        ("0.01", ["1", "9"], ["0.00", "0.01"]),
        ("5.00", ["2.50", "0", "2.50"], ["2.50", "0.00", "2.50"]),
        ("0.02", ["0.01", "0.01", "0.01"], ["0.01", "0.01", "0.00"]),
        ("9.99", ["3.33", "3.33", "3.33"], ["3.33", "3.33", "3.33"]),
        ("0.00", ["1"], ["0.00"]),
    ],
)
def test_shares_go_by_the_largest_remainder(amount: str, bases: list[str], shares: list[str]) -> None:
    found = shared_out(Decimal(amount), [Decimal(one) for one in bases], Decimal("0.01"))
    assert found == tuple(map(Decimal, shares))


coins = st.integers(0, 10**7)


@over(bases=st.lists(coins, max_size=9), part=st.fractions(0, 1))
def test_shares_add_up_and_stay_within_their_lines(bases: list[int], part: Any) -> None:
    amount = Decimal(int(sum(bases) * part))
    found = shared_out(amount, [Decimal(one) for one in bases], Decimal(1))
    assert sum(found) == amount
    assert all(0 <= share <= base for share, base in zip(found, bases, strict=True))


@over(
    promos=st.lists(
        st.tuples(
            st.sampled_from(["percentage", "fixed_amount", "free_delivery", "free_item"]),
            st.integers(0, 100),
            st.sampled_from([AppliesTo(), AppliesTo(all_items=False, skus=frozenset({"A1"}))]),
            st.none() | st.integers(0, 50),
        ),
        min_size=1, max_size=6,
    ),
    lines=st.lists(st.tuples(st.sampled_from(["A1", "B1"]), st.integers(1, 4), st.integers(0, 5_000)), max_size=5),
    delivery=st.integers(0, 900),
    currency=st.sampled_from(["EUR", "JPY", "BHD"]),
)  # fmt: skip
def test_together_they_take_no_more_than_there_is_and_every_line_bears_its_part(
    promos: list[Any], lines: list[Any], delivery: int, currency: str
) -> None:
    step = Decimal(1).scaleb(-digits_of(currency))
    basket = Basket(
        lines=[BasketLine(sku=sku, quantity=n, unit_price=price * step) for sku, n, price in lines],
        delivery_fee=delivery * step,
    )
    asked = [
        Terms(
            type=kind, value=Decimal(value), currency=currency, applies_to=applies, stacking=Stacking.WITH_OTHERS,
            max_discount=None if cap is None else Decimal(cap),
        )
        for kind, value, applies, cap in promos
    ]  # fmt: skip
    verdicts = judge_together([(terms, Buyer(known=True)) for terms in asked], basket, now=NOON)
    assert verdicts == judge_together([(terms, Buyer(known=True)) for terms in asked], basket, now=NOON)
    for at, line in enumerate(basket.lines):
        borne = [verdict.taken.lines[at] for verdict in verdicts]
        assert 0 <= min(borne)
        assert sum(borne) <= line.amount
        assert all(one == one.quantize(step) for one in borne)
    assert sum(verdict.taken.delivery for verdict in verdicts) <= basket.delivery_fee
    assert sum(verdict.discount for verdict in verdicts) <= basket.total
    for terms, verdict in zip(asked, verdicts, strict=True):
        assert verdict.discount == sum(verdict.taken.lines) + verdict.taken.delivery
        assert terms.max_discount is None or verdict.discount <= terms.max_discount


def test_one_that_follows_tells_each_of_its_campaigns() -> None:
    told = Terms(
        type="percentage", value=Decimal(5), currency="EUR", follows=True,
        campaigns=(CampaignLife(id=1, name="Spring", status="paused", starts_at=None, ends_at=None),),
    )  # fmt: skip
    (verdict,) = judge_together([(told, Buyer())], given.basket(("A1", 1, "10")), now=NOON)
    assert [one.message for one in verdict.reasons] == [
        "The promo holds while its campaign runs: its campaign 'Spring' is paused."
    ]


async def test_giving_back_answers_with_all_that_were_used_together(db: Database, call: Call) -> None:
    group = await groups.group(db)
    for code in ("ONE10", "TWO10"):
        await given.promo(db, group.scope, code, stacking="with_others", value=Decimal(10))
    redeem = """
    mutation($i: PromoRedeemInput!) { promoRedeem(input: $i) { redemptions { id promo { code } } } }
    """
    back = """
    mutation($id: ID!) { promoRelease(input: {id: $id}) {
      redemption { id counts } redemptions { id counts promo { code } } } }
    """
    asked = {"key": "k", "codes": ["TWO10", "ONE10"], "basket": {"lines": [{"unitPrice": "100"}]}}
    made = (await call(group.scope, redeem, i=asked))["data"]["promoRedeem"]["redemptions"]
    for _ in range(2):
        told = (await call(group.scope, back, id=made[1]["id"]))["data"]["promoRelease"]
        assert told["redemption"] == {"id": made[1]["id"], "counts": False}
        assert told["redemptions"] == [{**one, "counts": False} for one in made]
