"""Segments: a row makes one, or changes the one that has its id. And members of lists, a row each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.segments.bringing_in import (
    bring_in_creation,
    bring_in_kind,
    bring_in_list_size,
    bring_in_size,
)
from app.domain.segments.fields import SegmentFields
from app.domain.segments.operations import (
    MAX_MEMBERS,
    add_members,
    create_segment,
    update_segment,
)
from app.errors import Conflict, Failure, Invalid, NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.concepts.whom import Named, customers_of
from app.importing.knowing import before_made, give_ids, known_row
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, document, instant, text, texts, whole
from app.tables.segments import SegmentType
from app.values.changes import UNSET, Unset
from app.values.json_text import write_json

_ALIVE = """
SELECT id, type, criteria::text AS criteria, size, sized_at FROM segment
 WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL
"""
# Its size is counted, by the worker too.
_STATE = """
SELECT md5((to_jsonb(s) - ARRAY['updated_at', 'size', 'sized_at'])::text) FROM segment s WHERE group_id = $1 AND id = $2
"""
_SIZE = "SELECT size, sized_at FROM segment WHERE group_id = $1 AND id = $2"


class SegmentWriter:
    """Makes or changes segments, and puts members on their lists, one segment after the other.

    A size that is told holds until customers are counted here: of a dynamic segment by the worker, once there are any;
    of a list when it is larger than what was told.
    """

    columns = Columns(
        known=(
            "external_id",
            "name",
            "type",
            "criteria",
            "source",
            "members",
            "size",
            "last_updated",
            "created_at",
        ),
        also={"id": "external_id"},
        amounts=frozenset({"size"}),
        moments=frozenset({"last_updated", "created_at"}),
    )

    def __init__(self) -> None:
        self._undated = 0

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be. Lists are newest first; where they print no instants, their order tells it."""
        outcomes: list[Outcome] = []
        for at, record in enumerate(records):
            made = now - timedelta(microseconds=self._undated + at)

            async def write(
                tx: Transaction, record: Record, *, now: datetime, made: datetime = made
            ) -> Verdict:
                return await _write(tx, record, made=made, now=now)

            outcomes += await one_by_one(tx, [record], write, now=now)
        self._undated += len(records)
        return outcomes


async def _write(tx: Transaction, record: Record, *, made: datetime, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    named = await known_row(tx, "seg", ids)
    kind = row.take("type", text)
    name = row.take("name", text)
    criteria = row.take("criteria", document)
    source = row.take("source", text)
    members = row.take("members", texts)
    size = row.take("size", whole)
    sized_at = row.take("last_updated", instant)
    created_at = row.take("created_at", instant)
    row.nothing_left(SegmentWriter.columns.known)
    if kind in (SegmentType.STATIC, SegmentType.IMPORTED) and criteria == {}:
        criteria = None  # lists have none
    known = None if named is None else await tx.fetchrow(_ALIVE, tx.scope.group_id, named)
    if known is not None and _is_same(criteria, known["criteria"]):
        criteria = None  # telling them again is no reason to count
    fields = SegmentFields(name=_sent(name), criteria=_sent(criteria), source=_sent(source))
    before = None
    if known is None:
        kind = kind or (SegmentType.IMPORTED if criteria is None else SegmentType.DYNAMIC)
        if kind not in list(SegmentType):
            raise Invalid(f"`type` is one of {', '.join(SegmentType)}.", path=["type"])
        await before_made(tx, "seg", ids)
        ident = await create_segment(tx, SegmentType(kind), fields, now=now)
    else:
        if kind not in (None, known["type"]) and not (
            kind in list(SegmentType) and await bring_in_kind(tx, known["id"], SegmentType(kind))
        ):
            raise Conflict(f"This segment is {known['type']} and stays so.", path=["type"])
        before = await tx.fetchval(_STATE, tx.scope.group_id, known["id"])
        ident = await update_segment(tx, known["id"], fields, now=now)
    await give_ids(tx, "seg", ident, ids)
    if created_at is not None or known is None:
        await bring_in_creation(tx, ident, created_at or made)
    resized = size is not None and await bring_in_size(
        tx, ident, inputs.count(size, ["size"]), sized_at=sized_at, is_new=known is None
    )
    added = 0
    if members:
        found = await customers_of(tx, (*ids, record.system), members)
        missing = [one for one in members if one not in found]
        if missing:
            raise NotFound("customer", ", ".join(missing[:20]), path=["members"])
        added = await _add(tx, ident, [found[one] for one in members], now=now)
    if known is None:
        return Verdict.MADE
    same = (
        not added
        and not resized
        and kind in (None, known["type"])
        and before == await tx.fetchval(_STATE, tx.scope.group_id, ident)
    )
    return Verdict.SAME if same else Verdict.CHANGED


async def _add(tx: Transaction, segment_id: int, customers: Sequence[int], *, now: datetime) -> int:
    """How many were not on the list. Its size was told with them, if it was told."""
    before = await tx.fetchrow(_SIZE, tx.scope.group_id, segment_id)
    assert before is not None
    added = 0
    for start in range(0, len(customers), MAX_MEMBERS):
        added += await add_members(tx, segment_id, customers[start : start + MAX_MEMBERS], now=now)
    await bring_in_list_size(tx, segment_id, before["size"], sized_at=before["sized_at"])
    return added


class SegmentMemberWriter:
    """Puts customers on the lists of segments, in bulk."""

    columns = Columns(
        known=("segment", "customer"),
        also={
            "segment_id": "segment", "customer_id": "customer", "customer_external_id": "customer",
            "customer_email": "customer", "email": "customer", "member": "customer",
        },
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        named = Named(tx, records)
        await named.look_up("segment", "customer")
        faults: dict[int, Failure] = {}
        by_segment: dict[int, dict[int, int]] = {}
        outcomes = [Outcome(Verdict.SAME)] * len(records)
        for at, record in enumerate(records):
            try:
                row = RowReader(record.values)
                segment = named.take("segment", row.take("segment", _any))
                customer = named.take("customer", row.take("customer", _any))
                row.nothing_left(self.columns.known)
                if segment is None or customer is None:
                    raise Invalid("`segment` and `customer` say who is on which list.", path=["segment"])
                by_segment.setdefault(segment, {}).setdefault(customer, at)
            except Failure as failure:
                faults[at] = failure
        if faults:
            raise RefusedTogether(faults)
        for segment, customers in sorted(by_segment.items()):
            there = {
                one["customer_id"]
                for one in await tx.fetch(_THERE, tx.scope.group_id, segment, list(customers))
            }
            try:
                await _add(tx, segment, sorted(customers), now=now)
            except Failure as failure:
                raise RefusedTogether(dict.fromkeys(customers.values(), failure)) from None
            for customer, at in customers.items():
                if customer not in there:
                    outcomes[at] = Outcome(Verdict.MADE)
        return outcomes


_THERE = "SELECT customer_id FROM segment_member WHERE group_id = $1 AND segment_id = $2 AND customer_id = ANY ($3)"


def _is_same(criteria: Any, stored: str | None) -> bool:
    return criteria is not None and stored is not None and write_json(criteria).decode() == stored


def _any(value: Any, name: str) -> Any:
    return value


def _sent(value: Any) -> Any | Unset:
    return UNSET if value is None else value
