"""What a report of metrics may say, entry by entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import msgspec

from app.domain import inputs
from app.errors import Failure, Invalid, TooLarge
from app.tables.metrics import AMOUNTS, COUNTS
from app.values.texts import read_text

MAX_ENTRIES = 5_000
MAX_EXTRA = 16_384
OTHER_CHANNEL = "other"
"""Where something of a campaign is counted that says no channel, when the campaign has several or none."""
_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricEntry:
    """What one campaign did on one day in one channel. None: nothing is said about this number."""

    campaign_id: int
    day: date
    channel: str
    impressions: int | None = None
    clicks: int | None = None
    conversions: int | None = None
    sent: int | None = None
    delivered: int | None = None
    opened: int | None = None
    unsubscribed: int | None = None
    spend: Decimal | None = None
    """Reported ad spend, in the campaign's currency."""
    revenue: Decimal | None = None
    extra: Mapping[str, object] | None = None
    """Numbers we have no column for; the whole object is replaced, also when the others are added."""

    @property
    def key(self) -> tuple[int, date, str]:
        """What an entry is about; also the order in which rows are written."""
        return self.campaign_id, self.day, self.channel


def check_entries(entries: Sequence[MetricEntry], *, now: datetime) -> list[Failure]:
    """What is wrong with these entries, first to last; empty when all may be stored."""
    if len(entries) > MAX_ENTRIES:
        raise TooLarge(
            f"There are {len(entries)} entries; at most {MAX_ENTRIES} are taken at once.", path=["entries"]
        )
    last_day = (now + inputs.MAX_AHEAD).date()
    seen: dict[tuple[int, date, str], int] = {}
    found: list[Failure] = []
    for index, entry in enumerate(entries):
        first = seen.setdefault(entry.key, index)
        try:
            if first != index:
                raise Invalid(
                    f"Entry {first} is about the same campaign, day and channel; send one entry for both.",
                    path=["entries", index],
                    code="REPEATED",
                )
            _check(entry, index, last_day)
        except Failure as failure:
            found.append(failure)
    return found


def only_channel(channels: Sequence[str]) -> str:
    """Where something of a campaign is counted that says no channel."""
    return channels[0] if len(channels) == 1 else OTHER_CHANNEL


def extra_text(extra: Mapping[str, object]) -> str:
    """The JSON text that is stored; ValueError says why it cannot be."""
    try:
        text = _JSON.encode(extra).decode()
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError) as why:
        raise ValueError(f"cannot be written as JSON ({type(why).__name__})") from None
    if "\\u0000" in text:
        raise ValueError("holds the character NUL (U+0000), which cannot be stored")
    return read_text(text, longest=MAX_EXTRA)


def _check(entry: MetricEntry, index: int, last_day: date) -> None:
    at: list[str | int] = ["entries", index]
    if entry.day > last_day:
        raise Invalid(f"The day {entry.day} is still to come.", path=[*at, "day"], code="DAY_TO_COME")
    inputs.text(entry.channel, [*at, "channel"], longest=inputs.MAX_CODE, blank=False)
    for name in COUNTS:
        number = getattr(entry, name)
        if number is not None:
            inputs.count(number, [*at, name])
    for name in AMOUNTS:
        number = getattr(entry, name)
        if number is not None:
            inputs.amount(number, [*at, name])
    if entry.extra is not None:
        try:
            extra_text(entry.extra)
        except ValueError as why:
            raise Invalid(f"`extra` {why}.", path=[*at, "extra"]) from None
