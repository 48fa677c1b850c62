"""Lists of who was joined with whom, and of what looks doubtful."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import DoubtReason, MergeReason
from app.graph.declaring.listing import compares, equals, filter_by, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists.conditions import CREATED_AT
from app.plan.catalog import Arguments, Row
from app.plan.references import id_of, ids_of
from app.plan.sql import Sql, sql


def _is_undone(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.undone_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


@input_type
class CustomerMergeFilter:
    """Which merges. All conditions given must hold."""

    from_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these customers, who are somebody else now.", one_of("from_id", "bigint", ids_of("cust"))
    )
    into_id: strawberry.ID | None = filter_by(
        "Into this customer.", equals("into_id", "bigint", id_of("cust"))
    )
    reasons: list[MergeReason] | None = filter_by("For any of these reasons.", one_of("reason", "text"))
    undone: bool | None = filter_by("Whether they were undone.", _is_undone)
    since: DateTime | None = filter_by(
        "At this instant or later.", compares("created_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by("Before this instant.", compares("created_at", "<", "timestamptz"))


@input_type
class CustomerDoubtFilter:
    """Which doubts. All conditions given must hold."""

    reasons: list[DoubtReason] | None = filter_by("For any of these reasons.", one_of("reason", "text"))
    customer_id: strawberry.ID | None = filter_by(
        "About this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    since: DateTime | None = filter_by(
        "Found at this instant or later.", compares("created_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by(
        "Found before this instant.", compares("created_at", "<", "timestamptz")
    )


MERGES = list_of("CustomerMerge", CustomerMergeFilter, "CREATED_AT", descending=True, created_at=CREATED_AT)
DOUBTS = list_of("CustomerDoubt", CustomerDoubtFilter, "CREATED_AT", descending=True, created_at=CREATED_AT)
