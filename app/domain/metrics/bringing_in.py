"""Figures that another system counted: day by day, or only their sums.

Days are set as the system reports them, through `record_metrics`; what of a day is part of sums without days is no part
of what it reports (`opening.py`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.metrics.entries import MAX_ENTRIES, MetricEntry
from app.domain.metrics.opening import Opening, bring_in_totals, read_opening, settle_totals, withdraw_totals
from app.domain.metrics.operations import NUMBERS, REPORTED, Mode, record_metrics
from app.errors import NotFound
from app.tables.metrics import AMOUNTS

Number = int | Decimal

_CAMPAIGN = """
SELECT opening::text AS opening FROM campaign WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE
"""
_KNOWN = f"""
SELECT m.day, m.channel, {", ".join(f"m.{name}" for name in NUMBERS)},
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
    wanted: dict[str, Number] = field(default_factory=dict)
    is_new: bool = False

    def entry(self, campaign_id: int, day: date, channel: str) -> MetricEntry | None:
        """What is to be recorded, if anything."""
        changed: dict[str, Any] = {n: v for n, v in self.wanted.items() if v != self.values[n]}
        if not (changed or self.is_new):
            return None
        if "spend" in changed:
            elsewhere = Decimal(self.values["spend"]) - self.reported
            changed["spend"] = max(Decimal(0), Decimal(changed["spend"]) - elsewhere)
        return MetricEntry(campaign_id=campaign_id, day=day, channel=channel, **changed)


async def bring_in_figures(
    tx: Transaction,
    campaign_id: int,
    *,
    points: Sequence[Point] = (),
    all_days: bool = False,
    totals: Mapping[str, Number] | None = None,
    until: datetime | None = None,
    now: datetime,
) -> bool:
    """Let the campaign have these days, and these sums up to a moment; whether that changed anything.

    A day that shows nothing is recorded only where there is something to be replaced; the caller leaves out others.
    `all_days`: the system shows no further days.
    """
    campaign = await tx.fetchrow(_CAMPAIGN, tx.scope.group_id, campaign_id)
    if campaign is None:
        raise NotFound("campaign", campaign_id, path=["campaign"])
    shown = _by_day(points) if all_days else None
    changed = bool(points) and await _set_days(
        tx, campaign_id, points, read_opening(campaign["opening"]), shown, now=now
    )
    if totals is None:
        return changed
    told = {name: Decimal(value) for name, value in totals.items()}
    done = await bring_in_totals(tx, campaign_id, told, until=until, shown=shown, now=now)
    return done.changed or changed


async def _set_days(
    tx: Transaction,
    campaign_id: int,
    points: Sequence[Point],
    opening: Opening | None,
    shown: Mapping[date, Mapping[str, Decimal]] | None,
    *,
    now: datetime,
) -> bool:
    rows = {
        (row["day"], row["channel"]): _Row({name: row[name] for name in NUMBERS}, row["reported"])
        for row in await tx.fetch(_KNOWN, tx.scope.group_id, campaign_id)
    }
    if opening is not None and opening.place in rows:
        if opening.own:
            del rows[opening.place]
        else:
            row = rows[opening.place]
            for name, number in opening.put.items():
                row.values[name] = _number(name, row.values[name] - number)
            row.reported -= opening.put.get("spend", Decimal(0))
    for point in points:
        _row(rows, point.day, point.channel).wanted |= point.figures
    entries = [
        entry for (day, channel), row in rows.items() if (entry := row.entry(campaign_id, day, channel))
    ]
    if not entries:
        return False
    await withdraw_totals(tx, campaign_id, now=now)
    for start in range(0, len(entries), MAX_ENTRIES):
        # Other systems show what is planned to be spent on days to come as well.
        await record_metrics(tx, entries[start : start + MAX_ENTRIES], mode=Mode.SET, planned=True, now=now)
    await settle_totals(tx, campaign_id, shown=shown, now=now)
    return True


def _by_day(points: Sequence[Point]) -> Mapping[date, Mapping[str, Decimal]]:
    sums: defaultdict[date, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for point in points:
        for name, number in point.figures.items():
            sums[point.day][name] += number
    return sums


def _row(rows: dict[tuple[date, str], _Row], day: date, channel: str) -> _Row:
    if (day, channel) not in rows:
        rows[day, channel] = _Row({name: _number(name, 0) for name in NUMBERS}, is_new=True)
    return rows[day, channel]


def _number(name: str, value: Any) -> Number:
    return Decimal(str(value)) if name in AMOUNTS else int(value)
