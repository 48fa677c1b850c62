"""What of one customer goes over to another: all of it, where they turn out to be the same, or what a key brought.

Whoever calls holds the rows of all customers concerned, locked in the order of ids.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.funnels.touches import PATHS
from app.tables.people import MergeReason
from app.values.json_text import write_json

MOVED = (
    "event", "event_metric", "interaction", "customer_identity", "reward_evaluation", "contact_statement",
)  # fmt: skip
"""What goes over when an anonymous customer turns out to be a known one. So do touches, and their days' paths are made
again."""
COUNTED = (
    "customer_order", "promo_redemption", "promo_usage", "segment_member", "reward_balance", "reward_entry",
    "reward_lot", "reward_participant",
)  # fmt: skip
"""Tables on which limits and balances count per customer: whoever has a row in one is merged by hand alone."""
TOUCHES = "funnel_touch"
_OF_MERGED = "SET customer_id = m.into_id FROM unnest($2::bigint[], $3::bigint[]) AS m (from_id, into_id)"
MOVE = {
    table: f"""
UPDATE {table} t {_OF_MERGED} WHERE t.group_id = $1 AND t.customer_id = m.from_id
RETURNING m.from_id, t.id
"""
    for table in (*MOVED, TOUCHES)
}
_DAYS = """
SELECT DISTINCT customer_id, (occurred_at AT TIME ZONE 'UTC')::date AS day FROM funnel_touch
 WHERE group_id = $1 AND id = ANY ($2)
"""
_DROP_PATHS = "DELETE FROM funnel_day WHERE group_id = $1 AND customer_id = ANY ($2)"
_ALL_DAYS = """
SELECT DISTINCT customer_id, (occurred_at AT TIME ZONE 'UTC')::date AS day FROM funnel_touch
 WHERE group_id = $1 AND customer_id = ANY ($2)
"""
_RETIRE = """
UPDATE customer c SET deleted_at = $4, updated_at = $4, merged_into_id = m.into_id
  FROM unnest($2::bigint[], $3::bigint[]) AS m (from_id, into_id)
 WHERE c.group_id = $1 AND c.id = m.from_id
"""
# Whoever had turned out to be one of those who go is now who that one turned out to be.
_FOLLOW = """
UPDATE customer c SET merged_into_id = m.into_id
  FROM unnest($2::bigint[], $3::bigint[]) AS m (from_id, into_id)
 WHERE c.group_id = $1 AND c.merged_into_id = m.from_id
RETURNING m.from_id, c.id
"""
FOLLOWERS = "followers"
"""Where a note keeps customers who had turned out to be the one who went."""
_LOG = """
INSERT INTO customer_merge (group_id, created_at, from_id, into_id, reason, actor, moved)
SELECT $1, $2, given.from_id, given.into_id, $3, $4, given.moved::json
  FROM unnest($5::bigint[], $6::bigint[], $7::text[]) AS given (from_id, into_id, moved)
RETURNING id
"""
Moved = dict[str, list[Any]]
"""Ids by table."""


async def join_customers(tx: Transaction, merges: Mapping[int, int], *, now: datetime) -> dict[int, Moved]:
    """Move everything of anonymous customers to those they turned out to be; what it was, by customer."""
    gone, into = list(merges), list(merges.values())
    found = await move_rows(tx, gone, into, now=now)
    for one, followers in (await retire(tx, gone, into, now=now)).items():
        found[one][FOLLOWERS] = followers
    return found


async def retire(
    tx: Transaction, gone: Sequence[int], into: Sequence[int], *, now: datetime
) -> dict[int, list[int]]:
    """Customers who are another one from now on; by each, who had turned out to be that one before.

    They follow it, so that one step leads from everybody to who they are.
    """
    found: dict[int, list[int]] = {}
    for row in await tx.fetch(_FOLLOW, tx.scope.group_id, gone, into):
        found.setdefault(row["from_id"], []).append(row["id"])
    await tx.execute(_RETIRE, tx.scope.group_id, gone, into, now)
    return found


async def move_rows(
    tx: Transaction, gone: Sequence[int], into: Sequence[int], *, now: datetime
) -> dict[int, Moved]:
    """Rows that may have either owner, and the paths of touches; what went over, by whose it was."""
    found: dict[int, Moved] = {one: {} for one in gone}
    for table, statement in MOVE.items():
        for row in await tx.fetch(statement, tx.scope.group_id, gone, into):
            found[row["from_id"]].setdefault(table, []).append(row["id"])
    touches = [ident for moved in found.values() for ident in moved.get(TOUCHES, ())]
    if touches:
        await tx.execute(_DROP_PATHS, tx.scope.group_id, gone)
        await _make_paths(tx, await tx.fetch(_DAYS, tx.scope.group_id, touches), now=now)
    return found


async def make_paths_again(tx: Transaction, customers: Sequence[int], *, now: datetime) -> None:
    """All days of these customers."""
    await tx.execute(_DROP_PATHS, tx.scope.group_id, customers)
    await _make_paths(tx, await tx.fetch(_ALL_DAYS, tx.scope.group_id, customers), now=now)


async def _make_paths(tx: Transaction, rows: Sequence[Any], *, now: datetime) -> None:
    days = sorted({(row["customer_id"], row["day"]) for row in rows})
    if days:
        await tx.execute(PATHS, tx.scope.group_id, now, [one for one, _ in days], [day for _, day in days])


async def log_merges(
    tx: Transaction,
    merges: Sequence[tuple[int, int]],
    moved: Sequence[Mapping[str, Any]],
    *,
    reason: MergeReason,
    actor: str | None = None,
    now: datetime,
) -> list[int]:
    """Write down who was joined with whom; the ids of these notes."""
    rows = await tx.fetch(
        _LOG, tx.scope.group_id, now, reason, actor, [one for one, _ in merges], [into for _, into in merges],
        [write_json(one).decode() for one in moved],
    )  # fmt: skip
    return [row["id"] for row in rows]


# What was said of writing to an address itself goes with the address.
_SAID = """
UPDATE contact_statement s SET customer_id = m.into_id
  FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS m (from_id, into_id, address_key)
 WHERE s.group_id = $1 AND s.customer_id = m.from_id AND s.address_key = m.address_key
