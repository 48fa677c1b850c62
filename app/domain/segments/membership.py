"""Which segments customers are in: lists by their rows, dynamic segments by judging the facts in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.db.database import Database
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.segments.attributes import FACT_COLUMNS, facts_of
from app.domain.segments.operations import kept_predicate
from app.domain.segments.predicates import evaluate
from app.values.instants import zone_of
from app.values.scope import Scope
from app.values.slices import Slice

_FACTS = (
    f"SELECT customer.id, {FACT_COLUMNS} FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = ANY ($4)"
)
_SEGMENTS = """
SELECT id, type, criteria::text AS criteria,
       (SELECT time_zone FROM customer_group WHERE id = $1) AS zone
  FROM segment
 WHERE group_id = $1 AND deleted_at IS NULL ORDER BY name, id
"""
_LISTED = "SELECT segment_id, customer_id FROM segment_member WHERE group_id = $1 AND customer_id = ANY ($2)"


async def segments_of(
    db: Database, scope: Scope, customer_ids: Sequence[int], *, now: datetime
) -> dict[int, list[int]]:
    """For each customer in scope the ids of its segments that are not deleted, by name. Three statements in all."""
    ids = list(customer_ids)
    facts = await db.search(_FACTS, [*borders(scope), ids], scope)
    segments = await db.search(_SEGMENTS, [scope.group_id], scope)
    listed = {tuple(row) for row in await db.search(_LISTED, [scope.group_id, ids], scope)}
    judged = [(row["id"], row["type"], kept_predicate(row)) for row in segments]
    zone = zone_of(segments[0]["zone"]) if segments else UTC
    inside: dict[int, list[int]] = {}
    turn = Slice()
    for row in facts:
        if turn.is_over:
            await turn.pass_on()
        known = facts_of(row)
        inside[row["id"]] = [
            segment
            for segment, kind, predicate in judged
            if (
                predicate is not None and evaluate(predicate, known, now=now, zone=zone)
                if kind == "dynamic"
                else (segment, row["id"]) in listed
            )
        ]
    return inside
