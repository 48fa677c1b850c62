"""The funnel of one segment's customers, of any kind. A resolver in Python: criteria differ from row to row."""

import re
from typing import Annotated, Any

import strawberry

from app.domain.segments.operations import kept_predicate
from app.domain.segments.predicates import compile_sql
from app.graph.declaring.enums import FunnelStage
from app.graph.declaring.fields import priced
from app.graph.declaring.loading import arguments
from app.graph.declaring.resolving import loaders_of
from app.graph.declaring.scalars import Date
from app.graph.figures.funnels import FunnelSlice
from app.graph.figures.funnels_sql import own_slice
from app.plan.catalog import Aggregate, AggregateRequest, Row
from app.plan.sql import Select, Sql, const, joined, sql, verbatim
from app.values.instants import zone_of

_KIND = """
SELECT type, criteria::text AS criteria, (SELECT time_zone FROM customer_group WHERE id = $1) AS zone
  FROM segment WHERE group_id = $1 AND id = $2
"""
_PLACE = re.compile(r"\$(\d+)::(\w+(?:\[\])?)")


async def _funnel(
    root: Any,
    info: strawberry.Info,
    stages: Annotated[
        list[FunnelStage], strawberry.argument(description="The stages, in the order to be reached.")
    ],
    since: Annotated[
        Date, strawberry.argument(description="From this day on: who enters, by the customer's day.")
    ],
    until: Annotated[
        Date,
        strawberry.argument(
            description="Up to and including this day. Later stages may be reached after it."
        ),
    ],
    within_hours: Annotated[
        int | None, strawberry.argument(description="How long the whole way may take; any time unless said.")
    ] = None,
) -> FunnelSlice:
    context: Any = info.context
    ident = root.key("id")
    (segment,) = await context.db.search(_KIND, [context.scope.group_id, ident], context.scope)

    def held(request: AggregateRequest, t: Row) -> Sql:
        if segment["type"] != "dynamic":
            return sql(
                "{t.customer_id} IN (SELECT {m.customer_id} FROM {m} WHERE {m.scope} AND {m.segment_id} = {segment})",
                t=t,
                m=request.table("FunnelMember", "m"),
                segment=const(ident, "bigint"),
            )
        predicate = kept_predicate(segment)
        if predicate is None:
            return sql("false")
        made = compile_sql(predicate, now=context.now, zone=zone_of(segment["zone"]))
        return sql(
            """
            {t.customer_id} IN (
                SELECT {customer.id} FROM {customer}
                WHERE {customer.scope} AND {customer.deleted_at} IS NULL AND ({criteria})
            )
            """,
            t=t,
            # The criteria's SQL names the table `customer`.
            customer=request.table("Customer", "customer"),
            criteria=_bound(made.text, made.values),
        )

    def build(request: AggregateRequest) -> Select:
        return own_slice(request, only=held)

    asked = {"stages": stages, "since": since, "until": until, "withinHours": within_hours}
    funnels = await loaders_of(info).aggregate("FunnelSlice", Aggregate(build), arguments(asked), None)
    shown: Any = funnels[0]
    return shown  # type: ignore[no-any-return]


funnel_now: Any = strawberry.field(
    resolver=_funnel,
    metadata=priced(40_000),
    description="The ways of the customers it holds at this moment. Counted now, so ask for it of few segments.",
)


def _bound(text: str, values: list[object]) -> Sql:
    """A condition whose places `$n` are bound to these values, numbered anew with the statement around it."""
    parts: list[Sql] = []
    last = 0
    for place in _PLACE.finditer(text):
        parts += [verbatim(text[last : place.start()]), const(values[int(place[1]) - 1], place[2])]
        last = place.end()
    return joined("", [*parts, verbatim(text[last:])])
