"""Setting and changing spend limits, many at once, and putting pending ones into effect.

Writing the ledger of a campaign locks the campaign's row, and so does changing its limit; what was spent is read after
that. So of a spend and a lowered limit at the same moment one comes first, and the other sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.campaigns.due import tell_worker
from app.domain.settable import IdText, needed, optional, settable
from app.domain.spend.periods import today_in
from app.domain.spend.rules import (
    SAME_CAMPAIGN,
    UNCAPPED,
    UNCHANGED,
    AskedLimit,
    Limit,
    changed,
    checked,
    settled,
)
from app.errors import Conflict, Failure, NotFound, TooLarge
from app.tables.campaigns import Objective
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from app.values.changes import UNSET, Settable, Unset
from app.values.ids import read_id
from app.values.instants import zone_of

MAX_CHANGES = 1_000
COLUMNS = tuple(field.name for field in fields(Limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One of many changes. UNSET stays as it is."""

    campaign: IdText = needed("The campaign.", name="id")
    objective: Settable[Objective] = settable("Its marketing goal.", null=UNSET)
    limit: AskedLimit = optional(
        "How much it may spend.", name="spend_limit", default=UNCHANGED, null=UNCHANGED
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """It was done."""

    campaign_id: int
    effective_from: datetime | None
    """Set: the new limit waits for the next period, which starts then."""


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """It was not done, not even in part."""

    campaign: str
    why: Failure


Outcome = Changed | ChangeRefused

# The rows stay locked until COMMIT. By id, so that two calls for the same rows cannot deadlock.
_LOCK = f"""
SELECT campaign.id, campaign.currency, store.unavailable_features AS without,
       coalesce(store.time_zone, customer_group.time_zone) AS zone
  FROM campaign
  JOIN store ON store.group_id = campaign.group_id AND store.id = campaign.store_id
  JOIN customer_group ON customer_group.id = campaign.group_id
 WHERE {CAMPAIGN_BORDERS} AND campaign.deleted_at IS NULL
   AND campaign.id = ANY ($4)
 ORDER BY campaign.id FOR NO KEY UPDATE OF campaign
"""
# Separate statements, after the lock: they see what was committed before it was acquired.
_LIMITS = f"""
SELECT campaign_id, {", ".join(COLUMNS)} FROM spend_limit
 WHERE group_id = $1 AND campaign_id = ANY ($2)
 ORDER BY campaign_id FOR NO KEY UPDATE
"""
# Lines of days to come are planned, not spent.
_SPENT = """
SELECT asked.id, coalesce(sum(e.amount), 0) AS lifetime,
       coalesce(sum(e.amount) FILTER (WHERE e.day = asked.today), 0) AS daily,
       coalesce(sum(e.amount) FILTER (WHERE date_trunc('month', e.day::timestamp)
                                          = date_trunc('month', asked.today::timestamp)), 0) AS monthly
  FROM unnest($2::bigint[], $3::date[]) AS asked (id, today)
  LEFT JOIN spend_entry e ON e.group_id = $1 AND e.campaign_id = asked.id AND e.day <= asked.today
 GROUP BY asked.id
"""
_TYPES = ("text", "text", "numeric", "numeric", "text", "timestamptz")
_GIVEN = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(("bigint", *_TYPES), start=2))
_UPDATE = f"""
UPDATE spend_limit l SET {", ".join(f"{c} = given.{c}" for c in COLUMNS)}
  FROM unnest({_GIVEN}) AS given (campaign_id, {", ".join(COLUMNS)})
 WHERE l.group_id = $1 AND l.campaign_id = given.campaign_id
"""
_INSERT = f"""
INSERT INTO spend_limit (group_id, created_at, currency, campaign_id, {", ".join(COLUMNS)})
SELECT $1, $9, campaign.currency, given.*
  FROM unnest({_GIVEN}) AS given (campaign_id, {", ".join(COLUMNS)})
  JOIN campaign ON campaign.group_id = $1 AND campaign.id = given.campaign_id
"""
_TOUCH = """
UPDATE campaign SET updated_at = $2, objective = coalesce(given.objective, campaign.objective)
  FROM unnest($3::bigint[], $4::text[]) AS given (id, objective)
 WHERE campaign.group_id = $1 AND campaign.id = given.id
"""
# The whole rule is in the WHERE: whoever comes second finds nothing pending. A row that somebody is changing is left
# for the next time: changes lock several in their own order, and take what is due into account by themselves.
APPLY = """
UPDATE spend_limit
   SET type = 'capped', renewal = pending_renewal, amount = pending_amount,
       pending_amount = NULL, pending_renewal = NULL, effective_from = NULL
 WHERE group_id = $1 AND effective_from <= $2
   AND id IN (SELECT id FROM spend_limit
               WHERE group_id = $1 AND effective_from <= $2 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING campaign_id, old.amount AS former, new.amount
"""


