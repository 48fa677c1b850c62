"""Recording metrics in bulk: the day's numbers, the spend ledger and the store's rollup move together.

Whoever changes the metrics or the spend of a campaign holds the campaign's row, locked in the order of
ids. Rollup rows belong to many campaigns; they are locked after that, in the order of their key. So two
calls that touch the same rows wait for each other and cannot deadlock, and what was read under the locks
stays true.

Nothing else writes the ledger: what is reported goes through `record_metrics`, what follows from something
kept elsewhere (an outlay) through `rebook_spend`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.metrics.entries import MetricEntry, check_entries, extra_text
from app.errors import MAX_TOLD, Failure, Invalid, NotFound, Several
from app.tables.metrics import AMOUNTS, COUNTS
from app.values.numbers import MAX_SAFE_INTEGER

NUMBERS = (*COUNTS, *AMOUNTS)
REPORTED = "reported"
"""The source of the ledger's entries made here."""


class Mode(StrEnum):
    """What a number in an entry means."""

    SET = "set"
    """The day's total so far: it replaces what was recorded. Sending it twice changes nothing."""
    ADD = "add"
    """An addition to what was recorded."""


@dataclass(frozen=True, slots=True)
class SpendLine:
    """What a campaign cost on a day in a channel, in the campaign's currency; the sign is kept."""

    campaign_id: int
    day: date
    channel: str
    reference: str
    """Unique in its source."""
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RecordedMetrics:
    """What a call changed."""

    entries: int
    campaign_ids: tuple[int, ...]
    """Ascending, each once."""


async def record_metrics(
    tx: Transaction,
    entries: Sequence[MetricEntry],
    *,
    mode: Mode = Mode.SET,
    planned: bool = False,
    now: datetime,
) -> RecordedMetrics:
    """Store all entries or none, in the same number of statements however many there are.

    Numbers that an entry leaves out stay as recorded. Several has every fault, by entry. `planned`: entries may be
    about days to come.
    """
    faults = check_entries(entries, planned=planned, now=now)
    ids = sorted({entry.campaign_id for entry in entries})
    campaigns = {row["id"]: row for row in await tx.fetch(_CAMPAIGNS, *borders(tx.scope), ids)}
    faults += [
        NotFound("campaign", entry.campaign_id, path=["entries", index, "campaignId"])
        for index, entry in enumerate(entries)
        if entry.campaign_id not in campaigns
    ]
    if faults:
        raise Several(sorted(faults, key=_position)[:MAX_TOLD])
    if not entries:
        return RecordedMetrics(0, ())
    ordered = sorted(entries, key=lambda entry: entry.key)
    currencies = [campaigns[entry.campaign_id]["currency"] for entry in ordered]
    add = mode is Mode.ADD
    with refusals():
        spent = await _write_ledger(tx, ordered, currencies, add=add, now=now)
        moved = await _write_metrics(tx, ordered, currencies, spent, add=add, now=now)
        await _move_rollup(tx, moved, {key: row["store_id"] for key, row in campaigns.items()}, now=now)
    return RecordedMetrics(len(entries), tuple(ids))


async def move_metrics(tx: Transaction, entries: Sequence[MetricEntry], *, now: datetime) -> None:
    """Add these numbers, negative ones too, to what is recorded: what follows from something kept elsewhere.

    The caller knows that nothing becomes negative, and holds the campaigns.
    """
    if not entries:
        return
    ids = sorted({entry.campaign_id for entry in entries})
    campaigns = {row["id"]: row for row in await tx.fetch(_LOCK, tx.scope.group_id, ids)}
    ordered = sorted(entries, key=lambda entry: entry.key)
    currencies = [campaigns[entry.campaign_id]["currency"] for entry in ordered]
    with refusals():
        spent = await _write_ledger(tx, ordered, currencies, add=True, now=now)
        moved = await _write_metrics(tx, ordered, currencies, spent, add=True, now=now)
        await _move_rollup(tx, moved, {key: row["store_id"] for key, row in campaigns.items()}, now=now)


