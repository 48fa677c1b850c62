"""Whether a promo can be used, every reason why not, and what each of several takes off. Pure: facts in, verdicts out.

Source: Marketing & CRM API, "Create Promo Code"; what it leaves open is decided here. What a promo takes off is in
`discounts.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain.promos.discounts import Amounts, amounts_of, applicable, taken_off
from app.domain.promos.lives import Phase, foremost, reasons_told
from app.domain.promos.terms import NOTHING, Basket, Buyer, PromoStatus, PromoType, Terms
from app.tables.promos import Stacking
from app.values.money import show_amount


@dataclass(frozen=True, slots=True)
class RefusalReason:
    """Why a promo cannot be redeemed."""

    code: str
    message: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromoVerdict:
    """What a promo takes off, or every reason why it takes off nothing."""

    taken: Amounts
    reasons: tuple[RefusalReason, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether it can be redeemed."""
        return not self.reasons

    @property
    def discount(self) -> Decimal:
        """What it takes off."""
        return self.taken.total


def judge_together(
    asked: Sequence[tuple[Terms, Buyer]], basket: Basket, *, now: datetime
) -> list[PromoVerdict]:
    """Several promos on one basket, in the order given: each takes off what those before it left.

    One that stands alone keeps out whatever comes after it, and is kept out by what was taken before. Minimums are
    asked of the basket as it is without any promo.
    """
    left = amounts_of(basket)
    before: list[Terms] = []
    verdicts: list[PromoVerdict] = []
    for terms, buyer in asked:
        verdict = _judged(terms, basket, left, buyer, now=now, is_first=not before)
        if before and Stacking.EXCLUSIVE in {terms.stacking, *(one.stacking for one in before)}:
            verdict = PromoVerdict(_none(basket), (*verdict.reasons, _alone(terms)))
        if verdict.valid:
            left = left.less(verdict.taken)
            before.append(terms)
        verdicts.append(verdict)
    return verdicts


def _judged(
    terms: Terms, basket: Basket, left: Amounts, buyer: Buyer, *, now: datetime, is_first: bool = True
) -> PromoVerdict:
    reasons = [
        *_of_code(terms),
        *_of_time(terms, now),
        *_of_limits(terms, buyer),
        *_of_basket(terms, basket, buyer),
    ]
    if terms.type not in set(PromoType):
        kinds = ", ".join(PromoType)
        reasons.insert(
            0,
            RefusalReason("UNKNOWN_TYPE", f"Promos of type {terms.type!r} cannot be redeemed, only {kinds}."),
        )
        return PromoVerdict(_none(basket), tuple(reasons))
    taken = taken_off(terms, basket, left)
    if taken.total == 0 and not any(r.path[:1] == ("basket",) for r in reasons):
        reasons.append(_nothing_off(terms, basket, is_first=is_first))
    return PromoVerdict(_none(basket) if reasons else taken, tuple(reasons))


def standing(terms: Terms, *, now: datetime) -> PromoStatus:
    """Where the promo stands: its own window first, then its campaigns where it follows them, then its uses."""
    if terms.valid_until is not None and terms.valid_until <= now:
        return PromoStatus.EXPIRED
    if terms.valid_from is not None and terms.valid_from > now:
        return PromoStatus.SCHEDULED
    if terms.follows:
        campaign = foremost(terms.campaigns, now=now)
        phase = Phase.HALTED if campaign is None else campaign.phase(now)
        if phase is not Phase.LIVE:
            return _WITHOUT[phase]
    is_used_up = terms.usage_limit is not None and terms.used >= terms.usage_limit
    return PromoStatus.USED_UP if is_used_up else PromoStatus.ACTIVE


_WITHOUT = {
    Phase.AHEAD: PromoStatus.SCHEDULED,
    Phase.HALTED: PromoStatus.PAUSED,
    Phase.OVER: PromoStatus.EXPIRED,
}


def _none(basket: Basket) -> Amounts:
    return Amounts((NOTHING,) * len(basket.lines))


def _alone(terms: Terms) -> RefusalReason:
    message = (
        "This promo is used alone, not with others."
        if terms.stacking == Stacking.EXCLUSIVE
        else "Another promo of this basket is used alone, not with others."
    )
    return RefusalReason("NOT_WITH_OTHERS", message, ("codes",))