async def change_limits(
    tx: Transaction,
    changes: Sequence[Change],
    *,
    may_begin: bool = False,
    now: datetime,
) -> list[Outcome]:
    """What became of each change, in the same order; a refused one does not affect the others (CR-29).

    In as many statements for a thousand as for one. A campaign named twice, by whichever of its ids, is refused each
    time (CR-C5). `may_begin`: see `rules.changed`.
    """
    if len(changes) > MAX_CHANGES:
        raise TooLarge(
            f"There are {len(changes)} changes; at most {MAX_CHANGES} are taken at once.", path=["items"]
        )
    asked = {
        name: ident for change in changes if (ident := read_id("camp", name := change.campaign)) is not None
    }
    rows = {row["id"]: row for row in await tx.fetch(_LOCK, *borders(tx.scope), list(asked.values()))}
    named = {name: rows[ident] for name, ident in asked.items() if ident in rows}
    often: dict[int, int] = {}
    for change in changes:
        if change.campaign in named:
            ident = named[change.campaign]["id"]
            often[ident] = often.get(ident, 0) + 1
    facts = await _facts(tx, list({row["id"]: row for row in named.values()}.values()), now=now)
    outcomes: list[Outcome] = []
    written: dict[int, tuple[Limit, Change]] = {}
    for change in changes:
        try:
            row = named.get(change.campaign)
            if row is None:
                raise NotFound("campaign", change.campaign, path=["id"])
            if often[row["id"]] > 1:
                raise Conflict(
                    "The campaign is in the list more than once; put all of it into one item.",
                    path=["id"],
                    code=SAME_CAMPAIGN,
                )
            fact = facts[row["id"]]
            limit = changed(
                fact.limit, change.limit, spent=fact.spent, without=row["without"], currency=row["currency"],
                zone=zone_of(row["zone"]), now=now, may_begin=may_begin,
            )  # fmt: skip
        except Failure as why:
            outcomes.append(ChangeRefused(change.campaign, why))
            continue
        written[row["id"]] = (limit, change)
        outcomes.append(Changed(row["id"], None if change.limit == UNCHANGED else limit.effective_from))
    await _write(tx, written, facts, now=now)
    return outcomes


async def begin_limit(tx: Transaction, campaign_id: int, limit: Limit, *, now: datetime) -> None:
    """The limit of a campaign that was just made."""
    with refusals():
        await tx.execute(_INSERT, tx.scope.group_id, *_arrays({campaign_id: limit}), now)


async def bring_in_limit(tx: Transaction, campaign_id: int, limit: Limit, *, now: datetime) -> bool:
    """Let a campaign have the limit it had elsewhere, whatever was spent; whether that changes anything.

    What is pending here stays as long as the limit is the same. Nothing else of the campaign changes, `updated_at`
    neither.
    """
    rows = await tx.fetch(_LOCK, *borders(tx.scope), [campaign_id])
    if not rows:
        raise NotFound("campaign", campaign_id, path=["campaign"])
    facts = await _facts(tx, rows, now=now)
    fact = facts[campaign_id]
    limit = checked(limit, rows[0]["currency"])
    if limit == fact.limit.present:
        return False
    with refusals():
        if fact.stored is None:
            await begin_limit(tx, campaign_id, limit, now=now)
        else:
            await tx.execute(_UPDATE, tx.scope.group_id, *_arrays({campaign_id: limit}))
    return True


class Applied(NamedTuple):
    """A limit that took effect."""

    campaign_id: int
    former: Decimal | None
    amount: Decimal


async def apply_due_limits(tx: Transaction, now: datetime) -> list[Applied]:
    """Put limits into effect that waited for a period that has begun; each once, even if others do the same at once."""
    rows = await tx.fetch(APPLY, tx.scope.group_id, now)
    return [Applied(row["campaign_id"], row["former"], row["amount"]) for row in rows]


@dataclass(frozen=True, slots=True)
class _Facts:
    limit: Limit
    """As it is now."""
    stored: Limit | None
    """As it was found; None: there is no row."""
    spent: Mapping[SpendLimitRenewal, Decimal]


async def _facts(tx: Transaction, rows: Sequence[Any], *, now: datetime) -> dict[int, _Facts]:
    ids = [row["id"] for row in rows]
    stored = {row["campaign_id"]: _limit(row) for row in await tx.fetch(_LIMITS, tx.scope.group_id, ids)}
    days = [today_in(zone_of(row["zone"]), now=now) for row in rows]
    spent = {row["id"]: row for row in await tx.fetch(_SPENT, tx.scope.group_id, ids, days)}
    return {
        ident: _Facts(
            settled(stored.get(ident, UNCAPPED), now=now),
            stored.get(ident),
            {renewal: spent[ident][renewal.value] for renewal in SpendLimitRenewal},
        )
        for ident in ids
    }


async def _write(
    tx: Transaction,
    written: Mapping[int, tuple[Limit, Change]],
    facts: Mapping[int, _Facts],
    *,
    now: datetime,
) -> None:
    moved = {
        ident: limit for ident, (limit, _) in written.items() if limit != (facts[ident].stored or UNCAPPED)
    }
    fresh = {ident: limit for ident, limit in moved.items() if facts[ident].stored is None}
    known = {ident: limit for ident, limit in moved.items() if ident not in fresh}
    aims = {i: c.objective for i, (_, c) in written.items() if not isinstance(c.objective, Unset)}
    touched = sorted({*moved, *aims})
    with refusals():
        if known:
            await tx.execute(_UPDATE, tx.scope.group_id, *_arrays(known))
        if fresh:
            await tx.execute(_INSERT, tx.scope.group_id, *_arrays(fresh), now)
        if touched:
            await tx.execute(_TOUCH, tx.scope.group_id, now, touched, [aims.get(ident) for ident in touched])
    if any(limit.effective_from for limit in moved.values()):
        await tell_worker(tx)


def _arrays(limits: Mapping[int, Limit]) -> list[list[Any]]:
    """The ids, and a list for each of the limit's columns."""
    return [list(limits), *map(list, zip(*(astuple(limit) for limit in limits.values()), strict=True))]


def _limit(row: Any) -> Limit:
    values = {name: row[name] for name in COLUMNS}
    values["type"] = SpendLimitType(values["type"])
    for name in ("renewal", "pending_renewal"):
        values[name] = SpendLimitRenewal(values[name]) if values[name] else None
    return Limit(**values)
