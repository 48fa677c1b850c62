"""Lists of segments and of their members."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import SegmentType
from app.graph.declaring.listing import (
    contains_text,
    filter_by,
    instant_key,
    list_of,
    number_key,
    one_of,
)
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.graph.lists.conditions import CREATED_AT, NAME
from app.plan.references import ids_of


@input_type
class SegmentMemberFilter:
    """Which entries of a segment's list. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "Put on the list at this instant or later.", moments.since("created_at", moments.of_group)
    )


MEMBERS = list_of(
    "SegmentMember", SegmentMemberFilter, "CREATED_AT",
    created_at=(instant_key("created_at"), "By the moment it was put on the list."),
)  # fmt: skip


@input_type
class SegmentFilter:
    """Which segments. All conditions given must hold."""

    type: list[SegmentType] | None = filter_by("Any of these types.", one_of("type", "text"))
    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", ids_of("seg"))
    )
    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))


SEGMENTS = list_of(
    "Segment", SegmentFilter, "NAME", name=NAME, created_at=CREATED_AT,
    size=(number_key("size"), "By how many customers they held when they were last counted."),
)  # fmt: skip
