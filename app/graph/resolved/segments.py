"""Which customers segments hold now. Resolvers in Python: criteria differ from row to row, so no plan covers them."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import strawberry

from app.auth.principal import PERSONAL_READERS
from app.domain.segments.attributes import CUSTOMER, customer_criteria
from app.domain.segments.counting import (
    IdPage,
    count_customers,
    count_members,
    counting,
    find_customers,
    find_members,
    zone_of_group,
)
from app.domain.segments.membership import segments_of
from app.domain.segments.operations import kept_predicate
from app.domain.segments.predicates import Predicate, asks_freely
from app.errors import Invalid
from app.graph.declaring.described import object_type
from app.graph.declaring.fields import priced
from app.graph.declaring.loading import Record, arguments
from app.graph.declaring.refs import CustomerRef
from app.graph.declaring.resolving import loaders_of
from app.graph.declaring.scalars import JSON, Long
from app.plan.arguments import FieldArguments
from app.values.cursors import read_cursor, show_cursor

ORDERING = "ID:ASC"
MAX_FIRST = 200
MAX_SAMPLE = 50

DEFAULT_FIRST = 50

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many from the start; {DEFAULT_FIRST} unless said, {MAX_FIRST} at most."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Only what follows this cursor.")]
Last = Annotated[int | None, strawberry.argument(description=f"How many from the end, {MAX_FIRST} at most.")]
Before = Annotated[str | None, strawberry.argument(description="Only what precedes this cursor.")]


@dataclass(frozen=True, slots=True)
class _Segment:
    """What is needed to find the customers of a segment."""

    id: int
    kind: str
    predicate: Predicate | None


class _Found:
    """A page of customers, in the form that connections read."""

    def __init__(
        self, rows: list[Record], args: FieldArguments, *, backward: bool, more: bool, count: Any
    ) -> None:
        self.rows, self.args, self.backward, self.more, self.count = rows, args, backward, more, count

    def cursor(self, row: Record) -> str:
        """The row's cursor: customers come in the order of their ids."""
        return show_cursor(f'["{ORDERING}",{row.key("id")},0]')


async def _size_now(root: Any, info: strawberry.Info) -> Long:
    segment = await _of(root, info)
    return Long(await _count(segment, info))


