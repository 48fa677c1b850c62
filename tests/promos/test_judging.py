"""What a promo takes off, to the digit, and every reason why not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from app.domain.promos.rules import judge_together
from app.domain.promos.terms import AppliesTo, Basket, BasketLine, Buyer, Terms
from app.values.money import digits_of
from tests.given.promos import NOON, basket

ANYONE = Buyer(known=True, in_segment=True, store_names=frozenset({"store_7"}))
SKUS = AppliesTo(all_items=False, skus=frozenset({"A1"}))


def terms(**said: Any) -> Terms:
    return Terms(**{"type": "percentage", "value": Decimal(20), "currency": "EUR", **said})


CASES = [
    ("a fifth", terms(), basket(("A1", 2, "12.50")), "5.00"),
    ("rounded once, half up", terms(value=Decimal("12.5")), basket(("A1", 1, "0.20")), "0.03"),
    ("lines are added before rounding", terms(value=Decimal(10)), basket(*[("A1", 1, "0.05")] * 10), "0.05"),
    ("capped", terms(max_discount=Decimal("3")), basket(("A1", 1, "100")), "3.00"),
    (
        "a cap finer than the currency is not passed",
        terms(max_discount=Decimal("1.999")),
        basket(("A1", 1, "100")),
        "1.99",
    ),
    ("yen have no digits", terms(currency="JPY"), basket(("A1", 1, "1234")), "247"),
    ("dinars have three", terms(currency="BHD", value=Decimal("12.5")), basket(("A1", 1, "0.107")), "0.013"),
    ("delivery is not discounted", terms(), basket(("A1", 1, "10"), delivery="5"), "2.00"),
    ("a sum", terms(type="fixed_amount", value=Decimal("7.5")), basket(("A1", 1, "20")), "7.50"),
    (
        "a sum, never more than the basket",
        terms(type="fixed_amount", value=Decimal(30)),
        basket(("A1", 1, "20")),
        "20.00",
    ),
    ("delivery", terms(type="free_delivery", value=Decimal(0)), basket(("A1", 1, "20"), delivery="4.90"), "4.90"),
    ("delivery, capped", terms(type="free_delivery", max_discount=Decimal(3)), basket(delivery="4.90"), "3.00"),
    ("the cheapest item", terms(type="free_item", value=Decimal(1)), basket(("A1", 2, "9"), ("B1", 1, "4")), "4.00"),
    ("the cheapest three", terms(type="free_item", value=Decimal(3)), basket(("A1", 2, "9"), ("B1", 1, "4")), "22.00"),
    ("named articles alone", terms(applies_to=SKUS), basket(("A1", 1, "10"), ("B1", 1, "90")), "2.00"),
    (
        "named categories alone",
        terms(applies_to=AppliesTo(all_items=False, categories=frozenset({"B"}))),
        basket(("A1", 1, "10"), ("B1", 1, "90")),
        "18.00",
    ),
    ("in this store", terms(applies_to=AppliesTo(stores=frozenset({"store_7"}))), basket(("A1", 1, "10")), "2.00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "paid", "discount"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_promo_takes_off(said: Terms, paid: Basket, discount: str) -> None:
    (verdict,) = judge_together([(said, ANYONE)], paid, now=NOON)
    assert verdict.reasons == ()
    assert str(verdict.discount) == discount


REASONS = [
    (terms(type="cashback"), {}, {"UNKNOWN_TYPE"}),
    (terms(valid_from=NOON + timedelta(seconds=1)), {}, {"NOT_STARTED"}),
    (terms(valid_until=NOON), {}, {"EXPIRED"}),
    (terms(usage_limit=3, used=3), {}, {"USAGE_LIMIT_REACHED"}),
    (terms(per_customer_limit=1), {"buyer": Buyer()}, {"CUSTOMER_NEEDED"}),
    (terms(has_segment=True), {"buyer": Buyer()}, {"CUSTOMER_NEEDED"}),
    (terms(has_segment=True), {"buyer": Buyer(known=True)}, {"NOT_IN_SEGMENT"}),
    (terms(per_customer_limit=2), {"buyer": Buyer(known=True, used=2)}, {"CUSTOMER_LIMIT_REACHED"}),
    (terms(min_order_amount=Decimal("10.01")), {}, {"BELOW_MINIMUM"}),
    (terms(applies_to=AppliesTo(all_items=False)), {}, {"NOTHING_APPLIES"}),
    (terms(applies_to=AppliesTo(stores=frozenset({"store_8"}))), {}, {"WRONG_STORE"}),
    (terms(applies_to=AppliesTo(stores=frozenset({"store_8"}))), {"buyer": Buyer()}, {"STORE_NEEDED"}),
    (terms(), {"paid": basket(("A1", 1, "10"), currency="USD")}, {"CURRENCY_MISMATCH"}),
    (terms(), {"paid": basket()}, {"NOTHING_APPLIES"}),
    (terms(value=Decimal(0)), {}, {"NOTHING_OFF"}),
    (terms(type="free_delivery"), {}, {"NO_DELIVERY_FEE"}),
    (
        terms(
            valid_until=NOON, usage_limit=1, used=1, has_segment=True, per_customer_limit=1,
            min_order_amount=Decimal(99), applies_to=AppliesTo(all_items=False, stores=frozenset({"s"})),
        ),
        {"buyer": Buyer(known=True, used=1, store_names=frozenset({"store_7"}))},
        {"EXPIRED", "USAGE_LIMIT_REACHED", "NOT_IN_SEGMENT", "CUSTOMER_LIMIT_REACHED", "BELOW_MINIMUM",
         "NOTHING_APPLIES", "WRONG_STORE"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("said", "case", "codes"), REASONS, ids=["+".join(sorted(r[2])) for r in REASONS])
def test_every_reason_is_told(said: Terms, case: dict[str, Any], codes: set[str]) -> None:
    paid, buyer = case.get("paid", basket(("A1", 1, "10"))), case.get("buyer", ANYONE)
    (verdict,) = judge_together([(said, buyer)], paid, now=NOON)
    assert {reason.code for reason in verdict.reasons} == codes
    assert len(verdict.reasons) == len(codes)
    assert verdict.discount == 0


money = st.decimals(0, 5000, places=4, allow_nan=False, allow_infinity=False)


@over(
    kind=st.sampled_from(["percentage", "fixed_amount", "free_delivery", "free_item"]),
    value=st.decimals(0, 100, places=4),
    cap=st.none() | money,
    lines=st.lists(st.tuples(st.sampled_from(["A1", "B1"]), st.integers(1, 9), money), max_size=6),
    delivery=money,
    currency=st.sampled_from(["EUR", "JPY", "BHD"]),
    applies=st.sampled_from([AppliesTo(), SKUS]),
)
def test_no_promo_takes_more_than_there_is(
    kind: str, value: Decimal, cap: Decimal | None, lines: list[tuple[str, int, Decimal]], delivery: Decimal,
    currency: str, applies: AppliesTo,
) -> None:  # fmt: skip
    paid = Basket(
        lines=[BasketLine(sku=s, category=s[0], quantity=n, unit_price=p) for s, n, p in lines],
        delivery_fee=delivery,
    )
    said = terms(type=kind, value=value, max_discount=cap, currency=currency, applies_to=applies)
    off = judge_together([(said, ANYONE)], paid, now=NOON)[0].discount
    bound = delivery if kind == "free_delivery" else paid.goods
    assert 0 <= off <= bound
    assert off <= (bound if cap is None else cap)
    assert off == off.quantize(Decimal(1).scaleb(-digits_of(currency)))
