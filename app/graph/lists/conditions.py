"""Conditions and orderings that several lists share."""

from collections.abc import Callable

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import (
    contains_text,
    filter_by,
    instant_key,
    text_key,
)
from app.plan.catalog import Arguments, FilterArguments, Predicate, Row
from app.plan.references import id_of
from app.plan.sql import Sql, sql

NAME = (text_key("name"), "By name, by code point.")
CREATED_AT = (instant_key("created_at"), "By the moment it was made.")


def is_deleted(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.deleted_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def is_archived(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.archived_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def is_active(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.status} = 'active') = {value}", row=row, value=args.param(*path, cast="boolean"))


def on_list_of(customer: Callable[[Row], Sql]) -> Predicate:
    """Whether the customer in sight is on the list of a segment. Dynamic segments have none."""

    def predicate(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
        return sql(
            """
            EXISTS (SELECT 1 FROM {m} WHERE {m.scope} AND {m.segment_id} = {segment} AND {m.customer_id} = {customer})
            """,
            m=args.table("SegmentMember", "m"),
            segment=args.param(*path, cast="bigint", convert=id_of("seg")),
            customer=customer(row),
        )

    return predicate


@input_type
class NameFilter:
    """Which rows, by name."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