async def rebook_spend(
    tx: Transaction, lines: Sequence[SpendLine], *, source: str, stem: str, now: datetime
) -> None:
    """Replace all entries of the source whose reference is `stem`, a colon and more, by these lines.

    The caller holds the row that the entries follow from, so that nobody else rebooks the same stem. Campaigns
    with earlier entries are updated too, even deleted ones: their spend is a fact.
    """
    group_id = tx.scope.group_id
    booked = await tx.fetch(_BOOKED, group_id, source, stem)
    ids = {row["campaign_id"] for row in booked} | {line.campaign_id for line in lines}
    campaigns = {row["id"]: row for row in await tx.fetch(_LOCK, group_id, sorted(ids))}
    moves: dict[tuple[int, date, str], Decimal] = defaultdict(Decimal)
    with refusals():
        for row in await tx.fetch(_UNBOOK, group_id, source, stem):
            moves[row["campaign_id"], row["day"], row["channel"]] -= row["amount"]
        if lines:
            await tx.execute(
                _BOOK,
                group_id,
                source,
                now,
                [line.campaign_id for line in lines],
                [line.day for line in lines],
                [line.channel for line in lines],
                [line.reference for line in lines],
                [line.amount for line in lines],
                [campaigns[line.campaign_id]["currency"] for line in lines],
            )
        for line in lines:
            moves[line.campaign_id, line.day, line.channel] += line.amount
        moved = [
            MetricEntry(campaign_id=c, day=d, channel=ch) for (c, d, ch), by in sorted(moves.items()) if by
        ]
        if moved:
            currencies = [campaigns[entry.campaign_id]["currency"] for entry in moved]
            spent = {_reference(entry): moves[entry.key] for entry in moved}
            rows = await _write_metrics(tx, moved, currencies, spent, add=True, now=now)
            await _move_rollup(tx, rows, {key: row["store_id"] for key, row in campaigns.items()}, now=now)


# A range, so that the unique key finds them: `;` is what follows `:` in code points.
_OF_STEM = "group_id = $1 AND source = $2 AND source_ref > $3::text || ':' AND source_ref < $3::text || ';'"
_BOOKED = f"SELECT DISTINCT campaign_id FROM spend_entry WHERE {_OF_STEM}"
_LOCK = """
SELECT id, store_id, currency FROM campaign
 WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_UNBOOK = f"DELETE FROM spend_entry WHERE {_OF_STEM} RETURNING campaign_id, day, channel, amount"
_BOOK = """
INSERT INTO spend_entry (group_id, source, created_at, campaign_id, day, channel, source_ref, amount, currency)
SELECT $1, $2, $3, given.*
  FROM unnest($4::bigint[], $5::date[], $6::text[], $7::text[], $8::numeric[], $9::text[]) AS given
"""
_CAMPAIGNS = f"""
SELECT id, store_id, currency FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND id = ANY ($4) AND deleted_at IS NULL
 ORDER BY id FOR NO KEY UPDATE
"""
_LEDGER = f"""
INSERT INTO spend_entry
  (group_id, source, created_at, campaign_id, day, channel, source_ref, amount, currency)
SELECT $1, '{REPORTED}', $2, given.*
  FROM unnest($4::bigint[], $5::date[], $6::text[], $7::text[], $8::numeric[], $9::text[]) AS given
ON CONFLICT (group_id, source, source_ref) DO UPDATE
   SET amount = CASE WHEN $3 THEN spend_entry.amount ELSE 0 END + excluded.amount
RETURNING source_ref, new.amount - coalesce(old.amount, 0) AS moved
"""


async def _write_ledger(
    tx: Transaction, entries: Sequence[MetricEntry], currencies: Sequence[str], *, add: bool, now: datetime
) -> dict[str, Decimal]:
    """By how much each entry's reported spend changed; entries without spend are left out."""
    told = [(e, c) for e, c in zip(entries, currencies, strict=True) if e.spend is not None]
    if not told:
        return {}
    rows = await tx.fetch(
        _LEDGER,
        tx.scope.group_id,
        now,
        add,
        [e.campaign_id for e, _ in told],
        [e.day for e, _ in told],
        [e.channel for e, _ in told],
        [_reference(e) for e, _ in told],
        [e.spend for e, _ in told],
        [c for _, c in told],
    )
    return {row["source_ref"]: row["moved"] for row in rows}


def _settled(number: str) -> str:
    """The new value of a column. The change in spend comes from the ledger, in either mode."""
    if number == "spend":
        return "coalesce(m.spend, 0) + given.spend"
    return (
        f"CASE WHEN $3 OR given.{number} IS NULL THEN coalesce(m.{number}, 0) ELSE 0 END"
        f" + coalesce(given.{number}, 0)"
    )


def _arrays(first: int, types: Iterable[str]) -> str:
    return ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, start=first))


