"""An order as it is, and what a report makes of it. Pure.

Reports that carry their sender's version may come in any order: each says the whole order as it is in that version, and
the highest one stands. Without versions the later report stands, and says only what it says: the rest stays.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

NOTHING = Decimal(0)


class Outcome(StrEnum):
    """What a report did."""

    RECORDED = "recorded"
    CORRECTED = "corrected"
    REPEATED = "repeated"
    """It says what is known."""
    OUTDATED = "outdated"
    """A higher version is known; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """An order."""

    customer_id: int
    store_id: int
    campaign_id: int | None
    promo_id: int | None
    channel: str | None
    currency: str
    amount: Decimal
    ordered_at: datetime
    ordered_on: date
    """The day of the store, when it was made."""
    promo_code: str | None = field(default=None, compare=False)
    """The code it came with, as codes are compared: it means its promo, also when that was renamed or deleted."""
    version: int = 0
    told_refunded: Decimal = NOTHING
    """What the report that stands said was given back."""
    refunds: Decimal = NOTHING
    """What its refunds add up to."""
    cancelled_at: datetime | None = None
    is_called_off: bool = False
    """Whether a call cancelled it: reports that do not speak of it leave it so."""

    @property
    def refunded(self) -> Decimal:
        """What was given back. A report's total has the refunds in it, so they are never added to one another."""
        return min(self.amount, max(self.told_refunded, self.refunds))

    @property
    def worth(self) -> Decimal:
        """What is left of it."""
        return NOTHING if self.cancelled_at is not None else self.amount - self.refunded

    @property
    def is_conversion(self) -> bool:
        """Whether its campaign counts it."""
        return self.worth > 0

    @property
    def stands(self) -> bool:
        """Whether what was given for it, such as a promo's use, stays given."""
        return self.cancelled_at is None and not 0 < self.amount == self.refunded


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a report says of how an order stands; what it is has been filled in."""

    version: int
    refunded: Decimal | None
    is_cancelled: bool | None


def outcome_of(version: int, known: Sale) -> Outcome | None:
    """What a report of this version does to a known order, where that does not depend on what it says."""
    if version < known.version:
        return Outcome.OUTDATED
    if version == known.version > 0:
        return Outcome.REPEATED
    return None


def is_whole(version: int, known: Sale | None) -> bool:
    """Whether a report says the whole order: what it leaves out is not so, instead of staying as it was."""
    return known is None or version > known.version


def standing(told: Sale, said: Said, known: Sale | None, *, now: datetime) -> Sale:
    """The order that a report tells, with what it says of refunds and cancellation."""
    if known is None:
        refunded = said.refunded or NOTHING
        cancelled_at = now if said.is_cancelled else None
        return replace(told, version=said.version, told_refunded=refunded, cancelled_at=cancelled_at)
    whole = is_whole(said.version, known)
    refunded = said.refunded if said.refunded is not None else NOTHING if whole else known.told_refunded
    is_called_off = known.is_called_off and said.is_cancelled is not False
    if said.is_cancelled is None:
        is_cancelled = is_called_off or (not whole and known.cancelled_at is not None)
    else:
        is_cancelled = said.is_cancelled
    return replace(
        told,
        version=said.version,
        told_refunded=min(refunded, told.amount),
        refunds=known.refunds,
        is_called_off=is_called_off,
        cancelled_at=(known.cancelled_at or now) if is_cancelled else None,
    )


__all__ = ["Outcome", "Said", "Sale", "is_whole", "outcome_of", "standing"]
