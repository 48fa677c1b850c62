"""Attribution: how the worth of a sale is shared among the interactions that led to it.

Pure rules over one sale and its customer's journey. Planned reads do the same in SQL (`graph/figures/shares.py`);
tests compare the two.
Source: Webmarketer API 1.0.0, "Update an event statistic": an amount is affected to the campaigns that led to the
event, according to the attribution model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.tables.groups import AttributionModel as Model
from app.values.money import share_out


@dataclass(frozen=True, slots=True)
class JourneyTouch:
    """An interaction of the customer; without a campaign or channel it is direct."""

    at: datetime
    campaign_id: int | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """An order, or an event by its statistic."""

    amount: Decimal
    currency: str
    campaign_id: int | None = None
    """The campaign it carries."""
    channel: str | None = None
    """That campaign's channel, where it says one."""


@dataclass(frozen=True, slots=True)
class Share:
    """What of a sale goes to a campaign (None: to none) by a channel (None: nobody knows, or it is direct)."""

    campaign_id: int | None
    channel: str | None
    amount: Decimal
    credit: Decimal
    """The same share of one sale; 0 where it is not worth more than nothing."""


WHOLE = 2**32
"""The weight of the latest touch in time decay. A touch thirty-two half-lives older weighs nothing."""


def journey(touches: Sequence[JourneyTouch], *, event_at: datetime, window: timedelta) -> list[JourneyTouch]:
    """The touches that may have led to the sale, oldest first: none after it, and none before the window.

    Touches of the same instant keep their order.
    """
    return sorted((t for t in touches if event_at - window <= t.at <= event_at), key=lambda t: t.at)


def shares_of(
    sale: Sale, touches: Sequence[JourneyTouch], *, model: Model, half_life: timedelta
) -> list[Share]:
    """Who gets how much of the sale. Amounts add up to its amount, credits to 1.

    Takes touches as `journey` gives them. Left-over coins go to the largest fractions, of equal ones to the earliest.
    A sale without touches is direct. The channel is the touch's; where that has none, the sale's, if the touch is of
    the campaign that the sale carries.
    """
    one = CREDITS if sale.amount > 0 else Decimal(0)
    if model is Model.CARRIED:
        return [Share(sale.campaign_id, _carried_channel(sale, touches), sale.amount, one / CREDITS)]
    if not touches:
        return [Share(None, None, sale.amount, one / CREDITS)]
    each = weights(touches, model=model, half_life=half_life)
    amounts, credits = share_out(sale.amount, sale.currency, each), share_out(one, "JPY", each)
    sums: dict[tuple[int | None, str | None], tuple[Decimal, Decimal]] = {}
    for touch, amount, credit in zip(touches, amounts, credits, strict=True):
        if not amount and not credit and len(touches) > 1:
            continue
        channel = touch.channel
        if channel is None and touch.campaign_id is not None and touch.campaign_id == sale.campaign_id:
            channel = sale.channel
        key = (touch.campaign_id, channel)
        before = sums.get(key, (Decimal(0), Decimal(0)))
        sums[key] = (before[0] + amount, before[1] + credit)
    return [Share(*key, amount, credit / CREDITS) for key, (amount, credit) in sums.items()]


CREDITS = Decimal(10_000)
"""The parts that one sale is shared in, where sales are counted."""


def _carried_channel(sale: Sale, touches: Sequence[JourneyTouch]) -> str | None:
    if sale.campaign_id is None:
        return None
    last = [one.channel for one in touches if one.campaign_id == sale.campaign_id and one.channel is not None]
    return sale.channel or (last[-1] if last else None)


def channel_of(share: Share, channels: Sequence[str]) -> str | None:
    """The channel a share counts for, where its campaign has these channels: its only one, else the share's own.

    None with a campaign: nobody knows which of them.
    """
    if share.campaign_id is not None and len(channels) == 1:
        return channels[0]
    return share.channel


def weights(touches: Sequence[JourneyTouch], *, model: Model, half_life: timedelta) -> list[int]:
    """How much each touch counts; whole numbers, so that any database shares the same coins."""
    count = len(touches)
    match model:
        case Model.CARRIED:
            raise ValueError("what a sale carries does not depend on touches")
        case Model.FIRST_TOUCH:
            return _only(0, count)
        case Model.LAST_TOUCH:
            return _only(count - 1, count)
        case Model.LAST_NON_DIRECT:
            named = [place for place, touch in enumerate(touches) if touch.campaign_id or touch.channel]
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

__all__ = [
    "JourneyTouch",
    "Model",
    "Sale",
    "Share",
    "channel_of",
    "journey",
    "shares_of",
    "weights",
]
