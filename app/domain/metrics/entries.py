"""What a report of metrics may say, entry by entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from app.domain import inputs
from app.domain.inputs import Path
from app.domain.settable import needed, optional, written
from app.errors import Failure, Invalid, TooLarge
from app.tables.metrics import FIGURES
from app.values.texts import read_text


class Mode(StrEnum):
    """What a number in an entry means."""

    SET = "set"
    """The day's total so far: it replaces what the platform said before. Sending it twice changes nothing."""
    ADD = "add"
    """An addition to what the platform said before; what is taken back is negative."""


MAX_ENTRIES = 5_000
MAX_EXTRA = 16_384
UNKNOWN_CHANNEL = "unknown"
"""The channel in which a campaign counts what names no channel, if the campaign has several or none."""
_JSON = msgspec.json.Encoder(decimal_format="number")


def extra_text(extra: Mapping[str, object]) -> str:
    """The JSON text that is stored; ValueError says why it cannot be."""
    try:
        text = _JSON.encode(extra).decode()
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError) as why:
        raise ValueError(f"cannot be written as JSON ({type(why).__name__})") from None
    if "\\u0000" in text:
        raise ValueError("holds the character NUL (U+0000), which cannot be stored")
    return read_text(text, longest=MAX_EXTRA)


def _channel(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=inputs.MAX_CODE, blank=False)


def _moved(value: int, path: Path) -> int:
    """A whole number; whether it may be negative is the mode's to say."""
    inputs.count(abs(value), path)
    return value


def _moved_amount(value: Decimal, path: Path) -> Decimal:
    inputs.amount(abs(value), path)
    return value


def _extra(value: Mapping[str, object], path: Path) -> str:
    try:
        return extra_text(value)
    except ValueError as why:
        raise Invalid(f"`extra` {why}.", path=path) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricEntry:
    """What one campaign did on one day in one channel. None: nothing is reported for this number."""

    campaign_id: int = needed("The campaign.", refers=("camp", "campaign"))
    day: date = needed("The day, in the store's time zone; not one still to come.")
    channel: str = needed("The channel, such as google_ads.", check=_channel)
    source: str | None = optional(
        "The platform that reports it; null: the one the channel is named after.", check=_channel
    )
    impressions: int | None = optional("How often it was shown.", check=_moved)
    clicks: int | None = optional("How often it was clicked.", check=_moved)
    conversions: Decimal | None = optional(
        "How often it led to what it is for; platforms that share one among clicks say fractions.",
        check=_moved_amount,
    )
    sent: int | None = optional("Messages sent.", check=_moved)
    delivered: int | None = optional("People whom its messages reached.", check=_moved)
    opened: int | None = optional("People who opened one.", check=_moved)
    clicked: int | None = optional("People who clicked in one.", check=_moved)
    unsubscribed: int | None = optional("People who unsubscribed.", check=_moved)
    opens: int | None = optional("How often messages were opened, repeats included.", check=_moved)
    machine_opens: int | None = optional(
        "How often a machine opened one, such as a mail proxy.", check=_moved
    )
    spend: Decimal | None = optional(
        "Reported ad spend, in the campaign's currency; it goes into the ledger.", check=_moved_amount
    )
    revenue: Decimal | None = optional(
        "Revenue as the platform attributes it, in the campaign's currency. It is shown as reported; the headline"
        " is the group's own attribution.",
        check=_moved_amount,
    )
    extra: Mapping[str, object] | None = optional(
        "Further metrics; they replace all further ones recorded.", check=_extra
    )
    """Numbers we have no column for; the whole object is replaced, also when the others are added."""

    @property
    def key(self) -> tuple[int, date, str]:
        """What an entry is about; also the order in which rows are written."""
        return self.campaign_id, self.day, self.channel


def check_entries(
    entries: Sequence[MetricEntry], *, mode: Mode = Mode.SET, planned: bool = False, now: datetime
) -> list[Failure]:
    """What is wrong with these entries, first to last; empty when all may be stored.

    `planned`: they may be about days to come, too.
    """
    if len(entries) > MAX_ENTRIES:
        raise TooLarge(
            f"There are {len(entries)} entries; at most {MAX_ENTRIES} are taken at once.", path=["entries"]
        )
    last_day = (now + inputs.MAX_AHEAD).date()
    seen: dict[tuple[int, date, str, str], int] = {}
    found: list[Failure] = []
    for index, entry in enumerate(entries):
        first = seen.setdefault((*entry.key, entry.source or entry.channel), index)
        try:
            if first != index:
                raise Invalid(
                    f"Entry {first} is about the same campaign, day, channel and platform; send one entry for both.",
                    path=["entries", index],
                    code="REPEATED",
                )
            at = ("entries", index)
            if entry.day > last_day and not planned:
                raise Invalid(f"The day {entry.day} is still to come.", path=[*at, "day"], code="DAY_TO_COME")
            written(entry, at)
            if mode is Mode.SET:
                _totals(entry, at)
        except Failure as failure:
            found.append(failure)
    return found


def _totals(entry: MetricEntry, path: Path) -> None:
    """A day's total is not negative."""
    for name in FIGURES:
        number = getattr(entry, name)
        if number is not None and number < 0:
            raise Invalid(
                f"`{name}` is {number}; a day's total is not negative. What is taken back is sent with the mode ADD.",
                path=[*path, name],
            )


def only_channel(channels: Sequence[str]) -> str:
    """The channel in which a campaign counts what names no channel."""
    return channels[0] if len(channels) == 1 else UNKNOWN_CHANNEL