"""


async def move_said(tx: Transaction, moves: Sequence[tuple[int, int, str]]) -> None:
    """What was said of these addresses goes from one customer to another: from, into, address."""
    await tx.execute(_SAID, tx.scope.group_id, *[list(column) for column in zip(*moves, strict=True)])


_KEYS = "unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS m (identity_id, from_id, into_id)"
_BY_KEY = {
    table: f"""
UPDATE {table} t SET customer_id = m.into_id FROM {_KEYS}
 WHERE t.group_id = $1 AND t.customer_id = m.from_id AND t.identity_id = m.identity_id
RETURNING t.id, m.from_id, m.into_id
"""
    for table in ("event", "interaction")
}
_EVENTS = "unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS m (event_id, from_id, into_id)"
_METRICS_OF_EVENTS = f"""
UPDATE event_metric t SET customer_id = m.into_id FROM {_EVENTS}
 WHERE t.group_id = $1 AND t.event_id = m.event_id AND t.customer_id = m.from_id
"""
_TOUCHES_OF_EVENTS = f"""
UPDATE funnel_touch t SET customer_id = m.into_id FROM {_EVENTS}
 WHERE t.group_id = $1 AND t.source = 'event' AND t.source_ref = m.event_id::text AND t.customer_id = m.from_id
"""
# What was paid stays with whom it was paid to.
_EVALUATIONS_OF_EVENTS = f"""
UPDATE reward_evaluation t SET customer_id = m.into_id FROM {_EVENTS}
 WHERE t.group_id = $1 AND t.event_id = m.event_id AND t.customer_id = m.from_id
   AND NOT EXISTS (SELECT FROM reward_entry y WHERE y.group_id = $1 AND y.evaluation_id = t.id)
"""


async def move_by_keys(tx: Transaction, moves: Sequence[tuple[int, int, int]], *, now: datetime) -> list[Any]:
    """What is known by these identities goes from one customer to another: id, from, into. The events that went.

    With an event go its metrics, touches, and evaluations that paid nothing.
    """
    keys = [list(column) for column in zip(*moves, strict=True)]
    events = await tx.fetch(_BY_KEY["event"], tx.scope.group_id, *keys)
    await tx.execute(_BY_KEY["interaction"], tx.scope.group_id, *keys)
    if events:
        given = ([e["id"] for e in events], [e["from_id"] for e in events], [e["into_id"] for e in events])
        for statement in (_METRICS_OF_EVENTS, _TOUCHES_OF_EVENTS, _EVALUATIONS_OF_EVENTS):
            await tx.execute(statement, tx.scope.group_id, *given)
        await make_paths_again(tx, sorted({*given[1], *given[2]}), now=now)
    return events


__all__ = [
    "COUNTED",
    "FOLLOWERS",
    "MOVED",
    "Moved",
    "join_customers",
    "log_merges",
    "make_paths_again",
    "move_by_keys",
    "move_rows",
    "move_said",
    "retire",
]
