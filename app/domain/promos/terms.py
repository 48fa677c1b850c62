"""What promos are judged by: their terms, the basket, the buyer. Values, without a rule.

Source: Marketing & CRM API, "Create Promo Code".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domain.promos.lives import CampaignLife
from app.tables.promos import Stacking

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
    PAUSED = "paused"
    """None of the campaigns it follows runs, and none is to come."""
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
    """All uses that stand, those beyond the limits too."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """Exclusive."""
    applies_to: AppliesTo = field(default_factory=AppliesTo)
    has_segment: bool = False
    follows: bool = False
    """Whether it holds only while one of `campaigns` runs."""
    campaigns: tuple[CampaignLife, ...] = ()
    stacking: Stacking = Stacking.EXCLUSIVE
    minimum_of_articles: bool = False
    first_order_only: bool = False
    generated_only: bool = False
    own_code: bool = True
    """Whether it was named by its own code, not by one that was generated for it."""
    code_is_used: bool = False
    """Whether the generated code was used before."""

    @property
    def customer_limit(self) -> int | None:
        """How often one customer can use it: nobody has two first orders."""
        if not self.first_order_only:
            return self.per_customer_limit
        return 1 if self.per_customer_limit is None else min(self.per_customer_limit, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """A number of units of one article."""

    quantity: int
    unit_price: Decimal
    sku: str | None = None
    category: str | None = None

    @property
    def amount(self) -> Decimal:
        """What all of its units cost."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What somebody is about to buy. Amounts are in the promo's currency unless `currency` says otherwise."""

    lines: Sequence[BasketLine] = ()
    delivery_fee: Decimal = NOTHING
    currency: str | None = None

    @property
    def goods(self) -> Decimal:
        """The lines, without delivery."""
        return sum((line.amount for line in self.lines), NOTHING)

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
    orders: int = 0
    """How many orders of the customer hold."""
    store_names: frozenset[str] | None = None
    """What the basket's store is called in `applies_to`; None: no store was named."""


def type_of(text: str) -> str:
    """A type as it is kept: one that can be redeemed, however it is written (`Fixed-Amount`); others as they are."""
    plain = "_".join(text.strip().lower().replace("-", " ").replace("_", " ").split())
    return plain if plain in set(PromoType) else text
