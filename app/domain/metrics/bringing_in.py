"""Figures that another system counted: day by day, or only their sums.

Days are set as the system reports them, through `record_metrics`. Sums without days become an opening entry: what they
are more than the days known, on one day in one channel. The row it is on says how much of it that is (`extra.opening`)
and up to when the sum counts, so that the same sum again, later days, and the days themselves, should they come after
all, leave the sum as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.db.database import FetchedRow, Transaction
from app.domain.metrics.entries import MAX_ENTRIES, MetricEntry, only_channel
from app.domain.metrics.operations import NUMBERS, REPORTED, Mode, record_metrics
from app.errors import NotFound
from app.tables.metrics import AMOUNTS
from app.values.instants import read_instant, show_instant, zone_of
from app.values.json_text import read_json
from app.values.money import show_decimal

Number = int | Decimal
OPENING = "opening"

_CAMPAIGN = """
SELECT campaign.channels, campaign.starts_at, campaign.ends_at,
       coalesce(store.time_zone, customer_group.time_zone) AS zone
  FROM campaign
  JOIN store ON store.group_id = campaign.group_id AND store.id = campaign.store_id
  JOIN customer_group ON customer_group.id = campaign.group_id
 WHERE campaign.group_id = $1 AND campaign.id = $2
   FOR NO KEY UPDATE OF campaign
"""
_KNOWN = f"""
SELECT m.day, m.channel, {", ".join(f"m.{name}" for name in NUMBERS)}, m.extra::text AS extra,
       coalesce((SELECT sum(e.amount) FROM spend_entry e
                  WHERE e.group_id = $1 AND e.campaign_id = m.campaign_id AND e.day = m.day AND e.channel = m.channel
                    AND e.source = '{REPORTED}'), 0) AS reported
  FROM campaign_metric m WHERE m.group_id = $1 AND m.campaign_id = $2
"""


@dataclass(frozen=True, slots=True)
class Point:
    """What a system shows for one day and channel. `spend` is all that was spent, whoever reported it."""

    day: date
    channel: str
    figures: Mapping[str, Number]


@dataclass(slots=True)
class _Row:
    """A campaign's day in a channel: as it is, and as it is to be."""

    values: dict[str, Number]
    reported: Decimal = Decimal(0)
    """Of its spend, what came with figures; the rest is outlays."""
    extra: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, Number] = field(default_factory=dict)
    is_new: bool = False
    moved: bool = False

    def value(self, name: str) -> Number:
        return self.wanted.get(name, self.values[name])

    @property
    def opening(self) -> dict[str, Number]:
        """How much of its numbers is an opening entry."""
        kept = self.extra.get(OPENING)
        if not isinstance(kept, dict):
            return {}
        return {name: _number(name, kept[name]) for name in NUMBERS if name in kept}

    def open_with(self, figures: Mapping[str, Number], until: datetime | None) -> None:
        kept = {name: _shown(value) for name, value in figures.items() if value}
        if until is not None and kept:
            kept["until"] = show_instant(until)
        if kept != (self.extra.get(OPENING) or {}):
            self.extra = {name: value for name, value in self.extra.items() if name != OPENING}
            self.extra |= {OPENING: kept} if kept else {}
            self.moved = True

    def entry(self, campaign_id: int, day: date, channel: str) -> MetricEntry | None:
        """What is to be recorded, if anything."""
        changed: dict[str, Any] = {n: v for n, v in self.wanted.items() if v != self.values[n]}
        if not (changed or self.moved or self.is_new):
            return None
        if "spend" in changed:
            elsewhere = Decimal(self.values["spend"]) - self.reported
            changed["spend"] = max(Decimal(0), Decimal(changed["spend"]) - elsewhere)
        return MetricEntry(
            campaign_id=campaign_id,
            day=day,
            channel=channel,
            extra=self.extra if self.moved else None,
            **changed,
        )


