"""What a promo takes off a basket, and every reason why it does not. Pure: facts in, a verdict out.

Source: Marketing & CRM API, "Create Promo Code"; what it leaves open is decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum

from app.values.money import digits_of, show_amount

HUNDRED = Decimal(100)
NOTHING = Decimal(0)


class PromoType(StrEnum):
    """The types that can be redeemed. Others can be stored: the document leaves the set open."""

    PERCENTAGE = "percentage"
    """`value` percent of what it applies to."""
    FIXED_AMOUNT = "fixed_amount"
    """`value` of the promo's currency, never more than what it applies to."""
    FREE_DELIVERY = "free_delivery"
    """The delivery fee; `value` is ignored."""
    FREE_ITEM = "free_item"
    """The cheapest `value` units of what it applies to; 0 counts as one."""


class PromoStatus(StrEnum):
    """Where a promo stands at a moment."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    USED_UP = "used_up"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class AppliesTo:
    """What a promo applies to. Lines: all of them, or those named by SKU or category. Stores: where."""

    all_items: bool = True
    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    stores: frozenset[str] | None = None
    """Ids as the graph shows them (`store_7`) or the stores' external ids; None: everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of a promo."""

    type: str
    value: Decimal
    currency: str
    min_order_amount: Decimal | None = None
    max_discount: Decimal | None = None
    usage_limit: int | None = None
    per_customer_limit: int | None = None
    used: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """Exclusive."""
    applies_to: AppliesTo = field(default_factory=AppliesTo)
    has_segment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """A number of units of one article."""

    quantity: int
    unit_price: Decimal
    sku: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What somebody is about to buy. Amounts are in the promo's currency unless `currency` says otherwise."""

    lines: Sequence[BasketLine] = ()
    delivery_fee: Decimal = NOTHING
    currency: str | None = None

    @property
    def goods(self) -> Decimal:
        """The lines, without delivery."""
        return sum((line.quantity * line.unit_price for line in self.lines), NOTHING)

    @property
    def total(self) -> Decimal:
        """The lines and delivery."""
        return self.goods + self.delivery_fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """What has to be known about whoever redeems. Without a customer, limits and segments cannot be checked."""

    known: bool = False
    in_segment: bool = False
    used: int = 0
    """How often the customer has used this promo already."""
    store_names: frozenset[str] | None = None
    """What the basket's store is called in `applies_to`; None: no store was named."""


