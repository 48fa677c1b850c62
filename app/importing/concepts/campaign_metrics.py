"""Figures of campaigns, as a system reports them. A record has the campaign's ids as its own, and says one or more of:

day channel impressions clicks conversions sent delivered opened unsubscribed spend revenue
                 one day in one channel
series           a list of such days; those without any figures are kept only where they tell something
totals           the sums of the campaign, where days are not known or not all of them
totals_as_of     up to when the totals count; without it up to the import
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from app.db.database import Transaction
from app.domain.metrics.bringing_in import Number, Point, bring_in_figures
from app.domain.metrics.entries import only_channel
from app.errors import Invalid, NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.knowing import known_row, within_reach
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, document, exact, instant, text, whole
from app.tables.metrics import FIGURES, WHOLE
from app.values.ids import read_id
from app.values.instants import read_date
from app.values.numbers import MAX_SAFE_INTEGER

_CAMPAIGN = """
SELECT channels, (starts_at AT TIME ZONE zone)::date AS first,
       ((ends_at - interval '1 microsecond') AT TIME ZONE zone)::date AS last
  FROM (SELECT c.*, coalesce(s.time_zone, g.time_zone) AS zone
          FROM campaign c JOIN store s ON s.group_id = c.group_id AND s.id = c.store_id
          JOIN customer_group g ON g.id = c.group_id
         WHERE c.group_id = $1 AND c.id = $2) AS one
"""
_CHANNELS = "SELECT channels FROM campaign WHERE group_id = $1 AND id = $2"
_ANY = "SELECT EXISTS (SELECT FROM campaign_metric WHERE group_id = $1 AND campaign_id = $2)"
_SAID = "SELECT day, channel FROM campaign_metric WHERE group_id = $1 AND campaign_id = $2"


class CampaignMetricWriter:
    """Sets the figures of days, and opens with sums whose days are not known, campaign by campaign."""

    columns = Columns(
        known=("external_id", "day", "channel", *FIGURES, "totals", "series", "totals_as_of"),
        also={
            "until": "totals_as_of",
            "id": "external_id",
            "campaign": "external_id",
            "campaign_id": "external_id",
            "date": "day",
        },
        amounts=frozenset(FIGURES),
        moments=frozenset({"day", "totals_as_of"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def campaign_of(tx: Transaction, record: Record) -> int:
    """The campaign whose ids the record has, or that has one of them here; NotFound."""
    ids = record.external_ids
    if isinstance(known := await known_row(tx, "camp", ids) if ids else None, int):
        return known
    ours = [own for ident in ids.values() if (own := read_id("camp", ident)) is not None]
    if there := await within_reach(tx, "camp", ours):
        return there.pop()
    raise NotFound("campaign", ", ".join(record.external_ids.values()) or None, path=["external_id"])


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    campaign_id = await campaign_of(tx, record)
    day = row.take("day", _day)
    channel = row.take("channel", text)
    series = row.take("series", document) or []
    totals = row.take("totals", document)
    until = row.take("totals_as_of", instant, "until")
    figures = _figures({name: row.rest.pop(name, None) for name in FIGURES})
    row.nothing_left(CampaignMetricWriter.columns.known)
    if not isinstance(series, list) or not isinstance(totals, dict | None):
        raise Invalid("`series` is a list of days, `totals` an object.", path=["series"])
    points = await _telling(tx, campaign_id, [_point(one) for one in series])
    if day is not None:
        if channel is None:
            channel = only_channel(await tx.fetchval(_CHANNELS, tx.scope.group_id, campaign_id))
        points.append(Point(day, channel, figures))
    elif figures:
        raise Invalid("Figures need their `day`; sums without days are `totals`.", path=["day"])
    before = await tx.fetchval(_ANY, tx.scope.group_id, campaign_id)
    changed = await bring_in_figures(
        tx,
        campaign_id,
        points=points,
        all_days=bool(series),
        totals=None if totals is None else _figures(totals),
        until=until,
        now=now,
    )
    if not changed:
        return Verdict.SAME
    return Verdict.CHANGED if before else Verdict.MADE


async def _telling(tx: Transaction, campaign_id: int, points: list[Point]) -> list[Point]:
    """Those that are to be kept: with figures, with something to replace, or where a day or a channel would be missing.

    A day without any figures was filled in if it is inside the campaign's time, or next to a day that was.
    """
    if not points:
        return []
    row = await tx.fetchrow(_CAMPAIGN, tx.scope.group_id, campaign_id)
    assert row is not None
    there = {(one["day"], one["channel"]) for one in await tx.fetch(_SAID, tx.scope.group_id, campaign_id)}
    days = sorted({point.day for point in points})
    busy = {point.day for point in points if any(point.figures.values())}
    shown = {*row["channels"], *(point.channel for point in points if any(point.figures.values()))}
    alone = {days[0]} if row["first"] is None or days[0] < row["first"] else set()
    alone |= {days[-1]} if row["last"] is not None and days[-1] > row["last"] else set()
    alone |= {one for one, after in pairwise(days) if after - one > timedelta(days=1)}
    alone -= busy
    kept: list[Point] = []
    for point in points:
        silent = point.channel not in shown
        shown |= {point.channel}
        if (
            any(point.figures.values())
            or (point.day, point.channel) in there
            or silent
            or (point.day in alone and point.channel == points[0].channel)
        ):
            kept.append(point)
    return kept


def _point(value: Any) -> Point:
    if not isinstance(value, Mapping):
        raise Invalid("A day of `series` is an object.", path=["series"])
    one = RowReader(value)
    day, channel = one.take("day", _day, "date"), one.take("channel", text)
    if day is None or channel is None:
        raise Invalid("A day of `series` has a `day` and a `channel`.", path=["series"])
    return Point(day, channel, _figures(one.rest))


def _figures(values: Mapping[str, Any]) -> dict[str, Number]:
    unknown = values.keys() - set(FIGURES)
    if unknown:
        raise Invalid(
            f"`{min(unknown)}` is no figure of a campaign: {', '.join(FIGURES)} are.", path=[min(unknown)]
        )
    figures: dict[str, Number] = {}
    for name, value in values.items():
        if value is None:
            continue
        number: Decimal | int = whole(value, name) if name in WHOLE else exact(value, name)
        if not 0 <= number <= MAX_SAFE_INTEGER:
            raise Invalid(f"`{name}` must not be negative, and at most {MAX_SAFE_INTEGER}.", path=[name])
        figures[name] = number
    return figures


def _day(value: Any, name: str) -> date:
    try:
        return read_date(text(value, name)[:10])
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None
