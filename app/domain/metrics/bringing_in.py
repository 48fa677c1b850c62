"""Figures that another system counted: day by day, or only their sums.

Days are set as the system shows them, through `record_metrics`. Sums without days become an opening entry: what they
are more than the days known, on one day in one channel. What a campaign's rows keep of that in `extra`:

    opening   how much of the row's numbers is an opening entry, and up to when the sum counts
    shown     up to when a system has shown all days of these figures: a sum of then adds nothing to them

So the same sum again, days that come later, and the days of the sum, should they come after all, count once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from app.db.database import FetchedRow, Transaction
from app.domain.metrics.entries import MAX_ENTRIES, MetricEntry, only_channel
from app.domain.metrics.operations import NUMBERS, REPORTED, Mode, record_metrics
from app.errors import NotFound
from app.tables.metrics import AMOUNTS
from app.values.instants import read_instant, show_instant, zone_of
from app.values.json_text import read_json
from app.values.money import show_decimal

Number = int | Decimal
OPENING, SHOWN = "opening", "shown"

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
_EMPTY = (
    "(day, channel) IN (SELECT * FROM unnest($3::date[], $4::text[])) AND group_id = $1 AND campaign_id = $2"
)
_REMOVE = (
    f"DELETE FROM campaign_metric WHERE {_EMPTY}",
    f"DELETE FROM spend_entry WHERE {_EMPTY} AND source = '{REPORTED}' AND amount = 0",
)


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
    is_set: bool = False
    """Whether a system shows this day."""
    extra_before: Mapping[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Number:
        return self.wanted.get(name, self.values[name])

    @property
    def opening(self) -> dict[str, Number]:
        """How much of its numbers is an opening entry."""
        kept = self.extra.get(OPENING)
        if not isinstance(kept, dict):
            return {}
        return {name: _number(name, kept[name]) for name in NUMBERS if name in kept}

    @property
    def moved(self) -> bool:
        """Whether what it notes changed."""
        return self.extra != self.extra_before

    @property
    def is_empty(self) -> bool:
        """Whether it was there for an opening entry alone, of which nothing is left."""
        return self.moved and not self.extra and not self.is_set and not any(map(self.value, NUMBERS))

    def open_with(self, figures: Mapping[str, Number], until: datetime | None) -> None:
        """Note how much of it is an opening entry; nothing is none."""
        kept = {name: _shown(value) for name, value in figures.items() if value}
        self.note(OPENING, {**kept, "until": _moment(until)} if kept else None)

    def note(self, key: str, value: Any) -> None:
        """Keep this in `extra`; None: no longer."""
        if self.extra.get(key) != value:
            rest = {name: kept for name, kept in self.extra.items() if name != key}
            self.extra = rest if value is None else {**rest, key: value}

    def until(self, key: str) -> datetime | None:
        """Up to when what it notes counts."""
        told = self.extra.get(key)
        return read_instant(told["until"]) if isinstance(told, dict) and told.get("until") else None

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


Rows: TypeAlias = dict[tuple[date, str], _Row]


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
    rows: Rows = {
        (row["day"], row["channel"]): _Row(
            {name: row[name] for name in NUMBERS},
            row["reported"],
            _extra(row["extra"]),
            extra_before=_extra(row["extra"]),
        )
        for row in await tx.fetch(_KNOWN, tx.scope.group_id, campaign_id)
    }
    if points:
        _set_days(rows, points, totals or {}, campaign, until=until, now=now)
    elif totals is not None:
        _open(rows, totals, campaign, until=until, now=now)
    empty = [key for key, row in rows.items() if row.is_empty]
    entries = [
        entry for (day, channel), row in rows.items() if (entry := row.entry(campaign_id, day, channel))
    ]
    for start in range(0, len(entries), MAX_ENTRIES):
        # Other systems show what is planned to be spent on days to come as well.
        await record_metrics(tx, entries[start : start + MAX_ENTRIES], mode=Mode.SET, planned=True, now=now)
    if empty:
        days, channels = zip(*empty, strict=True)
        for statement in _REMOVE:
            await tx.execute(statement, tx.scope.group_id, campaign_id, days, channels)
    return bool(entries)


def _set_days(
    rows: Rows,
    points: Sequence[Point],
    totals: Mapping[str, Number],
    campaign: FetchedRow,
    *,
    until: datetime | None,
    now: datetime,
) -> None:
    """The days as they are shown, in place of what was opened with of these figures."""
    said = sorted({name for point in points for name in point.figures})
    for row in rows.values():
        opening = row.opening
        if opening.keys() & set(said):
            row.wanted |= {
                name: _less(name, row.value(name), opening[name]) for name in said if name in opening
            }
            rest = {name: value for name, value in opening.items() if name not in said}
            row.open_with(rest, row.until(OPENING))
    sums: dict[str, Number] = defaultdict(int)
    for point in points:
        row = _row(rows, point.day, point.channel)
        row.wanted |= point.figures
        row.is_set = True
        for name, value in point.figures.items():
            sums[name] += value
    noted = _noting(rows, SHOWN)
    until = until or (now if noted is None else noted.until(SHOWN))
    if missing := {
        name: _less(name, value, sums[name]) for name, value in totals.items() if value > sums[name]
    }:
        _add_opening(rows, missing, campaign, on=_noting(rows, OPENING), until=until or now)
    if noted is None and rows:
        noted = rows[min(rows)]
    if noted is not None:
        noted.note(SHOWN, {"figures": said, "until": _moment(until)})


def _open(
    rows: Rows,
    totals: Mapping[str, Number],
    campaign: FetchedRow,
    *,
    until: datetime | None,
    now: datetime,
) -> None:
    """What the sums are more than the days until then."""
    shown = _noting(rows, SHOWN)
    if shown is not None and (until is None or until <= (shown.until(SHOWN) or until)):
        totals = {name: value for name, value in totals.items() if name not in shown.extra[SHOWN]["figures"]}
    opened = _noting(rows, OPENING)
    before = {} if opened is None else opened.opening
    until = until or (now if opened is None else opened.until(OPENING)) or now
    last = until.astimezone(zone_of(campaign["zone"])).date()
    missing: dict[str, Number] = {}
    for name, total in totals.items():
        if opened is not None:
            opened.wanted[name] = _less(name, opened.value(name), before.get(name, 0))
        known = sum(
            (row.value(name) for (day, _), row in rows.items() if day <= last or row is opened), Decimal(0)
        )
        missing[name] = _less(name, total, _number(name, min(known, total)))
    if opened is not None:
        opened.open_with({name: value for name, value in before.items() if name not in totals}, until)
    if any(missing.values()):
        _add_opening(rows, missing, campaign, on=opened, until=until)


def _add_opening(
    rows: Rows, missing: Mapping[str, Number], campaign: FetchedRow, *, on: _Row | None, until: datetime
) -> None:
    """On the row that has one, else on the campaign's last day so far, in its channel."""
    row = on
    if row is None:
        zone = zone_of(campaign["zone"])
        days = [until.astimezone(zone).date()]
        if campaign["ends_at"] is not None:
            days.append((campaign["ends_at"] - timedelta(microseconds=1)).astimezone(zone).date())
        row = _row(rows, min(days), only_channel(campaign["channels"]))
    for name, value in missing.items():
        row.wanted[name] = _number(name, row.value(name) + value)
    row.open_with({**row.opening, **missing}, until)


def _noting(rows: Rows, key: str) -> _Row | None:
    """The row that keeps this."""
    return next((row for row in rows.values() if key in row.extra), None)


def _row(rows: Rows, day: date, channel: str) -> _Row:
    if (day, channel) not in rows:
        rows[day, channel] = _Row({name: _number(name, 0) for name in NUMBERS}, is_new=True)
    return rows[day, channel]


def _number(name: str, value: Any) -> Number:
    return Decimal(str(value)) if name in AMOUNTS else int(value)


def _less(name: str, value: Number, by: Number) -> Number:
    return _number(name, max(Decimal(0), Decimal(value) - Decimal(by)))


def _shown(value: Number) -> int | str:
    return show_decimal(value) if isinstance(value, Decimal) else value


def _moment(value: datetime | None) -> str | None:
    return None if value is None else show_instant(value)


def _extra(text: str | None) -> dict[str, Any]:
    found = read_json((text or "{}").encode(), long_numbers=True)
    return found if isinstance(found, dict) else {}
