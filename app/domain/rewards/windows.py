"""What lies in a window of time, for simulations: which events, how many, and how fast to go through them.

Windows may be long: rows come in chunks, and judging them gives way to others every few milliseconds.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.rewards.occurrences import SOURCE

CHUNK = 2_000
"""Events read at a time."""
STATEMENT_TIMEOUT_S = 600
"""In place of the connection's own: the rows of a long window are counted and sorted before the first one comes."""

MAX_STEP = 2**63 - 1
_FIRST = """
SELECT least(
  (SELECT min(v.id) FROM reward_evaluation v
    WHERE v.group_id = $1 AND v.campaign_id = $2 AND v.created_at >= $3),
  (SELECT min(e.step) FROM reward_entry e
    WHERE e.group_id = $1 AND e.campaign_id = $2 AND e.created_at >= $3))
"""
_EVALUATIONS = """
  FROM reward_evaluation v
 WHERE v.group_id = $1 AND v.campaign_id = $2 AND v.id >= $3 AND v.id < $4
"""
_COUNT_EVALUATIONS = f"SELECT count(*) {_EVALUATIONS}"
_REPLAY = f"""
SELECT v.id, v.created_at, v.trigger_code, v.custom_trigger_id, v.occurred_at, v.customer_id, v.reference,
       v.inputs::text AS inputs, v.amount, (v.trace #> '{{balances}}')::text AS balances, NULL::bigint AS reverses,
       v.asked_back > 0 AS is_reversed
{_EVALUATIONS}
UNION ALL
SELECT e.step, e.created_at, NULL::int, NULL::bigint, NULL::timestamptz, e.customer_id, NULL, NULL,
       -sum(e.amount)::bigint, NULL, e.evaluation_id, bool_or(coalesce(v.reversed_at <= e.created_at, false))
  FROM reward_entry e JOIN reward_evaluation v ON v.group_id = $1 AND v.id = e.evaluation_id
 WHERE e.group_id = $1 AND e.campaign_id = $2 AND e.kind IN ('reversal', 'restoration') AND e.step >= $3 AND e.step < $4
 GROUP BY e.step, e.created_at, e.customer_id, e.evaluation_id
 ORDER BY 1
"""
_TRIGGERS = """
  FROM event e
  LEFT JOIN event_type t ON t.group_id = $1 AND t.id = e.event_type_id
 WHERE e.group_id = $1 AND e.received_at >= $2 AND e.received_at < $3 AND e.customer_id IS NOT NULL
   AND e.status = 'processed' AND (e.source = $4 OR t.trigger IS NOT NULL AND (e.is_vouched OR t.trigger_by_strangers))
   AND ($5::bigint IS NULL OR e.project_id IS NULL OR EXISTS (
        SELECT 1 FROM project p
         WHERE p.group_id = $1 AND p.id = e.project_id AND (p.store_id IS NULL OR p.store_id = $5)))
"""
_COUNT_TRIGGERS = f"SELECT count(*) {_TRIGGERS}"
_EVENTS = f"""
SELECT e.id, e.received_at, e.occurred_at, e.customer_id, e.source, e.event_type, e.event_type_id, t.trigger,
       e.data::text AS data, e.body::text AS body
{_TRIGGERS}
 ORDER BY e.received_at, e.id
"""


@dataclass(frozen=True, slots=True)
class RewardWindow:
    """A window of time; the end is exclusive."""

    since: datetime
    until: datetime


async def take_time(tx: Transaction) -> None:
    """For a transaction that goes through a long window: it may take long, and cannot write."""
    await tx.patiently(STATEMENT_TIMEOUT_S, reads_only=True)


@dataclass(frozen=True, slots=True)
class Steps:
    """A range of what a campaign evaluated and took back, by the numbers that order it."""

    first: int
    end: int
    """Exclusive."""


async def steps_in(tx: Transaction, campaign_id: int, window: RewardWindow) -> Steps:
    """From the first step that lies in the window to the first one after it.

    Of two that ran at once the later one may have the earlier moment; what counted first comes first.
    """
    ends = [
        await tx.fetchval(_FIRST, tx.scope.group_id, campaign_id, moment)
        for moment in (window.since, window.until)
    ]
    first, end = (MAX_STEP if step is None else int(step) for step in ends)
    return Steps(first, end)


async def count_evaluations(tx: Transaction, campaign_id: int, window: RewardWindow) -> int:
    """How many events the campaign evaluated."""
    steps = await steps_in(tx, campaign_id, window)
    return int(await tx.fetchval(_COUNT_EVALUATIONS, tx.scope.group_id, campaign_id, steps.first, steps.end))


def evaluations_in(tx: Transaction, campaign_id: int, steps: Steps) -> AsyncIterator[Sequence[Any]]:
    """What the campaign evaluated and what was taken back (`reverses`), in the order in which it counted.

    `is_reversed`: of an evaluation, that something of it was taken back later, and not given again; of a reversal, that
    nothing is left. What was given again is a reversal of a negative amount.
    """
    return _chunks(tx, _REPLAY, (tx.scope.group_id, campaign_id, steps.first, steps.end))


async def count_triggers(tx: Transaction, window: RewardWindow, *, store_id: int | None) -> int:
    """How many events are mapped to a trigger."""
    values = (tx.scope.group_id, window.since, window.until, SOURCE, store_id)
    return int(await tx.fetchval(_COUNT_TRIGGERS, *values))


def triggers_in(
    tx: Transaction, window: RewardWindow, *, store_id: int | None
) -> AsyncIterator[Sequence[Any]]:
    """Events of the group, or of the store, that are mapped to a trigger, as they came in."""
    return _chunks(tx, _EVENTS, (tx.scope.group_id, window.since, window.until, SOURCE, store_id))


async def _chunks(tx: Transaction, statement: str, values: Sequence[object]) -> AsyncIterator[Sequence[Any]]:
    cursor = await tx.driver.cursor(statement, *values, timeout=tx.timeout_s)
    while rows := await cursor.fetch(CHUNK, timeout=tx.timeout_s):
        yield rows
