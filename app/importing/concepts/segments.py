"""Segments: a row makes one, or changes the one that has its id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.segments.fields import SegmentFields
from app.domain.segments.operations import (
    MAX_MEMBERS,
    add_members,
    create_segment,
    update_segment,
)
from app.errors import Conflict, Invalid, NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.knowing import before_made, give_ids, known_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, document, text, texts
from app.tables.segments import SegmentType
from app.values.changes import UNSET, Unset

_ALIVE = "SELECT id, type FROM segment WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_MEMBERS = """
SELECT id, external_id FROM customer WHERE group_id = $1 AND external_id = ANY ($2) AND deleted_at IS NULL
"""
# Its size is counted, by the worker too.
_STATE = """
SELECT md5((to_jsonb(s) - ARRAY['updated_at', 'size', 'sized_at'])::text) FROM segment s WHERE group_id = $1 AND id = $2
"""


class SegmentWriter:
    """Makes or changes segments, and puts members on their lists, one segment after the other."""

    columns = Columns(
        known=("external_id", "name", "type", "criteria", "source", "members"),
        also={"id": "external_id"},
        unkept=frozenset({"size", "last_updated"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    named = await known_row(tx, "seg", ids)
    kind = row.take("type", text)
    name = row.take("name", text)
    criteria = row.take("criteria", document)
    source = row.take("source", text)
    members = row.take("members", texts)
    row.nothing_left(SegmentWriter.columns.known)
    fields = SegmentFields(name=_sent(name), criteria=_sent(criteria), source=_sent(source))
    known = None if named is None else await tx.fetchrow(_ALIVE, tx.scope.group_id, named)
    before = None
    if known is None:
        kind = kind or (SegmentType.IMPORTED if criteria is None else SegmentType.DYNAMIC)
        if kind not in list(SegmentType):
            raise Invalid(f"`type` is one of {', '.join(SegmentType)}.", path=["type"])
        await before_made(tx, "seg", ids)
        ident = await create_segment(tx, SegmentType(kind), fields, now=now)
    else:
        if kind not in (None, known["type"]):
            raise Conflict(f"This segment is {known['type']} and stays so.", path=["type"])
        before = await tx.fetchval(_STATE, tx.scope.group_id, known["id"])
        ident = await update_segment(tx, known["id"], fields, now=now)
    await give_ids(tx, "seg", ident, ids)
    added = await _add(tx, ident, members, now=now) if members else 0
    if known is None:
        return Verdict.MADE
    same = not added and before == await tx.fetchval(_STATE, tx.scope.group_id, ident)
    return Verdict.SAME if same else Verdict.CHANGED


async def _add(tx: Transaction, segment_id: int, members: list[str], *, now: datetime) -> int:
    rows = await tx.fetch(_MEMBERS, tx.scope.group_id, members)
    ids = {row["external_id"]: row["id"] for row in rows}
    missing = [one for one in members if one not in ids]
    if missing:
        raise NotFound("customer", ", ".join(missing), path=["members"])
    added = 0
    for start in range(0, len(members), MAX_MEMBERS):
        some = [ids[one] for one in members[start : start + MAX_MEMBERS]]
        added += await add_members(tx, segment_id, some, now=now)
    return added


def _sent(value: Any) -> Any | Unset:
    return UNSET if value is None else value
