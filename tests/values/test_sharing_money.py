"""Money in parts: nothing is lost, nothing is made."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from app.values.money import digits_of, share_out

AMOUNTS = st.decimals(-(10**13), 10**13, places=4, allow_nan=False) | st.decimals(-1000, 1000, places=2)
WEIGHTS = st.lists(st.integers(0, 10**12) | st.fractions(0, 10), min_size=1, max_size=40).filter(any)


@given(amount=AMOUNTS, currency=st.sampled_from(["EUR", "JPY", "BHD"]), weights=WEIGHTS)
@example(amount=Decimal("-0.01"), currency="EUR", weights=[1, 1])
@example(amount=Decimal("99999999999999.9999"), currency="EUR", weights=[1, 2, 3])
def test_parts_add_up_and_lie_within_a_coin_of_their_due(
    amount: Decimal, currency: str, weights: list[int | Fraction]
) -> None:
    parts = share_out(amount, currency, weights)
    assert sum(parts) == amount
    digits = max(digits_of(currency), -int(amount.normalize().as_tuple().exponent))
    coin, total = Fraction(1, 10**digits), sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(amount) * weight / total) < coin
        assert part * amount >= 0
        assert part == part.quantize(Decimal(1).scaleb(-digits))


def test_what_is_left_goes_to_the_largest_remainder_and_the_earliest_of_equals() -> None:
    assert share_out(Decimal("0.05"), "EUR", [1, 1]) == [Decimal("0.03"), Decimal("0.02")]
    assert share_out(Decimal("-0.05"), "EUR", [1, 1]) == [Decimal("-0.03"), Decimal("-0.02")]
    assert share_out(Decimal("1.00"), "EUR", [1, 1, 4]) == [Decimal("0.17"), Decimal("0.17"), Decimal("0.66")]
    assert share_out(Decimal(100), "JPY", [1, 1, 1]) == [34, 33, 33]
    assert share_out(Decimal(4000), "EUR", [1, 1]) == [2000, 2000]
    assert share_out(Decimal(0), "EUR", [1, 2]) == [0, 0]


def test_weights_may_be_fractions() -> None:
    parts = share_out(Decimal("10.01"), "EUR", [Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)])
    assert parts == [Decimal("4.01"), Decimal("2.00"), Decimal("4.00")]
