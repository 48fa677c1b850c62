"""Codes on a basket judged: each by its own terms, all of them together, with what is known of the buyer."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.promos.discounts import Amounts
from app.domain.promos.finding import Found, found_by, mistyped
from app.domain.promos.membership import buyer_of, customer_of
from app.domain.promos.rules import PromoVerdict, RefusalReason, judge_together
from app.domain.promos.terms import NOTHING, Basket, Buyer
from app.errors import Conflict, Failure, Invalid
from app.values.codes import code_key
from app.values.money import MAX_AMOUNT

MAX_LINES = 1_000
MAX_CODES = 10
"""Codes on one basket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One code or several, a basket, and optionally who buys where."""

    code: str
    basket: Basket
    customer_id: int | None = None
    store_id: int | None = None
    also: tuple[str, ...] = ()
    """Further codes, in their order."""

    @property
    def codes(self) -> tuple[str, ...]:
        """All of them, in the order in which they take off."""
        return (self.code, *self.also)


@dataclass(frozen=True, slots=True)
class Validated:
    """What a code would take off; `found` is None where there is no such code."""

    code: str
    found: Found | None
    verdict: PromoVerdict

    @property
    def currency(self) -> str | None:
        """What it counts in."""
        return None if self.found is None else self.found.terms.currency


async def judged(
    tx: Transaction, asked: Asked, *, now: datetime, counted: dict[int, Any] | None = None
) -> list[Validated]:
    """Every code on its own and with the others, in the order given. Several codes are of different promos.

    `counted`: uses on record, by promo, that would be these again: they are no reason against themselves.
    """
    if len(asked.codes) > MAX_CODES:
        raise Invalid(f"A basket has at most {MAX_CODES} codes.", path=["codes"])
    found = await found_by(tx, asked.codes)
    each: list[Found | None] = [found.get(code_key(code)) for code in asked.codes]
    basket = _in_currency(asked.basket, each)
    for one in each:
        if one is not None:
            check_coins_of(basket, one.terms.currency)
    if asked.customer_id is not None and not any(each):
        await customer_of(tx, asked.customer_id)
    seen: set[int] = set()
    early: list[RefusalReason | None] = []
    judging: list[tuple[Any, Buyer]] = []
    for code, one in zip(asked.codes, each, strict=True):
        reason = _early(code, one, seen)
        early.append(reason)
        if one is not None and reason is None:
            seen.add(one.promo_id)
            buyer = await buyer_of(tx, one.row, asked.customer_id, asked.store_id, now=now)
            judging.append(_without(one, buyer, asked, (counted or {}).get(one.promo_id)))
    verdicts = iter(judge_together(judging, basket, now=now))
    nothing = Amounts((NOTHING,) * len(basket.lines))
    return [
        Validated(code, one, next(verdicts) if reason is None else PromoVerdict(nothing, (reason,)))
        for code, one, reason in zip(asked.codes, each, early, strict=True)
    ]


def check_basket(basket: Basket) -> None:
    """Amounts and counts within their bounds."""
    if len(basket.lines) > MAX_LINES:
        raise Invalid(f"A basket has at most {MAX_LINES} lines.", path=["basket", "lines"])
    for at, line in enumerate(basket.lines):
        path = ["basket", "lines", str(at)]
        inputs.amount(line.unit_price, [*path, "unitPrice"])
        if not 1 <= line.quantity <= 1_000_000:
            raise Invalid("`quantity` lies between 1 and 1000000.", path=[*path, "quantity"])
    inputs.amount(basket.delivery_fee, ["basket", "deliveryFee"])
    if basket.total > MAX_AMOUNT:
        raise Invalid("The basket adds up to more than can be stored.", path=["basket"], code="TOO_MUCH")


def check_coins_of(basket: Basket, currency: str) -> None:
    """Its amounts are in whole coins of its own currency, else of the promo's."""
    counted = basket.currency if basket.currency is not None else currency
    for at, line in enumerate(basket.lines):
        inputs.coins(line.unit_price, counted, ["basket", "lines", str(at), "unitPrice"])
    inputs.coins(basket.delivery_fee, counted, ["basket", "deliveryFee"])


def refusal(reason: RefusalReason) -> Failure:
    """The same, as what a mutation fails with."""
    if reason.code in {"UNKNOWN_CODE", "MISTYPED_CODE", "CUSTOMER_NEEDED", "STORE_NEEDED"}:
        return Invalid(reason.message, path=reason.path, code=reason.code)
    return Conflict(reason.message, path=reason.path, code=reason.code)


def _early(code: str, found: Found | None, seen: set[int]) -> RefusalReason | None:
    """What is wrong with the code itself."""
    if mistyped(code):
        return RefusalReason(
            "MISTYPED_CODE", f"{code[:40]!r} is mistyped: its last character does not fit.", ("code",)
        )
    if found is None:
        return RefusalReason("UNKNOWN_CODE", f"There is no promo {code[:40]!r} here.", ("code",))
    if found.promo_id in seen:
        return RefusalReason("SAME_PROMO", "A promo is used once on a basket.", ("codes",))
    if found.row["code_disabled_at"] is not None:
        return RefusalReason("CODE_DISABLED", "This code was withdrawn.", ("code",))
    return None


def _in_currency(basket: Basket, each: list[Found | None]) -> Basket:
    """Several promos are of one basket, so its currency is one."""
    known = [one.terms.currency for one in each if one is not None]
    return replace(basket, currency=known[0]) if basket.currency is None and len(set(known)) > 1 else basket


def _without(found: Found, buyer: Buyer, asked: Asked, counted: Any) -> tuple[Any, Buyer]:
    """Terms and buyer, as if a use that is on record already were not."""
    terms = found.terms
    if counted is not None:
        has_place = not counted["is_beyond_limit"]
        # One that has its place keeps it, whatever stands beside it. For another there is one where those leave it.
        terms = replace(terms, used=0 if has_place else found.row["used"])
        if counted["customer_id"] is not None and counted["customer_id"] == asked.customer_id:
            # An order told it, and is not before itself.
            buyer = replace(buyer, used=0 if has_place else buyer.used - 1, orders=buyer.orders - 1)
    taken = found.row["code_redeemed_at"] is not None
    if taken and (counted is None or counted["code_id"] != found.code_id):
        terms = replace(terms, code_is_used=True)
    return terms, buyer


__all__ = [
    "Asked",
    "Validated",
    "check_basket",
    "check_coins_of",
    "judged",
    "refusal",
]