@dataclass(frozen=True, slots=True)
class RefusalReason:
    """Why a promo cannot be redeemed."""

    code: str
    message: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromoVerdict:
    """What a promo takes off, or every reason why it takes off nothing."""

    discount: Decimal
    reasons: tuple[RefusalReason, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether it can be redeemed."""
        return not self.reasons


def judge_promo(terms: Terms, basket: Basket, buyer: Buyer, *, now: datetime) -> PromoVerdict:
    """The discount for this basket and buyer at this moment, or all reasons against it."""
    reasons = [*_of_time(terms, now), *_of_limits(terms, buyer), *_of_basket(terms, basket, buyer)]
    if terms.type not in set(PromoType):
        kinds = ", ".join(PromoType)
        reasons.insert(
            0,
            RefusalReason("UNKNOWN_TYPE", f"Promos of type {terms.type!r} cannot be redeemed, only {kinds}."),
        )
        return PromoVerdict(NOTHING, tuple(reasons))
    discount = discount_of(terms, basket)
    if discount == 0 and not any(r.path[:1] == ("basket",) for r in reasons):
        reasons.append(_nothing_off(terms, basket))
    return PromoVerdict(NOTHING if reasons else discount, tuple(reasons))


def standing(terms: Terms, *, now: datetime) -> PromoStatus:
    """Where the promo stands: its window first, then its uses."""
    if terms.valid_until is not None and terms.valid_until <= now:
        return PromoStatus.EXPIRED
    if terms.valid_from is not None and terms.valid_from > now:
        return PromoStatus.SCHEDULED
    is_used_up = terms.usage_limit is not None and terms.used >= terms.usage_limit
    return PromoStatus.USED_UP if is_used_up else PromoStatus.ACTIVE


def discount_of(terms: Terms, basket: Basket) -> Decimal:
    """What is taken off, rounded once, half up, to the currency's digits; never more than it applies to."""
    lines = applicable(terms.applies_to, basket.lines)
    bound = sum((line.quantity * line.unit_price for line in lines), NOTHING)
    match terms.type:
        case PromoType.PERCENTAGE:
            raw = bound * terms.value / HUNDRED
        case PromoType.FIXED_AMOUNT:
            raw = terms.value
        case PromoType.FREE_ITEM:
            raw = _cheapest(lines, max(1, int(terms.value)))
        case PromoType.FREE_DELIVERY:
            raw = bound = basket.delivery_fee
        case _:
            return NOTHING
    if terms.max_discount is not None:
        bound = min(bound, terms.max_discount)
    step = Decimal(1).scaleb(-digits_of(terms.currency))
    rounded = min(raw, bound).quantize(step, rounding=ROUND_HALF_UP)
    # Rounding up must not exceed the bound, which may have more digits than the currency.
    return rounded if rounded <= bound else bound.quantize(step, rounding=ROUND_DOWN)


def applicable(applies_to: AppliesTo, lines: Sequence[BasketLine]) -> list[BasketLine]:
    """The lines it applies to."""
    if applies_to.all_items:
        return list(lines)
    return [one for one in lines if one.sku in applies_to.skus or one.category in applies_to.categories]


def _of_time(terms: Terms, now: datetime) -> list[RefusalReason]:
    if terms.valid_from is not None and now < terms.valid_from:
        return [
            RefusalReason("NOT_STARTED", f"The promo starts at {terms.valid_from:%Y-%m-%d %H:%M:%S} UTC.")
        ]
    if terms.valid_until is not None and now >= terms.valid_until:
        return [RefusalReason("EXPIRED", f"The promo ended at {terms.valid_until:%Y-%m-%d %H:%M:%S} UTC.")]
    return []


def _of_limits(terms: Terms, buyer: Buyer) -> list[RefusalReason]:
    reasons: list[RefusalReason] = []
    if terms.usage_limit is not None and terms.used >= terms.usage_limit:
        reasons.append(used_up(terms.usage_limit))
    needs = terms.has_segment or terms.per_customer_limit is not None
    if needs and not buyer.known:
        reasons.append(
            RefusalReason(
                "CUSTOMER_NEEDED",
                "This promo asks who redeems it; name the customer.",
                ("customerId",),
            )
        )
        return reasons
    if terms.has_segment and not buyer.in_segment:
        reasons.append(
            RefusalReason("NOT_IN_SEGMENT", "The customer is not in the promo's segment.", ("customerId",))
        )
    if terms.per_customer_limit is not None and buyer.used >= terms.per_customer_limit:
        reasons.append(used_up_by_customer(terms.per_customer_limit))
    return reasons


def used_up(limit: int) -> RefusalReason:
    """All uses are gone."""
    return RefusalReason("USAGE_LIMIT_REACHED", f"The promo can be used {limit} times in all, and was.")


def used_up_by_customer(limit: int) -> RefusalReason:
    """All uses of one customer are gone."""
    return RefusalReason(
        "CUSTOMER_LIMIT_REACHED", f"A customer can use the promo {limit} times, and has.", ("customerId",)
    )


def _of_basket(terms: Terms, basket: Basket, buyer: Buyer) -> list[RefusalReason]:
    reasons: list[RefusalReason] = []
    stores = terms.applies_to.stores
    if stores is not None and buyer.store_names is None:
        reasons.append(
            RefusalReason(
                "STORE_NEEDED", "The promo holds in some stores only; name the store.", ("basket", "storeId")
            )
        )
    elif stores is not None and stores.isdisjoint(buyer.store_names or ()):
        reasons.append(
            RefusalReason("WRONG_STORE", "The promo does not hold in this store.", ("basket", "storeId"))
        )
    if basket.currency not in (None, terms.currency):
        message = f"The promo is in {terms.currency}, the basket in {basket.currency}."
        return [*reasons, RefusalReason("CURRENCY_MISMATCH", message, ("basket", "currency"))]
    if terms.min_order_amount is not None and basket.goods < terms.min_order_amount:
        least, have = (show_amount(x, terms.currency) for x in (terms.min_order_amount, basket.goods))
        message = (
            f"The promo needs an order of {least} {terms.currency}; this one, without delivery, is {have}."
        )
        reasons.append(RefusalReason("BELOW_MINIMUM", message, ("basket", "lines")))
    if terms.type != PromoType.FREE_DELIVERY and not applicable(terms.applies_to, basket.lines):
        message = "The promo applies to none of the basket's lines."
        reasons.append(RefusalReason("NOTHING_APPLIES", message, ("basket", "lines")))
    return reasons


def _nothing_off(terms: Terms, basket: Basket) -> RefusalReason:
    if terms.type == PromoType.FREE_DELIVERY and basket.delivery_fee == 0:
        return RefusalReason(
            "NO_DELIVERY_FEE", "There is no delivery fee to take off.", ("basket", "deliveryFee")
        )
    return RefusalReason("NOTHING_OFF", "The promo takes nothing off this basket.")


def _cheapest(lines: Sequence[BasketLine], units: int) -> Decimal:
    """The price of the cheapest units."""
    total, left = NOTHING, units
    for line in sorted(lines, key=lambda one: one.unit_price):
        taken = min(left, line.quantity)
        total, left = total + taken * line.unit_price, left - taken
    return total