async def bring_in_figures(
    tx: Transaction,
    campaign_id: int,
    *,
    points: Sequence[Point] = (),
    totals: Mapping[str, Number] | None = None,
    until: datetime | None = None,
    now: datetime,
) -> bool:
    """Let the campaign have these days, and these sums up to a moment; whether that changed anything.

    A day that shows nothing is recorded only where there is something to be replaced; the caller leaves out others.
    """
    campaign = await tx.fetchrow(_CAMPAIGN, tx.scope.group_id, campaign_id)
    if campaign is None:
        raise NotFound("campaign", campaign_id, path=["campaign"])
    rows = {
        (row["day"], row["channel"]): _Row(
            {name: row[name] for name in NUMBERS}, row["reported"], _extra(row["extra"])
        )
        for row in await tx.fetch(_KNOWN, tx.scope.group_id, campaign_id)
    }
    if points:
        _set_days(rows, points)
    if totals is not None:
        _open(rows, totals, campaign, until=until, now=now)
    entries = [
        entry for (day, channel), row in rows.items() if (entry := row.entry(campaign_id, day, channel))
    ]
    for start in range(0, len(entries), MAX_ENTRIES):
        # Other systems show what is planned to be spent on days to come as well.
        await record_metrics(tx, entries[start : start + MAX_ENTRIES], mode=Mode.SET, planned=True, now=now)
    return bool(entries)


def _set_days(rows: dict[tuple[date, str], _Row], points: Sequence[Point]) -> None:
    """The days as they are shown; of what they show nothing was opened any more."""
    said = {name for point in points for name in point.figures}
    for row in rows.values():
        opening = row.opening
        if said & opening.keys():
            row.wanted |= {
                name: _less(name, row.value(name), opening[name]) for name in said & opening.keys()
            }
            until = row.extra[OPENING].get("until")
            rest = {name: value for name, value in opening.items() if name not in said}
            row.open_with(rest, None if until is None else read_instant(until))
    for point in points:
        row = _row(rows, point.day, point.channel)
        row.wanted |= point.figures


def _open(
    rows: dict[tuple[date, str], _Row],
    totals: Mapping[str, Number],
    campaign: FetchedRow,
    *,
    until: datetime | None,
    now: datetime,
) -> None:
    zone = zone_of(campaign["zone"])
    at, opened = next(((key, row) for key, row in rows.items() if OPENING in row.extra), (None, None))
    if until is None:
        told = None if opened is None else opened.extra[OPENING].get("until")
        until = now if told is None else read_instant(told)
    last = until.astimezone(zone).date()
    if at is None:
        day = last if campaign["ends_at"] is None else min(last, campaign["ends_at"].astimezone(zone).date())
        at = (day, only_channel(campaign["channels"]))
    before = {} if opened is None else opened.opening
    known = {
        name: sum(
            (row.value(name) for (day, _), row in rows.items() if day <= last or (day, _) == at), Decimal(0)
        )
        - before.get(name, 0)
        for name in totals
    }
    missing = {name: _number(name, max(Decimal(0), totals[name] - known[name])) for name in totals}
    if not any(missing.values()) and not before:
        return
    row = opened or _row(rows, *at)
    for name, value in missing.items():
        row.wanted[name] = _less(name, row.value(name) + value, before.get(name, 0))
    row.open_with({**before, **missing}, until)


def _row(rows: dict[tuple[date, str], _Row], day: date, channel: str) -> _Row:
    if (day, channel) not in rows:
        rows[day, channel] = _Row({name: _number(name, 0) for name in NUMBERS}, is_new=True)
    return rows[day, channel]


def _number(name: str, value: Any) -> Number:
    return Decimal(str(value)) if name in AMOUNTS else int(value)


def _less(name: str, value: Number, by: Number) -> Number:
    return _number(name, max(Decimal(0), Decimal(value) - Decimal(by)))


def _shown(value: Number) -> int | str:
    return show_decimal(value) if isinstance(value, Decimal) else value


def _extra(text: str | None) -> dict[str, Any]:
    found = read_json((text or "{}").encode(), long_numbers=True)
    return found if isinstance(found, dict) else {}
