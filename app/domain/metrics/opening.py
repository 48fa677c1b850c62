"""Totals of a campaign that another system counted, without days: what of them no day accounts for is put into one.

Such totals say up to when they count. What days up to then (and orders made until then) say is in them already; the
rest stands in the last day that is known up to that moment, or, where there is none, in a row of its own: at the end of
the campaign or at that moment, whichever came first. So the campaign's sums are the totals told and what came after.

Money may be planned for days to come, and totals count it: `planned` is what the system showed of them.

Nobody opens, clicks or unsubscribes whom nothing reached: totals that do not tell `delivered` imply as many as are
needed.

`campaign.opening` keeps what was told, and what of it was put where:

    {"until": "2026-11-30T10:00:00Z", "planned": {"spend": 900}, "told": {"sent": 5420, …},
     "put": {"day": "2026-11-30", "channel": "email", "sent": 5420, …}}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.metrics.entries import only_channel
from app.domain.metrics.facts import Key
from app.domain.metrics.headline import believed
from app.domain.metrics.operations import Measured, count_measured
from app.errors import NotFound
from app.tables.metrics import AMOUNTS, FIGURES, WHOLE, Source
from app.values.instants import end_of, read_instant, show_instant, zone_of
from app.values.json_text import read_object, write_json

Numbers = Mapping[str, Decimal]
_LOCK = f"""
SELECT campaign.id, campaign.channels, campaign.ends_at, campaign.opening::text AS opening,
       coalesce(store.time_zone, customer_group.time_zone) AS zone
  FROM campaign
  JOIN store ON store.group_id = campaign.group_id AND store.id = campaign.store_id
  JOIN customer_group ON customer_group.id = campaign.group_id
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4)
 ORDER BY campaign.id FOR NO KEY UPDATE OF campaign
"""
_KEEP = "UPDATE campaign SET opening = $3::json WHERE group_id = $1 AND id = $2"
_SUMS = f"""
SELECT {", ".join(f"coalesce(sum({n}), 0) AS {n}" for n in FIGURES)}
  FROM campaign_metric WHERE group_id = $1 AND campaign_id = $2 AND day <= $3
"""
# Orders of the last day that were made after the moment: its numbers have them, the totals have not. Where a platform
# reports conversions of that day, orders are not among them.
_AFTER = f"""
SELECT count(*) FILTER (WHERE r.conversions IS NULL AND o.worth > 0) AS conversions,
       coalesce(sum(o.worth) FILTER (WHERE o.currency = c.currency), 0) AS revenue
  FROM customer_order o
  JOIN campaign c ON c.group_id = o.group_id AND c.id = o.campaign_id
  {believed("o.campaign_id", "$5::date", "o.channel")}
 WHERE o.group_id = $1 AND o.campaign_id = $2 AND o.ordered_at > $3 AND o.ordered_at < $4
"""
_REPORTED = f"""
SELECT k.campaign_id, k.day, k.channel
  FROM unnest($2::bigint[], $3::date[], $4::text[]) AS k (campaign_id, day, channel)
       {believed("k.campaign_id", "k.day", "k.channel")}
 WHERE r.conversions IS NOT NULL
"""
_LAST = """
SELECT day, channel FROM campaign_metric
 WHERE group_id = $1 AND campaign_id = $2 AND day <= $3 ORDER BY day DESC, channel LIMIT 1
"""
# What was taken back entirely was never said. The headline goes with the last fact of its day: orders may have come
# into a row that was made for totals.
_UNSAY = f"""
DELETE FROM metric_fact
 WHERE group_id = $1 AND campaign_id = $2 AND day = $3 AND channel = $4 AND source = '{Source.OPENING}'
   AND {" AND ".join(f"coalesce({n}, 0) = 0" for n in FIGURES)}
"""
_REMOVE = """
DELETE FROM campaign_metric m
 WHERE group_id = $1 AND campaign_id = $2 AND day = $3 AND channel = $4
   AND NOT EXISTS (SELECT FROM metric_fact f WHERE f.group_id = m.group_id AND f.campaign_id = m.campaign_id
                      AND f.day = m.day AND f.channel = m.channel)
