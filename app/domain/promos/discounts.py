"""What a promo takes off a basket, and what of it each line bears. Pure; amounts are of one currency.

What was taken by one promo is there no more for the next, so that several never take more than the basket is. A
discount is rounded once, half up, to the currency's coins, and shared out in whole coins: in proportion to what is left
of the lines it applies to, the largest remainders first, the first line where they are equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from app.domain.promos.terms import HUNDRED, NOTHING, AppliesTo, Basket, BasketLine, PromoType, Terms
from app.values.money import digits_of


@dataclass(frozen=True, slots=True)
class Amounts:
    """Of each line of a basket, and of its delivery."""

    lines: tuple[Decimal, ...]
    delivery: Decimal = NOTHING

    @property
    def total(self) -> Decimal:
        """All of it."""
        return sum(self.lines, self.delivery)

    def less(self, other: "Amounts") -> "Amounts":
        """What is left after others were taken off."""
        left = tuple(mine - theirs for mine, theirs in zip(self.lines, other.lines, strict=True))
        return Amounts(left, self.delivery - other.delivery)


def amounts_of(basket: Basket) -> Amounts:
    """What it is about to cost."""
    return Amounts(tuple(line.amount for line in basket.lines), basket.delivery_fee)


def taken_off(terms: Terms, basket: Basket, left: Amounts) -> Amounts:
    """What the promo takes off what is left of this basket."""
    step = Decimal(1).scaleb(-digits_of(terms.currency))
    if terms.type == PromoType.FREE_DELIVERY:
        fee = _coins(left.delivery, left.delivery, terms.max_discount, step)
        return Amounts((NOTHING,) * len(basket.lines), fee)
    theirs = applicable(terms.applies_to, basket.lines)
    bases = [left.lines[at] if at in theirs else NOTHING for at in range(len(basket.lines))]
    bound = sum(bases, NOTHING)
    match terms.type:
        case PromoType.PERCENTAGE:
            raw = bound * terms.value / HUNDRED
        case PromoType.FIXED_AMOUNT:
            raw = terms.value
        case PromoType.FREE_ITEM:
            bases = _cheapest(basket.lines, bases, theirs, units=max(1, int(terms.value)))
            raw = sum(bases, NOTHING)
        case _:
            return Amounts((NOTHING,) * len(basket.lines))
    return Amounts(shared_out(_coins(raw, bound, terms.max_discount, step), bases, step))


def applicable(applies_to: AppliesTo, lines: Sequence[BasketLine]) -> set[int]:
    """The lines it applies to, by their places."""
    return {
        at
        for at, one in enumerate(lines)
        if applies_to.all_items or one.sku in applies_to.skus or one.category in applies_to.categories
    }


def shared_out(amount: Decimal, bases: Sequence[Decimal], step: Decimal) -> tuple[Decimal, ...]:
    """Shares of an amount in whole `step`s, in proportion to these and none above its own.

    They add up to the amount, or to the whole steps in `bases` where that is less. `amount` is in whole steps.
    """
    most = [int(base / step) for base in bases]
    whole = sum(most)
    steps = min(int(amount / step), whole)
    if not steps:
        return (NOTHING,) * len(bases)
    shares = [steps * one // whole for one in most]
    # What is left over is less than a step for each line with a remainder, and such a line is not full.
    by_remainder = sorted(range(len(most)), key=lambda at: (-(steps * most[at] % whole), at))
    for at in by_remainder[: steps - sum(shares)]:
        shares[at] += 1
    return tuple(one * step for one in shares)


def _coins(raw: Decimal, bound: Decimal, cap: Decimal | None, step: Decimal) -> Decimal:
    if cap is not None:
        bound = min(bound, cap)
    rounded = min(raw, bound).quantize(step, rounding=ROUND_HALF_UP)
    # Rounding up must not exceed the bound, which may have more digits than the currency.
    return rounded if rounded <= bound else bound.quantize(step, rounding=ROUND_DOWN)


def _cheapest(
    lines: Sequence[BasketLine], left: Sequence[Decimal], theirs: set[int], *, units: int
) -> list[Decimal]:
    """By line, the price of those of its units that are among the cheapest; no more than is left of it."""
    taken = [NOTHING] * len(lines)
    for at in sorted(theirs, key=lambda place: (lines[place].unit_price, place)):
        count = min(units, lines[at].quantity)
        taken[at], units = min(count * lines[at].unit_price, left[at]), units - count
    return taken


__all__ = ["Amounts", "amounts_of", "applicable", "shared_out", "taken_off"]
