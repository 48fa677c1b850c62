"""Attribution models: who gets how much of what an event is worth, and that nothing of it is lost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.attribution.models import JourneyTouch, Model, journey, weights
from tests.attribution.given import attribute

EVENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
A, B, C, D = 1, 2, 3, 4


def touches(*campaigns: int | None, apart: timedelta = timedelta(days=1)) -> list[JourneyTouch]:
    """One touch after the other, the last one at the event."""
    return [JourneyTouch(EVENT - apart * (len(campaigns) - 1 - at), one) for at, one in enumerate(campaigns)]


def shares(amount: str, model: Model, *campaigns: int | None) -> dict[int | None, Decimal]:
    return attribute(Decimal(amount), "EUR", touches(*campaigns), model=model, half_life=WEEK)


def test_time_decay_is_right_to_the_cent_for_old_touches_of_large_amounts() -> None:
    day = timedelta(days=1)
    led = [JourneyTouch(EVENT - 15 * day, A), JourneyTouch(EVENT - day / 10, B)]
    # A weighs 2^-14.9 of B.
    found = attribute(Decimal(1_000_000), "EUR", led, model=Model.TIME_DECAY, half_life=day)
    assert found == {A: Decimal("32.71"), B: Decimal("999967.29")}


def test_4000_over_two_interactions_is_2000_each() -> None:
    assert shares("4000", Model.LINEAR, A, B) == {A: 2000, B: 2000}


@pytest.mark.parametrize(
    ("model", "campaigns", "expected"),
    [
        (Model.FIRST_TOUCH, (A, B, C), {A: "100"}),
        (Model.LAST_TOUCH, (A, B, C), {C: "100"}),
        (Model.LAST_TOUCH, (A, B, None), {None: "100"}),
        (Model.FIRST_TOUCH, (None, B), {None: "100"}),
        (Model.LAST_NON_DIRECT, (A, B, None), {B: "100"}),
        (Model.LAST_NON_DIRECT, (None, None), {None: "100"}),
        (Model.LINEAR, (A, B, C), {A: "33.34", B: "33.33", C: "33.33"}),
        (Model.LINEAR, (A, None, A), {A: "66.67", None: "33.33"}),
        (Model.POSITION_BASED, (A,), {A: "100"}),
        (Model.POSITION_BASED, (A, B), {A: "50", B: "50"}),
        (Model.POSITION_BASED, (A, B, C), {A: "40", B: "20", C: "40"}),
        (Model.POSITION_BASED, (A, B, C, D), {A: "40", B: "10", C: "10", D: "40"}),
        (Model.LINEAR, (), {None: "100"}),
    ],
)
def test_each_model_shares_100_its_own_way(
    model: Model, campaigns: tuple[int | None, ...], expected: dict[int | None, str]
) -> None:
    assert shares("100", model, *campaigns) == {one: Decimal(part) for one, part in expected.items()}


def test_a_touch_one_half_life_older_counts_half() -> None:
    led = touches(A, B, apart=WEEK)
    assert attribute(Decimal("90"), "EUR", led, model=Model.TIME_DECAY, half_life=WEEK) == {A: 30, B: 60}
    assert attribute(Decimal("90"), "EUR", led, model=Model.TIME_DECAY, half_life=WEEK * 20) != {A: 30, B: 60}


def test_odd_coins_go_to_the_largest_fraction_the_earliest_first_and_keep_the_sign() -> None:
    assert shares("0.05", Model.LINEAR, A, B, C) == {
        A: Decimal("0.02"),
        B: Decimal("0.02"),
        C: Decimal("0.01"),
    }
    assert shares("-0.05", Model.LINEAR, A, B, C)[C] == Decimal("-0.01")
    assert shares("0.01", Model.POSITION_BASED, A, B, C) == {A: Decimal("0.01")}


def test_the_window_holds_both_its_ends_and_nothing_after_the_event() -> None:
    day = timedelta(days=1)
    on_edge, before, after = (
        JourneyTouch(EVENT - 30 * day, A),
        JourneyTouch(EVENT - 31 * day, B),
        JourneyTouch(EVENT + day, C),
    )
    at = JourneyTouch(EVENT, D)
    assert journey([after, at, before, on_edge], event_at=EVENT, window=30 * day) == [on_edge, at]


JOURNEYS = st.lists(
    st.tuples(st.integers(0, 60 * 86400), st.sampled_from([None, A, B, C, D])), max_size=12
).map(lambda made: [JourneyTouch(EVENT - timedelta(seconds=s), one) for s, one in made])
AMOUNTS = st.decimals(-(10**13), 10**13, places=4, allow_nan=False) | st.decimals(-1000, 1000, places=2)


@given(
    made=JOURNEYS,
    amount=AMOUNTS,
    currency=st.sampled_from(["EUR", "JPY", "BHD"]),
    model=st.sampled_from([one for one in Model if one is not Model.CARRIED]),
    half_life=st.integers(1, 90 * 86400).map(lambda s: timedelta(seconds=s)),
    window=st.integers(0, 90).map(lambda d: timedelta(days=d)),
)
def test_shares_add_up_to_the_amount_whatever_the_model(
    made: list[JourneyTouch],
    amount: Decimal,
    currency: str,
    model: Model,
    half_life: timedelta,
    window: timedelta,
) -> None:
    led = journey(made, event_at=EVENT, window=window)
    parts = attribute(amount, currency, led, model=model, half_life=half_life)
    assert sum(parts.values()) == amount
    assert all(part * amount >= 0 for part in parts.values())
    assert parts.keys() <= {touch.campaign_id for touch in led} | {None}
    if led:
        assert any(weights(led, model=model, half_life=half_life))
