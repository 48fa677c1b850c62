"""Rows of segments: each makes a segment, or changes the one that has its external id."""

from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.external_ids import make_room, rows_known_as, set_ids
from app.domain.segments.fields import SegmentFields
from app.domain.segments.operations import (
    MAX_MEMBERS,
    add_members,
    create_segment,
    update_segment,
)
from app.errors import Conflict, Invalid, NotFound
from app.importing.reading import FileLine
from app.importing.values import RowReader, document, text, texts
from app.tables.segments import SegmentType
from app.values.changes import UNSET, Unset
from app.values.systems import CRM

COLUMNS = ("external_id", "name", "type", "criteria", "source", "members")
_KNOWN = "SELECT id, type FROM segment WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_MEMBERS = """
SELECT id, external_id FROM customer WHERE group_id = $1 AND external_id = ANY ($2) AND deleted_at IS NULL
"""


async def write(tx: Transaction, line: FileLine, *, now: datetime) -> None:
    """Make or change one segment and put its members on its list."""
    row = RowReader(line.values)
    external_id = row.take("external_id", text, "id")
    kind = row.take("type", text)
    name = row.take("name", text)
    criteria = row.take("criteria", document)
    source = row.take("source", text)
    members = row.take("members", texts)
    for ignored in ("size", "last_updated"):  # legacy lists print these; here they are counted
        row.rest.pop(ignored, None)
    row.nothing_left(COLUMNS)
    if not external_id:
        raise Invalid(
            "`external_id` names the segment, as the system it comes from knows it.", path=["external_id"]
        )
    fields = SegmentFields(name=_sent(name), criteria=_sent(criteria), source=_sent(source))
    named = (await rows_known_as(tx, "seg", CRM, [external_id])).get(external_id)
    known = None if named is None else await tx.fetchrow(_KNOWN, tx.scope.group_id, named)
    if known is None:
        await make_room(tx, "seg", CRM, [external_id])
        kind = kind or (SegmentType.IMPORTED if criteria is None else SegmentType.DYNAMIC)
        if kind not in list(SegmentType):
            raise Invalid(f"`type` is one of {', '.join(SegmentType)}.", path=["type"])
        ident = await create_segment(tx, SegmentType(kind), fields, now=now)
        await set_ids(tx, "seg", {ident: {CRM: external_id}})
    else:
        if kind not in (None, known["type"]):
            raise Conflict(f"This segment is {known['type']} and stays so.", path=["type"])
        ident = await update_segment(tx, known["id"], fields, now=now)
    if members:
        await _add(tx, ident, members, now=now)


async def _add(tx: Transaction, segment_id: int, members: list[str], *, now: datetime) -> None:
    rows = await tx.fetch(_MEMBERS, tx.scope.group_id, members)
    ids = {row["external_id"]: row["id"] for row in rows}
    missing = [one for one in members if one not in ids]
    if missing:
        raise NotFound("customer", ", ".join(missing), path=["members"])
    for start in range(0, len(members), MAX_MEMBERS):
        await add_members(tx, segment_id, [ids[one] for one in members[start : start + MAX_MEMBERS]], now=now)


def _sent(value: Any) -> Any | Unset:
    return UNSET if value is None else value