"""


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """What became of told totals."""

    changed: bool
    exceeded: tuple[str, ...] = ()
    """Numbers of which the days say more than the totals do; the days are believed."""


@dataclass(slots=True)
class Opening:
    """`campaign.opening`, read."""

    until: datetime
    told: dict[str, Decimal] = field(default_factory=dict)
    put: dict[str, Decimal] = field(default_factory=dict)
    place: tuple[date, str] | None = None
    planned: dict[str, Decimal] = field(default_factory=dict)

    def whole(self) -> Numbers:
        """What was told, and what that implies."""
        people = [self.told[name] for name in ("opened", "clicked", "unsubscribed") if name in self.told]
        return {"delivered": max(people), **self.told} if people else self.told

    def plan(self, shown: Mapping[date, Numbers], last_day: date) -> None:
        """Take what a system showed of days to come for planned."""
        ahead = [numbers for day, numbers in shown.items() if day > last_day]
        sums = {name: sum((one.get(name, Decimal(0)) for one in ahead), Decimal(0)) for name in AMOUNTS}
        self.planned = {name: by for name, by in sums.items() if by}


async def bring_in_totals(
    tx: Transaction,
    campaign_id: int,
    told: Numbers,
    *,
    until: datetime | None,
    shown: Mapping[date, Numbers] | None = None,
    now: datetime,
) -> BroughtIn:
    """Let a campaign's sums be these totals (by column of its metrics) and what came after `until`, or now.

    Numbers that are not told stay. The same totals again change nothing, nor do those of an earlier moment.
    `shown`: all days that the system shows, those to come as well.
    """
    rows = await tx.fetch(_LOCK, *borders(tx.scope), [campaign_id])
    if not rows:
        raise NotFound("campaign", campaign_id, path=[])
    until = now if until is None else min(until, now)
    opening = _read(rows[0]["opening"]) or Opening(until)
    known = [name for name in told if name in opening.told]
    if len(known) == len(told) and (
        until < opening.until or all(told[name] == opening.told[name] for name in told)
    ):
        return BroughtIn(changed=False)
    opening.told |= told
    opening.until = max(until, opening.until)
    if shown is not None:
        opening.plan(shown, until.astimezone(zone_of(rows[0]["zone"])).date())
    return BroughtIn(changed=True, exceeded=await _settle(tx, rows[0], opening, now=now))


async def withdraw_totals(tx: Transaction, campaign_id: int, *, now: datetime) -> None:
    """Take out of the days what is of totals, so that days can be set. `settle_totals` puts it in again."""
    (row,) = await tx.fetch(_LOCK, *borders(tx.scope), [campaign_id])
    opening = _read(row["opening"])
    if opening is not None and opening.place is not None:
        await _withdraw(tx, campaign_id, opening, now=now)
        await _keep(tx, campaign_id, opening)


async def settle_totals(
    tx: Transaction, campaign_id: int, *, shown: Mapping[date, Numbers] | None = None, now: datetime
) -> None:
    """Put what days do not account for into one, after days came in that the totals know already.

    `shown`: as in `bring_in_totals`.
    """
    (row,) = await tx.fetch(_LOCK, *borders(tx.scope), [campaign_id])
    opening = _read(row["opening"])
    if opening is not None:
        if shown is not None:
            opening.plan(shown, opening.until.astimezone(zone_of(row["zone"])).date())
        await _settle(tx, row, opening, now=now)


async def take_from_totals(tx: Transaction, accounted: Mapping[Key, Numbers], *, now: datetime) -> None:
    """Less of the totals is without a day: what orders brought that were made before the totals' moment.

    Conversions of a day whose platform reports them are the report's, and orders no part of them.
    """
    keys = sorted(accounted)
    rows = await tx.fetch(_REPORTED, tx.scope.group_id, *([key[n] for key in keys] for n in range(3)))
    reported = {(row["campaign_id"], row["day"], row["channel"]) for row in rows}
    known: dict[int, dict[str, Decimal]] = {}
    for key, numbers in accounted.items():
        by = known.setdefault(key[0], {})
        for name, number in numbers.items():
            if name != "conversions" or key not in reported:
                by[name] = by.get(name, Decimal(0)) + number
    moves: list[Measured] = []
    for row in await tx.fetch(_LOCK, *borders(tx.scope), sorted(known)):
        opening = _read(row["opening"])
        if opening is None or opening.place is None:
            continue
        taken = {n: min(by, opening.put.get(n, Decimal(0))) for n, by in known[row["id"]].items()}
        moves.append(_move(row["id"], opening.place, _negative(taken)))
        opening.put |= {name: opening.put.get(name, Decimal(0)) - by for name, by in taken.items()}
        await _keep(tx, row["id"], opening)
    await count_measured(tx, moves, source=Source.OPENING, now=now)


async def _withdraw(tx: Transaction, campaign_id: int, opening: Opening, *, now: datetime) -> None:
    if opening.place is not None:
        if any(opening.put.values()):
            await _put(tx, campaign_id, opening.place, _negative(opening.put), now=now)
        for statement in (_UNSAY, _REMOVE):
            await tx.execute(statement, tx.scope.group_id, campaign_id, *opening.place)
    opening.place, opening.put = None, {}


async def _settle(tx: Transaction, row: Any, opening: Opening, *, now: datetime) -> tuple[str, ...]:
    group_id, ident = tx.scope.group_id, row["id"]
    await _withdraw(tx, ident, opening, now=now)
    zone = zone_of(row["zone"])
    last_day = opening.until.astimezone(zone).date()
    sums = await tx.fetchrow(_SUMS, group_id, ident, last_day)
    after = await tx.fetchrow(_AFTER, group_id, ident, opening.until, end_of(last_day, zone), last_day)
    assert sums is not None
    assert after is not None
    by_days = {
        name: sums[name]
        - (after[name] if name in ("conversions", "revenue") else 0)
        + opening.planned.get(name, 0)
        for name in FIGURES
    }
    rest = {name: by for name, told in opening.whole().items() if (by := told - by_days[name]) > 0}
    if rest:
        found = await tx.fetchrow(_LAST, group_id, ident, last_day)
        if found is not None:
            opening.place = (found["day"], found["channel"])
        else:
            end = row["ends_at"]
            ended = last_day if end is None else (end - timedelta(microseconds=1)).astimezone(zone).date()
            opening.place = (min(last_day, ended), only_channel(row["channels"]))
        opening.put = rest
        await _put(tx, ident, opening.place, rest, now=now)
    await _keep(tx, ident, opening)
    return tuple(name for name, told in opening.told.items() if told < by_days[name])


def _negative(numbers: Numbers) -> Numbers:
    return {name: -number for name, number in numbers.items()}


async def _put(
    tx: Transaction, campaign_id: int, place: tuple[date, str], numbers: Numbers, *, now: datetime
) -> None:
    await count_measured(tx, [_move(campaign_id, place, numbers)], source=Source.OPENING, now=now)


def _move(campaign_id: int, place: tuple[date, str], numbers: Numbers) -> Measured:
    moved = {n: int(by) if n in WHOLE else by for n, by in numbers.items() if by}
    return Measured(campaign_id=campaign_id, day=place[0], channel=place[1], numbers=moved)


def _read(text: str | None) -> Opening | None:
    if text is None:
        return None
    kept: dict[str, Any] = read_object(text.encode())
    put = dict(kept.get("put") or {})
    day, channel = put.pop("day", None), put.pop("channel", None)
    return Opening(
        read_instant(kept["until"]),
        {name: Decimal(number) for name, number in kept["told"].items()},
        {name: Decimal(number) for name, number in put.items()},
        None if day is None else (date.fromisoformat(day), channel),
        {name: Decimal(number) for name, number in kept.get("planned", {}).items()},
    )


async def _keep(tx: Transaction, campaign_id: int, opening: Opening) -> None:
    kept: dict[str, Any] = {"until": show_instant(opening.until), "told": opening.told}
    if opening.planned:
        kept["planned"] = opening.planned
    if opening.place is not None:
        day, channel = opening.place
        kept["put"] = {"day": day.isoformat(), "channel": channel, **opening.put}
    await tx.execute(_KEEP, tx.scope.group_id, campaign_id, write_json(kept).decode())