_COLUMNS = f"campaign_id, day, channel, currency, {', '.join(NUMBERS)}, extra"
_NUMBER_TYPES = ["bigint"] * len(COUNTS) + ["numeric"] * len(AMOUNTS)
_METRICS = f"""
INSERT INTO campaign_metric (group_id, created_at, {_COLUMNS})
SELECT $1, $2, given.campaign_id, given.day, given.channel, given.currency,
       {", ".join(_settled(n) for n in NUMBERS)},
       coalesce(given.extra::json, m.extra, '{{}}')
  FROM unnest({_arrays(4, ["bigint", "date", "text", "text", *_NUMBER_TYPES, "text"])}) AS given ({_COLUMNS})
  LEFT JOIN campaign_metric m
    ON m.group_id = $1 AND m.campaign_id = given.campaign_id AND m.day = given.day
   AND m.channel = given.channel
ON CONFLICT (group_id, campaign_id, day, channel) DO UPDATE
   SET {", ".join(f"{n} = excluded.{n}" for n in (*NUMBERS, "extra"))}
RETURNING new.campaign_id, new.day, new.channel, new.currency,
       {", ".join(f"new.{n} - coalesce(old.{n}, 0) AS {n}" for n in NUMBERS)}
"""


async def _write_metrics(
    tx: Transaction,
    entries: Sequence[MetricEntry],
    currencies: Sequence[str],
    spent: dict[str, Decimal],
    *,
    add: bool,
    now: datetime,
) -> Sequence[Any]:
    """The rows that were written, with the changes in their numbers."""
    return await tx.fetch(
        _METRICS,
        tx.scope.group_id,
        now,
        add,
        [e.campaign_id for e in entries],
        [e.day for e in entries],
        [e.channel for e in entries],
        currencies,
        *([getattr(e, name) for e in entries] for name in COUNTS),
        [spent.get(_reference(e), Decimal(0)) for e in entries],
        [e.revenue for e in entries],
        [None if e.extra is None else extra_text(e.extra) for e in entries],
    )


_ROLLUP_KEY = ["bigint", "date", "text", "text"]
_ROLLUP_ROWS = f"""
INSERT INTO metric_rollup (group_id, created_at, store_id, day, channel, currency, spend, revenue)
SELECT $1, $2, given.*, 0, 0 FROM unnest({_arrays(3, _ROLLUP_KEY)}) AS given
ON CONFLICT (group_id, store_id, day, channel, currency) DO NOTHING
"""
_SAME_ROW = (
    "r.group_id = $1 AND r.store_id = given.store_id AND r.day = given.day"
    " AND r.channel = given.channel AND r.currency = given.currency"
)
_ROLLUP_LOCK = f"""
SELECT 1 FROM metric_rollup r
  JOIN unnest({_arrays(2, _ROLLUP_KEY)}) AS given (store_id, day, channel, currency) ON {_SAME_ROW}
 ORDER BY r.store_id, r.day, r.channel, r.currency FOR NO KEY UPDATE OF r
"""
_ROLLUP_MOVE = f"""
UPDATE metric_rollup r SET {", ".join(f"{n} = r.{n} + given.{n}" for n in NUMBERS)}
  FROM unnest({_arrays(2, [*_ROLLUP_KEY, *_NUMBER_TYPES])})
    AS given (store_id, day, channel, currency, {", ".join(NUMBERS)})
 WHERE {_SAME_ROW}
"""


async def _move_rollup(
    tx: Transaction, moved: Sequence[Any], stores: dict[int, int], *, now: datetime
) -> None:
    """Change each store's sums as its campaigns changed. Missing rows are made first: a sum can also go down."""
    sums: dict[tuple[int, date, str, str], list[Any]] = defaultdict(lambda: [0] * len(NUMBERS))
    for row in moved:
        key = (stores[row["campaign_id"]], row["day"], row["channel"], row["currency"])
        sums[key] = [total + row[name] for total, name in zip(sums[key], NUMBERS, strict=True)]
    keys = sorted(sums)
    if any(abs(total) > MAX_SAFE_INTEGER for key in keys for total in sums[key][: len(COUNTS)]):
        raise Invalid("These counts add up to more than 2^53 - 1.", path=["entries"], code="TOO_MUCH")
    key_arrays = [[key[n] for key in keys] for n in range(4)]
    number_arrays = [[sums[key][n] for key in keys] for n in range(len(NUMBERS))]
    group_id = tx.scope.group_id
    await tx.execute(_ROLLUP_ROWS, group_id, now, *key_arrays)
    await tx.fetch(_ROLLUP_LOCK, group_id, *key_arrays)
    await tx.execute(_ROLLUP_MOVE, group_id, *key_arrays, *number_arrays)


def _reference(entry: MetricEntry) -> str:
    return f"{entry.campaign_id}/{entry.day.isoformat()}/{entry.channel}"


def _position(failure: Failure) -> int:
    return int(failure.path[1])
