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
from app.domain.metrics.entries import MAX_ENTRIES, MetricEntry, Mode
from app.domain.metrics.opening import bring_in_totals, settle_totals, withdraw_totals
from app.domain.metrics.operations import record_metrics
from app.errors import NotFound
from app.tables.metrics import FIGURES, REPORTED, WHOLE, Source

Number = int | Decimal

_CAMPAIGN = """
SELECT id FROM campaign WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE
"""
# What the platform said itself, and what others spent beside it.
_OWN = f"FILTER (WHERE f.source = '{REPORTED}' || f.channel)"
_KNOWN = f"""
SELECT f.day, f.channel, {", ".join(f"coalesce(max(f.{n}) {_OWN}, 0) AS {n}" for n in FIGURES)},
       coalesce(sum(f.spend) FILTER (WHERE f.source NOT IN ('{REPORTED}' || f.channel, '{Source.OPENING}')), 0)
         AS elsewhere
  FROM metric_fact f WHERE f.group_id = $1 AND f.campaign_id = $2
 GROUP BY f.day, f.channel
HAVING bool_or(f.source <> '{Source.OPENING}')
"""


@dataclass(frozen=True, slots=True)
class Point:
    """What a system shows for one day and channel. `spend` is all that was spent, whoever reported it."""

    day: date
    channel: str
    figures: Mapping[str, Number]


@dataclass(slots=True)
class _Row:
    """A campaign's day in a channel: as its platform said it, and as it is to be."""

    values: dict[str, Number]
    elsewhere: Decimal = Decimal(0)
    """Of its spend, what did not come with figures: outlays."""
    wanted: dict[str, Number] = field(default_factory=dict)
    is_new: bool = False

    def entry(self, campaign_id: int, day: date, channel: str) -> MetricEntry | None:
        """What is to be recorded, if anything."""
        told: dict[str, Any] = dict(self.wanted)
        if "spend" in told:
            told["spend"] = max(Decimal(0), Decimal(told["spend"]) - self.elsewhere)
        changed = {n: v for n, v in told.items() if v != self.values[n]}
        if not (changed or self.is_new):
            return None
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
    changed = bool(points) and await _set_days(tx, campaign_id, points, shown, now=now)
    if totals is None:
        return changed
    told = {name: Decimal(value) for name, value in totals.items()}
    done = await bring_in_totals(tx, campaign_id, told, until=until, shown=shown, now=now)
    return done.changed or changed


async def _set_days(
    tx: Transaction,
    campaign_id: int,
    points: Sequence[Point],
    shown: Mapping[date, Mapping[str, Decimal]] | None,
    *,
    now: datetime,
) -> bool:
    rows = {
        (row["day"], row["channel"]): _Row({name: row[name] for name in FIGURES}, row["elsewhere"])
        for row in await tx.fetch(_KNOWN, tx.scope.group_id, campaign_id)
    }
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
        rows[day, channel] = _Row({name: _number(name, 0) for name in FIGURES}, is_new=True)
    return rows[day, channel]


def _number(name: str, value: Any) -> Number:
    return int(value) if name in WHOLE else Decimal(str(value))
