"""Attribution: how the worth of an event is shared among the interactions that led to it.

Pure rules over one journey. Planned reads do the same in SQL (`graph/figures/shares.py`); tests compare the two.
Source: Webmarketer API 1.0.0, "Update an event statistic": an amount is affected to the campaigns that led to the
event, according to the attribution model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from app.values.money import share_out


class Model(StrEnum):
    """Which interactions of a journey count, and how much."""

    FIRST_TOUCH = "first_touch"
    LAST_TOUCH = "last_touch"
    LAST_NON_DIRECT = "last_non_direct"
    LINEAR = "linear"
    POSITION_BASED = "position_based"
    TIME_DECAY = "time_decay"


@dataclass(frozen=True, slots=True)
class JourneyTouch:
    """An interaction of the customer; without a campaign it is direct."""

    at: datetime
    campaign_id: int | None = None


WHOLE = 2**32
"""The weight of the latest touch in time decay. A touch thirty-two half-lives older weighs nothing."""


def journey(touches: Sequence[JourneyTouch], *, event_at: datetime, window: timedelta) -> list[JourneyTouch]:
    """The touches that may have led to the event, oldest first: none after it, and none before the window.

    Touches of the same instant keep their order.
    """
    return sorted((t for t in touches if event_at - window <= t.at <= event_at), key=lambda t: t.at)


def attribute(
    amount: Decimal, currency: str, touches: Sequence[JourneyTouch], *, model: Model, half_life: timedelta
) -> dict[int | None, Decimal]:
    """The amount by campaign; None is direct, which also gets events without touches. The parts add up to the amount.

    Takes touches as `journey` gives them. Left-over coins go to the largest fractions, of equal ones to the earliest.
    """
    if not touches:
        return {None: amount}
    parts = share_out(amount, currency, weights(touches, model=model, half_life=half_life))
    out: dict[int | None, Decimal] = {}
    for touch, part in zip(touches, parts, strict=True):
        if part or len(touches) == 1:
            out[touch.campaign_id] = out.get(touch.campaign_id, Decimal(0)) + part
    return out


def weights(touches: Sequence[JourneyTouch], *, model: Model, half_life: timedelta) -> list[int]:
    """How much each touch counts; whole numbers, so that any database shares the same coins."""
    count = len(touches)
    match model:
        case Model.FIRST_TOUCH:
            return _only(0, count)
        case Model.LAST_TOUCH:
            return _only(count - 1, count)
        case Model.LAST_NON_DIRECT:
            named = [place for place, touch in enumerate(touches) if touch.campaign_id is not None]
            return _only(named[-1] if named else count - 1, count)
        case Model.LINEAR:
            return [1] * count
        case Model.POSITION_BASED:
            # 40 % for each end, the rest for the touches in between.
            between = count - 2
            return [1] * count if between < 1 else [2 * between, *[1] * between, 2 * between]
        case Model.TIME_DECAY:
            return [_decayed(touches[-1].at - touch.at, half_life) for touch in touches]


def _only(place: int, count: int) -> list[int]:
    return [int(at == place) for at in range(count)]


def _decayed(age: timedelta, half_life: timedelta) -> int:
    halvings = (age // _TICK) / (half_life // _TICK)
    return int(WHOLE * 2.0 ** -min(halvings, 100.0))


_TICK = timedelta(microseconds=1)

__all__ = ["JourneyTouch", "Model", "attribute", "journey", "weights"]