def _of_code(terms: Terms) -> list[RefusalReason]:
    if terms.code_is_used:
        return [code_used()]
    if not (terms.generated_only and terms.own_code):
        return []
    return [
        RefusalReason("GENERATED_CODE_NEEDED", "The promo is used by the codes generated for it.", ("code",))
    ]


def _of_time(terms: Terms, now: datetime) -> list[RefusalReason]:
    if terms.valid_from is not None and now < terms.valid_from:
        return [
            RefusalReason("NOT_STARTED", f"The promo starts at {terms.valid_from:%Y-%m-%d %H:%M:%S} UTC.")
        ]
    if terms.valid_until is not None and now >= terms.valid_until:
        return [RefusalReason("EXPIRED", f"The promo ended at {terms.valid_until:%Y-%m-%d %H:%M:%S} UTC.")]
    return _of_campaigns(terms, now) if terms.follows else []


def _of_campaigns(terms: Terms, now: datetime) -> list[RefusalReason]:
    campaign = foremost(terms.campaigns, now=now)
    phase = Phase.HALTED if campaign is None else campaign.phase(now)
    if phase is Phase.LIVE:
        return []
    code = "CAMPAIGN_NOT_ACTIVE"
    if phase is Phase.AHEAD:
        code = "NOT_STARTED"
    elif phase is Phase.OVER and campaign is not None and not campaign.is_deleted:
        code = "EXPIRED"
    return [RefusalReason(code, reasons_told(terms.campaigns, now=now))]


def _of_limits(terms: Terms, buyer: Buyer) -> list[RefusalReason]:
    reasons: list[RefusalReason] = []
    if terms.usage_limit is not None and terms.used >= terms.usage_limit:
        reasons.append(used_up(terms.usage_limit))
    needs = terms.has_segment or terms.customer_limit is not None
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
    if terms.first_order_only and buyer.orders > 0:
        message = "The promo is for a first order; this customer has ordered before."
        reasons.append(RefusalReason("NOT_FIRST_ORDER", message, ("customerId",)))
    if terms.customer_limit is not None and buyer.used >= terms.customer_limit:
        reasons.append(used_up_by_customer(terms.customer_limit))
    return reasons


def code_used() -> RefusalReason:
    """A code to be used once, and it was."""
    return RefusalReason("CODE_USED", "This code can be used once, and was.", ("code",))


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
    theirs = applicable(terms.applies_to, basket.lines)
    reasons += _of_minimum(terms, basket, theirs)
    if terms.type != PromoType.FREE_DELIVERY and not theirs:
        message = "The promo applies to none of the basket's lines."
        reasons.append(RefusalReason("NOTHING_APPLIES", message, ("basket", "lines")))
    return reasons


def _of_minimum(terms: Terms, basket: Basket, theirs: set[int]) -> list[RefusalReason]:
    if terms.min_order_amount is None:
        return []
    counted = basket.goods
    what = "an order of {} {}; this one, without delivery, is {}"
    if terms.minimum_of_articles:
        counted = sum((basket.lines[at].amount for at in theirs), NOTHING)
        what = "{} {} of the articles it applies to; there are {}"
    if counted >= terms.min_order_amount:
        return []
    least, have = (show_amount(x, terms.currency) for x in (terms.min_order_amount, counted))
    message = f"The promo needs {what.format(least, terms.currency, have)}."
    return [RefusalReason("BELOW_MINIMUM", message, ("basket", "lines"))]


def _nothing_off(terms: Terms, basket: Basket, *, is_first: bool) -> RefusalReason:
    if terms.type == PromoType.FREE_DELIVERY and basket.delivery_fee == 0:
        return RefusalReason(
            "NO_DELIVERY_FEE", "There is no delivery fee to take off.", ("basket", "deliveryFee")
        )
    if not is_first:
        return RefusalReason("NOTHING_OFF", "Nothing is left that the promo could take off.")
    return RefusalReason("NOTHING_OFF", "The promo takes nothing off this basket.")


__all__ = [
    "PromoVerdict",
    "RefusalReason",
    "code_used",
    "judge_together",
    "standing",
    "used_up",
    "used_up_by_customer",
]