async def _customers(
    root: Any,
    info: strawberry.Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Any:
    page, given = _page(first, after, last, before)
    segment = await _of(root, info)
    context: Any = info.context
    db, scope = context.db, context.scope
    beyond = replace(page, size=page.size + 1)  # whether there are more
    if segment.kind != "dynamic":
        ids = await find_members(db, scope, segment.id, beyond)
    elif segment.predicate is None:
        ids = []
    else:
        ids = await find_customers(db, scope, segment.predicate, beyond, now=context.now)
    shown = ids[: page.size]
    rows = await loaders_of(info).several("Customer", shown[::-1] if page.backward else shown)

    async def count() -> int:
        return await _count(segment, info)

    return _Found(rows, arguments(given), backward=page.backward, more=len(ids) > page.size, count=count)


def _page(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> tuple[IdPage, dict[str, Any]]:
    """Which page is asked for, and by which arguments."""
    if first is not None and last is not None:
        raise Invalid("Give first or last, not both.", path=["last"])
    size = _bounded(first, "first") if last is None else _bounded(last, "last")
    page = IdPage(size, _place(after, "after"), _place(before, "before"), backward=last is not None)
    sent = {"first": first, "after": after, "last": last, "before": before}
    return page, {name: value for name, value in sent.items() if value is not None}


async def _segments(root: Any, info: strawberry.Info) -> Any:
    context: Any = info.context

    loaders = loaders_of(info)

    async def batch(ids: list[int]) -> list[list[Record]]:
        by_customer = await segments_of(context.db, context.scope, ids, now=context.now)
        # Each segment once: a thousand customers may be in fifty each.
        wanted = sorted({one for its in by_customer.values() for one in its})
        found = {row.key("id"): row for row in await loaders.several("Segment", wanted)}
        return [[found[one] for one in by_customer.get(ident, ()) if one in found] for ident in ids]

    found = await loaders.batched("segments of customers", batch, root.key("id"))
    await loaders.ready.turn()
    return found


size_now: Any = strawberry.field(
    resolver=_size_now,
    metadata=priced(10_000),
    description="How many customers in sight it holds at this moment: counted now, so ask for it of few segments.",
)
customers_now: Any = strawberry.field(
    resolver=_customers,
    metadata=priced(10_000),
    description="Customers in sight it holds at this moment, in the order of their ids. See also `members`.",
)
segments_now: Any = strawberry.field(
    resolver=_segments,
    metadata=priced(200),
    description="Segments it is in at this moment, by name: on their lists, or fitting their criteria.",
)


# ── before it is saved ────────────────────────────────────────────────────────


@object_type
class SegmentPreview:
    """Whom criteria would hold."""

    size: Long = strawberry.field(description="How many customers in sight.")
    sample: list[CustomerRef] = strawberry.field(description="Some of them, in the order of their ids.")
    sql: str | None = strawberry.field(
        description="The statement that counts them; null for credentials that may not see statements."
    )
    parameters: list[str] | None = strawberry.field(
        description="Its parameters beyond group, store and projects, as text; null where `sql` is."
    )


async def _preview(
    info: strawberry.Info,
    criteria: Annotated[JSON, strawberry.argument(description="Whom a dynamic segment would hold.")],
    first: Annotated[int, strawberry.argument(description=f"The sample's size, {MAX_SAMPLE} at most.")] = 5,
) -> SegmentPreview:
    context: Any = info.context
    predicate = customer_criteria(criteria)
    if asks_freely(predicate):
        # A size tells whether there is somebody of whom it is true.
        context.principal.require(PERSONAL_READERS)
    size = _bounded(first, "first", most=MAX_SAMPLE)
    count = await count_customers(context.db, context.scope, predicate, now=context.now)
    ids = await find_customers(context.db, context.scope, predicate, IdPage(size), now=context.now)
    sample: Any = await loaders_of(info).several("Customer", ids)
    made = None
    if context.may_see_plans:
        zone = await zone_of_group(context.db, context.scope)
        made = counting(predicate, now=context.now, zone=zone)
    return SegmentPreview(
        size=Long(count),
        sample=sample,
        sql=None if made is None else made.text,
        parameters=None if made is None else [str(value) for value in made.values],
    )


segment_preview: Any = strawberry.field(
    resolver=_preview,
    metadata=priced(20_000),
    description="Whom criteria would hold now, before a segment is saved with them. They are an object of conditions"
    " that must all hold: attributes with a value or with operators (eq ne gt gte lt lte in nin between contains"
    " exists), and the groups any, all (lists) and not. Attributes: "
    + ", ".join(CUSTOMER.attributes)
    + " and attributes.<key>.",
)


# ── helpers ───────────────────────────────────────────────────────────────────

_KIND = """
SELECT id, type, criteria::text AS criteria FROM segment WHERE group_id = $1 AND id = ANY ($2)
"""


async def _of(root: Any, info: strawberry.Info) -> _Segment:
    context: Any = info.context

    async def batch(ids: list[int]) -> list[_Segment]:
        rows = await context.db.search(_KIND, [context.scope.group_id, ids], context.scope)
        segments = {row["id"]: _Segment(row["id"], row["type"], kept_predicate(row)) for row in rows}
        return [segments[ident] for ident in ids]

    segment: _Segment = await loaders_of(info).batched("criteria of segments", batch, root.key("id"))
    return segment


async def _count(segment: _Segment, info: strawberry.Info) -> int:
    context: Any = info.context
    if segment.kind != "dynamic":
        return await count_members(context.db, context.scope, segment.id)
    if segment.predicate is None:
        return 0
    return await count_customers(context.db, context.scope, segment.predicate, now=context.now)


def _bounded(size: int | None, name: str, *, most: int = MAX_FIRST) -> int:
    if size is None:
        return DEFAULT_FIRST
    if not 0 <= size <= most:
        raise Invalid(f"`{name}` must be from 0 to {most}.", path=[name])
    return size


def _place(cursor: str | None, name: str) -> int | None:
    if cursor is None:
        return None
    try:
        place = read_cursor(cursor, ORDERING, 1)[0]
        if isinstance(place, bool) or not isinstance(place, int) or not -(2**63) <= place < 2**63:
            raise ValueError("this is not a cursor of this list")
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None
    return place
