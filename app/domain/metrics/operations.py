"""Recording figures in bulk: what a source says, the spend ledger, the headline and the stores' sums move together.

Whoever changes the figures or the spend of a campaign holds the campaign's row, locked in the order of ids. So two
calls that touch the same rows wait for each other and cannot deadlock, and what was read under the locks stays true.

What platforms report goes through `record_metrics`, what we count ourselves through `count_measured`, what follows from
something kept elsewhere (an outlay) through `rebook_spend`. Nothing else writes the ledger or facts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.inputs import broken_coins
from app.domain.metrics.entries import MetricEntry, Mode, check_entries, extra_text
from app.domain.metrics.facts import Said, store_facts
from app.errors import MAX_TOLD, Failure, NotFound, Several
from app.tables.metrics import FIGURES, REPORTED, Source


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """By how much what we count ourselves moved, on a campaign's day in a channel; the sign is kept."""

    campaign_id: int
    day: date
    channel: str
    currency: str | None = None
    """Of the revenue, and so of the sale; None: the campaign's."""
    numbers: Mapping[str, Decimal | int]
    implied: int = 0


async def record_metrics(
    tx: Transaction,
    entries: Sequence[MetricEntry],
    *,
    mode: Mode = Mode.SET,
    planned: bool = False,
    now: datetime,
) -> RecordedMetrics:
    """Store all entries or none, in the same number of statements however many there are.

    Each is what its platform says of a day; others' reports of that day and what we saw stay beside it. Numbers that an
    entry leaves out stay as recorded. Several has every fault, by entry. `planned`: entries may be about days to come.
    """
    faults = check_entries(entries, mode=mode, planned=planned, now=now)
    ids = sorted({entry.campaign_id for entry in entries})
    campaigns = {row["id"]: row for row in await tx.fetch(_CAMPAIGNS, *borders(tx.scope), ids)}
    faults += [
        NotFound("campaign", entry.campaign_id, path=["entries", index, "campaignId"])
        for index, entry in enumerate(entries)
        if entry.campaign_id not in campaigns
    ]
    faults += broken_coins(
        (amount, campaigns[entry.campaign_id]["currency"], ["entries", index, name])
        for index, entry in enumerate(entries)
        if entry.campaign_id in campaigns
        for name, amount in (("spend", entry.spend), ("revenue", entry.revenue))
    )
    if faults:
        raise Several(sorted(faults, key=_position)[:MAX_TOLD])
    if not entries:
        return RecordedMetrics(0, ())
    ordered = sorted(entries, key=lambda entry: (*entry.key, source_of(entry)))
    add = mode is Mode.ADD
    with refusals():
        spent = await _write_ledger(tx, ordered, campaigns, add=add, now=now)
        said = [
            _said(e, campaigns[e.campaign_id]["currency"], spent.get(_place(e), Decimal(0))) for e in ordered
        ]
        await store_facts(tx, said, _stores(campaigns), add=add, now=now)
    return RecordedMetrics(len(entries), tuple(ids))


async def count_measured(
    tx: Transaction, moves: Sequence[Measured], *, source: Source, now: datetime
) -> None:
    """Add to what we counted ourselves, or take back from it. Campaigns that were deleted count on: it happened.

    `spend` among the numbers goes into the ledger, as an entry of the source's own for that day and channel.
    """
    if not moves:
        return
    campaigns = await _locked(tx, {move.campaign_id for move in moves})
    sums: dict[tuple[int, date, str, str], dict[str, Any]] = {}
    implied: dict[tuple[int, date, str, str], int] = defaultdict(int)
    for move in moves:
        currency = move.currency or campaigns[move.campaign_id]["currency"]
        key = (move.campaign_id, move.day, move.channel, currency)
        numbers = sums.setdefault(key, {})
        for name, by in move.numbers.items():
            numbers[name] = numbers.get(name, 0) + by
        implied[key] += move.implied
    with refusals():
        booked = [
            SpendLine(key[0], key[1], key[2], f"{key[0]}/{key[1]}/{key[2]}", numbers["spend"])
            for key, numbers in sorted(sums.items())
            if numbers.get("spend")
        ]
        if booked:
            await tx.execute(_ADD_TO_LEDGER, *_booking(tx, booked, campaigns, source=source, now=now))
        said = [
            Said(
                campaign_id=key[0], day=key[1], channel=key[2], currency=key[3], source=source, numbers=numbers,
                implied=implied[key],
            )
            for key, numbers in sums.items()
        ]  # fmt: skip
        await store_facts(tx, said, _stores(campaigns), add=True, now=now)


