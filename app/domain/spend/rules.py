"""How a spend limit may change. Pure: a limit, what was asked, what was spent → the new limit.

Source: Criteo, "Spend Limit" and "Validation Errors and Warnings"; choices CR-C6, CR-C8, CR-C10.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal

from app.domain.settable import settable
from app.domain.spend.periods import next_period
from app.errors import Conflict, Invalid
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from app.tables.stores import StoreFeature
from app.values.changes import UNSET, Settable, Unset
from app.values.money import MAX_AMOUNT, digits_of

LIMIT_MISSING = "SPEND_LIMIT_MISSING"
LIMIT_INVALID = "SPEND_LIMIT_INVALID"
BELOW_SPENT = "BELOW_SPENT"
FEATURE_UNAVAILABLE = "FEATURE_UNAVAILABLE"
SAME_CAMPAIGN = "SAME_CAMPAIGN_TWICE"

NEEDS = {
    SpendLimitRenewal.DAILY: StoreFeature.DAILY_LIMITS,
    SpendLimitRenewal.MONTHLY: StoreFeature.MONTHLY_LIMITS,
    SpendLimitRenewal.LIFETIME: StoreFeature.LIFETIME_LIMITS,
}
"""The feature that each renewal needs, besides that for limits as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLimit:
    """What somebody asks for; UNSET stays as it is. Renewal and amount of an uncapped limit are ignored."""

    type: Settable[SpendLimitType] = settable("Whether spend is capped.", null=UNSET)
    renewal: Settable[SpendLimitRenewal | None] = settable("How often the limit starts again.")
    amount: Settable[Decimal | None] = settable(
        "The cap, in the campaign's currency: more than 0, with no more digits than the currency has."
    )


UNCHANGED = AskedLimit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit as it is stored. Amounts are in the campaign's currency; a pending limit is always a cap."""

    type: SpendLimitType = SpendLimitType.UNCAPPED
    renewal: SpendLimitRenewal | None = None
    amount: Decimal | None = None
    pending_amount: Decimal | None = None
    pending_renewal: SpendLimitRenewal | None = None
    effective_from: datetime | None = None

    @property
    def present(self) -> "Limit":
        """The limit without what is pending."""
        return Limit(type=self.type, renewal=self.renewal, amount=self.amount)


UNCAPPED = Limit()
"""Also the limit of a campaign for which nobody ever set one."""


def settled(limit: Limit, *, now: datetime) -> Limit:
    """The limit with everything due by now in effect, whether or not the worker has got to it."""
    if limit.effective_from is None or limit.effective_from > now:
        return limit
    return Limit(type=SpendLimitType.CAPPED, renewal=limit.pending_renewal, amount=limit.pending_amount)


def changed(
    current: Limit,
    asked: AskedLimit,
    *,
    spent: Mapping[SpendLimitRenewal, Decimal],
    without: Collection[str],
    currency: str,
    zone: tzinfo,
    now: datetime,
    may_begin: bool = False,
) -> Limit:
    """The limit as it is after the change; `effective_from` is set where it has to wait for the next period.

    `spent`: in the current period of each renewal. `without`: features the store does not have. `may_begin`: an
    uncapped campaign may get a cap; through Criteo's update it may not (CR-C6). Whatever was pending is superseded.
    """
    if asked == UNCHANGED:
        return current
    wanted = _wanted(current, asked)
    if current.type is SpendLimitType.UNCAPPED and wanted != current.present and not may_begin:
        raise Conflict(
            "The campaign has no spend limit that could be changed.", path=["spendLimit"], code=LIMIT_MISSING
        )
    if wanted == current.present:
        return wanted
    _check_feature(StoreFeature.SPEND_LIMITS, without)
    wanted = checked(wanted, currency)
    if wanted.type is SpendLimitType.UNCAPPED:
        return wanted
    assert wanted.renewal is not None
    assert wanted.amount is not None
    _check_feature(NEEDS[wanted.renewal], without)
    if wanted.amount >= spent[wanted.renewal]:
        return wanted
    starts = next_period(wanted.renewal, zone, now=now)
    if starts is not None:
        return replace(
            current.present,
            pending_amount=wanted.amount,
            pending_renewal=wanted.renewal,
            effective_from=starts,
        )
    if current.renewal is wanted.renewal and current.amount is not None and wanted.amount > current.amount:
        # More than before, though still less than was spent: that is no decrease.
        return wanted
    raise Conflict(
        f"{spent[wanted.renewal]:f} is spent already; a lifetime limit cannot be decreased below that.",
        path=["spendLimit", "amount"],
        code=BELOW_SPENT,
    )


def first_limit(asked: AskedLimit, *, without: Collection[str], currency: str) -> Limit:
    """The limit of a new campaign, which has spent nothing."""
    wanted = checked(_wanted(UNCAPPED, asked), currency)
    if wanted.renewal is not None:
        _check_feature(StoreFeature.SPEND_LIMITS, without)
        _check_feature(NEEDS[wanted.renewal], without)
    return wanted


def checked(wanted: Limit, currency: str) -> Limit:
    """A cap has a renewal and a positive amount in whole coins of the campaign's currency (CR-C8)."""
    if wanted.type is SpendLimitType.UNCAPPED:
        return wanted
    if wanted.renewal is None:
        raise Invalid(
            "A capped spend limit needs a renewal: daily, monthly or lifetime.",
            path=["spendLimit", "renewal"],
            code=LIMIT_INVALID,
        )
    amount = wanted.amount
    if amount is None or not amount.is_finite() or not 0 < amount <= MAX_AMOUNT:
        raise Invalid(
            f"A capped spend limit needs an amount more than 0, {MAX_AMOUNT} at most.",
            path=["spendLimit", "amount"],
            code=LIMIT_INVALID,
        )
    digits = digits_of(currency)
    if amount != amount.quantize(Decimal(1).scaleb(-digits)):
        raise Invalid(
            f"The amount of a spend limit in {currency} has {f'at most {digits}' if digits else 'no'} decimals.",
            path=["spendLimit", "amount"],
            code=LIMIT_INVALID,
        )
    return wanted


def _wanted(current: Limit, asked: AskedLimit) -> Limit:
    """The stored limit with what was sent."""
    kind = current.type if isinstance(asked.type, Unset) else asked.type
    renewal = current.renewal if isinstance(asked.renewal, Unset) else asked.renewal
    amount = current.amount if isinstance(asked.amount, Unset) else asked.amount
    told = asked.type is SpendLimitType.UNCAPPED or (renewal is None and amount is None)
    if kind is SpendLimitType.UNCAPPED and told:
        return UNCAPPED
    # An amount for an uncapped campaign, and no type: an update of a limit that does not exist.
    return Limit(type=SpendLimitType.CAPPED, renewal=renewal, amount=amount)


def _check_feature(feature: StoreFeature, without: Collection[str]) -> None:
    if feature in without:
        raise Conflict(
            f"The store is without {feature.replace('_', ' ')}.",
            path=["spendLimit"],
            code=FEATURE_UNAVAILABLE,
        )
