"""What may become of a spend limit, case by case."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.domain.spend import rules
from app.domain.spend.periods import next_period, today_in
from app.domain.spend.rules import UNCAPPED, AskedLimit, Limit, changed, first_limit, settled
from app.errors import Failure
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from app.tables.stores import StoreFeature
from app.values.changes import UNSET

DAILY, MONTHLY, LIFETIME = SpendLimitRenewal
CAPPED = SpendLimitType.CAPPED
NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
SPENT = {DAILY: Decimal(40), MONTHLY: Decimal(400), LIFETIME: Decimal(4000)}
MIDNIGHT = datetime(2025, 6, 15, 22, tzinfo=UTC)
JULY = datetime(2025, 6, 30, 22, tzinfo=UTC)


def cap(renewal: SpendLimitRenewal, amount: str) -> Limit:
    """A capped limit."""
    return Limit(type=CAPPED, renewal=renewal, amount=Decimal(amount))


def asked(renewal: SpendLimitRenewal | None = None, amount: str | None = None) -> AskedLimit:
    """A wish about renewal and amount, those that are given."""
    return AskedLimit(renewal=renewal or UNSET, amount=UNSET if amount is None else Decimal(amount))


def ask(current: Limit, wish: AskedLimit, *, may_begin: bool = False, without: tuple[str, ...] = ()) -> Limit:
    """What becomes of it at noon."""
    return changed(
        current, wish, spent=SPENT, without=without, currency="EUR", zone=PARIS, now=NOW, may_begin=may_begin
    )


@pytest.mark.parametrize(
    ("current", "wish", "becomes"),
    [
        (cap(DAILY, "50"), asked(amount="60"), cap(DAILY, "60")),
        (cap(DAILY, "50"), asked(amount="40"), cap(DAILY, "40")),  # as much as is spent is enough
        (cap(DAILY, "50"), asked(MONTHLY, "500"), cap(MONTHLY, "500")),
        (cap(DAILY, "50"), asked(LIFETIME, "4000"), cap(LIFETIME, "4000")),
        (cap(LIFETIME, "9000"), asked(amount="4000"), cap(LIFETIME, "4000")),
        (cap(LIFETIME, "3000"), asked(amount="3500"), cap(LIFETIME, "3500")),  # nothing is decreased
        (cap(LIFETIME, "3000"), asked(amount="3000"), cap(LIFETIME, "3000")),  # nor here
        (cap(LIFETIME, "9000"), asked(DAILY, "45"), cap(DAILY, "45")),
        (cap(DAILY, "50"), AskedLimit(type=SpendLimitType.UNCAPPED), UNCAPPED),
        (cap(DAILY, "50"), AskedLimit(type=SpendLimitType.UNCAPPED, amount=Decimal(-1)), UNCAPPED),
        (UNCAPPED, AskedLimit(type=SpendLimitType.UNCAPPED), UNCAPPED),
        (UNCAPPED, AskedLimit(renewal=None, amount=None), UNCAPPED),
    ],
)
def test_a_limit_changes_at_once(current: Limit, wish: AskedLimit, becomes: Limit) -> None:
    assert ask(current, wish) == becomes


@pytest.mark.parametrize(
    ("current", "wish", "renewal", "amount", "starts"),
    [
        (cap(DAILY, "50"), asked(amount="39.99"), DAILY, "39.99", MIDNIGHT),
        (cap(MONTHLY, "500"), asked(amount="399"), MONTHLY, "399", JULY),
        (cap(LIFETIME, "9000"), asked(DAILY, "10"), DAILY, "10", MIDNIGHT),
        (cap(DAILY, "50"), asked(MONTHLY, "10"), MONTHLY, "10", JULY),
    ],
)
def test_less_than_is_spent_waits_for_the_next_period_of_the_new_renewal(
    current: Limit, wish: AskedLimit, renewal: SpendLimitRenewal, amount: str, starts: datetime
) -> None:
    found = ask(current, wish)

    assert found.present == current
    assert (found.pending_renewal, found.pending_amount, found.effective_from) == (
        renewal,
        Decimal(amount),
        starts,
    )


WAITING = Limit(
    type=CAPPED, renewal=DAILY, amount=Decimal(50), pending_amount=Decimal(10), pending_renewal=DAILY,
    effective_from=MIDNIGHT,
)  # fmt: skip


@pytest.mark.parametrize(
    "wish", [asked(amount="60"), asked(amount="50"), AskedLimit(type=SpendLimitType.UNCAPPED)]
)
def test_a_later_change_supersedes_what_waits(wish: AskedLimit) -> None:
    assert ask(WAITING, wish).effective_from is None


def test_nothing_asked_leaves_what_waits() -> None:
    assert ask(WAITING, AskedLimit()) == WAITING


def test_what_is_due_counts_before_the_worker_was_there() -> None:
    assert settled(WAITING, now=NOW) == WAITING
    assert settled(WAITING, now=MIDNIGHT) == cap(DAILY, "10")


@pytest.mark.parametrize(
    ("current", "wish", "code"),
    [
        (cap(LIFETIME, "9000"), asked(amount="3999.99"), rules.BELOW_SPENT),
        (cap(DAILY, "50"), asked(LIFETIME, "50"), rules.BELOW_SPENT),
        (UNCAPPED, asked(DAILY, "50"), rules.LIMIT_MISSING),
        (UNCAPPED, AskedLimit(type=CAPPED), rules.LIMIT_MISSING),
        (UNCAPPED, asked(amount="50"), rules.LIMIT_MISSING),
        (cap(DAILY, "50"), asked(amount="0"), rules.LIMIT_INVALID),
        (cap(DAILY, "50"), asked(amount="-9000"), rules.LIMIT_INVALID),
        (cap(DAILY, "50"), asked(amount="41.999"), rules.LIMIT_INVALID),
        (cap(DAILY, "50"), asked(amount="100000000000000"), rules.LIMIT_INVALID),
        (cap(DAILY, "50"), AskedLimit(type=CAPPED, amount=None), rules.LIMIT_INVALID),
        (cap(DAILY, "50"), AskedLimit(type=CAPPED, renewal=None), rules.LIMIT_INVALID),
    ],
)
def test_what_cannot_be_is_refused(current: Limit, wish: AskedLimit, code: str) -> None:
    with pytest.raises(Failure) as refused:
        ask(current, wish)
    assert refused.value.reason == code


def test_an_uncapped_campaign_gets_a_cap_where_that_is_allowed() -> None:
    assert ask(UNCAPPED, asked(DAILY, "50"), may_begin=True) == cap(DAILY, "50")
    assert ask(UNCAPPED, asked(DAILY, "5"), may_begin=True).pending_amount == 5


@pytest.mark.parametrize(
    ("without", "wish", "refused"),
    [
        ("spend_limits", asked(amount="60"), True),
        ("spend_limits", AskedLimit(type=SpendLimitType.UNCAPPED), True),
        ("spend_limits", asked(amount="50"), False),  # nothing changes
        ("daily_limits", asked(amount="60"), True),
        ("monthly_limits", asked(amount="60"), False),
        ("monthly_limits", asked(MONTHLY, "600"), True),
        ("lifetime_limits", asked(LIFETIME, "6000"), True),
    ],
)
def test_a_store_may_be_without_a_feature(without: str, wish: AskedLimit, refused: bool) -> None:
    if not refused:
        ask(cap(DAILY, "50"), wish, without=(without,))
        return
    with pytest.raises(Failure) as failure:
        ask(cap(DAILY, "50"), wish, without=(without,))
    assert failure.value.reason == rules.FEATURE_UNAVAILABLE


@pytest.mark.parametrize(
    ("currency", "amount", "is_taken"),
    [
        ("EUR", "5.50", True), ("EUR", "5.505", False), ("EUR", "5.500", True), ("JPY", "500", True),
        ("JPY", "5.5", False), ("BHD", "5.505", True), ("BHD", "5.5055", False), ("XXX", "5.505", False),
    ],
)  # fmt: skip
def test_a_cap_is_in_whole_coins_of_its_currency(currency: str, amount: str, is_taken: bool) -> None:
    if is_taken:
        assert first_limit(asked(DAILY, amount), without=(), currency=currency).amount == Decimal(amount)
        return
    with pytest.raises(Failure, match=f"in {currency} has (at most|no)") as failure:
        first_limit(asked(DAILY, amount), without=(), currency=currency)
    assert (failure.value.reason, failure.value.path) == (rules.LIMIT_INVALID, ["spendLimit", "amount"])


def test_a_new_campaign_is_uncapped_unless_more_is_said() -> None:
    assert first_limit(AskedLimit(), without=list(StoreFeature), currency="EUR") == UNCAPPED
    assert first_limit(asked(DAILY, "5"), without=(), currency="EUR") == cap(DAILY, "5")
    with pytest.raises(Failure) as failure:
        first_limit(asked(DAILY, "5"), without=("daily_limits",), currency="EUR")
    assert failure.value.reason == rules.FEATURE_UNAVAILABLE


@pytest.mark.parametrize(
    ("now", "zone", "today", "tomorrow", "next_month"),
    [
        # The clocks go forward in the night that follows.
        ("2025-03-29T23:30:00Z", "Europe/Paris", "2025-03-30", "2025-03-30T22:00:00Z", "2025-03-31T22:00:00Z"),
        ("2025-12-31T22:59:59Z", "Europe/Paris", "2025-12-31", "2025-12-31T23:00:00Z", "2025-12-31T23:00:00Z"),
        ("2025-01-31T12:00:00Z", "Pacific/Kiritimati", "2025-02-01", "2025-02-01T10:00:00Z", "2025-02-28T10:00:00Z"),
        ("2024-02-01T03:00:00Z", "America/St_Johns", "2024-01-31", "2024-02-01T03:30:00Z", "2024-02-01T03:30:00Z"),
    ],
)  # fmt: skip
def test_periods_begin_at_the_stores_midnight(
    now: str, zone: str, today: str, tomorrow: str, next_month: str
) -> None:
    moment, place = datetime.fromisoformat(now), ZoneInfo(zone)

    assert today_in(place, now=moment).isoformat() == today
    assert next_period(DAILY, place, now=moment) == datetime.fromisoformat(tomorrow)
    assert next_period(MONTHLY, place, now=moment) == datetime.fromisoformat(next_month)
    assert next_period(LIFETIME, place, now=moment) is None