async def rebook_spend(
    tx: Transaction, lines: Sequence[SpendLine], *, source: str, stem: str, now: datetime
) -> None:
    """Replace all entries of the source whose reference is `stem`, a colon and more, by these lines.

    The caller holds the row that the entries follow from, so that nobody else rebooks the same stem. Campaigns
    with earlier entries are updated too, even deleted ones: their spend is a fact.
    """
    group_id = tx.scope.group_id
    booked = await tx.fetch(_BOOKED, group_id, source, stem)
    campaigns = await _locked(
        tx, {row["campaign_id"] for row in booked} | {line.campaign_id for line in lines}
    )
    moves: dict[tuple[int, date, str], Decimal] = defaultdict(Decimal)
    with refusals():
        for row in await tx.fetch(_UNBOOK, group_id, source, stem):
            moves[row["campaign_id"], row["day"], row["channel"]] -= row["amount"]
        if lines:
            await tx.execute(_BOOK, *_booking(tx, lines, campaigns, source=source, now=now))
        for line in lines:
            moves[line.campaign_id, line.day, line.channel] += line.amount
        said = [
            Said(
                campaign_id=c, day=d, channel=ch, source=source, currency=campaigns[c]["currency"],
                numbers={"spend": by},
            )
            for (c, d, ch), by in moves.items()
            if by
        ]  # fmt: skip
        await store_facts(tx, said, _stores(campaigns), add=True, now=now)


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
_ADD_TO_LEDGER = f"""
{_BOOK}
ON CONFLICT (group_id, source, source_ref) DO UPDATE SET amount = spend_entry.amount + excluded.amount
"""
_CAMPAIGNS = f"""
SELECT id, store_id, currency FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND id = ANY ($4) AND deleted_at IS NULL
 ORDER BY id FOR NO KEY UPDATE
"""
_LEDGER = """
INSERT INTO spend_entry
  (group_id, created_at, source, campaign_id, day, channel, source_ref, amount, currency)
SELECT $1, $2, given.*
  FROM unnest($4::text[], $5::bigint[], $6::date[], $7::text[], $8::text[], $9::numeric[], $10::text[]) AS given
ON CONFLICT (group_id, source, source_ref) DO UPDATE
   SET amount = CASE WHEN $3 THEN spend_entry.amount ELSE 0 END + excluded.amount
 WHERE CASE WHEN $3 THEN excluded.amount <> 0 ELSE spend_entry.amount <> excluded.amount END
RETURNING source, source_ref, new.amount - coalesce(old.amount, 0) AS moved
"""


async def _locked(tx: Transaction, ids: set[int]) -> dict[int, Any]:
    return {row["id"]: row for row in await tx.fetch(_LOCK, tx.scope.group_id, sorted(ids))}


def _stores(campaigns: Mapping[int, Any]) -> dict[int, int]:
    return {ident: row["store_id"] for ident, row in campaigns.items()}


def _booking(
    tx: Transaction,
    lines: Sequence[SpendLine],
    campaigns: Mapping[int, Any],
    *,
    source: str,
    now: datetime,
) -> tuple[Any, ...]:
    return (
        tx.scope.group_id,
        source,
        now,
        [line.campaign_id for line in lines],
        [line.day for line in lines],
        [line.channel for line in lines],
        [line.reference for line in lines],
        [line.amount for line in lines],
        [campaigns[line.campaign_id]["currency"] for line in lines],
    )


async def _write_ledger(
    tx: Transaction, entries: Sequence[MetricEntry], campaigns: Mapping[int, Any], *, add: bool, now: datetime
) -> dict[tuple[str, str], Decimal]:
    """By how much each entry's reported spend changed, where it did."""
    told = [entry for entry in entries if entry.spend is not None]
    if not told:
        return {}
    rows = await tx.fetch(
        _LEDGER,
        tx.scope.group_id,
        now,
        add,
        [source_of(e) for e in told],
        [e.campaign_id for e in told],
        [e.day for e in told],
        [e.channel for e in told],
        [_reference(e) for e in told],
        [e.spend for e in told],
        [campaigns[e.campaign_id]["currency"] for e in told],
    )
    return {(row["source"], row["source_ref"]): row["moved"] for row in rows}


def source_of(entry: MetricEntry) -> str:
    """The name of the report's source: its platform, which is the channel's unless said."""
    return REPORTED + (entry.source or entry.channel)


def _said(entry: MetricEntry, currency: str, spent: Decimal) -> Said:
    numbers = {n: value for n in FIGURES if n != "spend" and (value := getattr(entry, n)) is not None}
    return Said(
        campaign_id=entry.campaign_id, day=entry.day, channel=entry.channel, source=source_of(entry),
        currency=currency, numbers={**numbers, "spend": spent},
        extra=None if entry.extra is None else extra_text(entry.extra),
    )  # fmt: skip


def _place(entry: MetricEntry) -> tuple[str, str]:
    return source_of(entry), _reference(entry)


def _reference(entry: MetricEntry) -> str:
    return f"{entry.campaign_id}/{entry.day.isoformat()}/{entry.channel}"


def _position(failure: Failure) -> int:
    return int(failure.path[1])
