"""Conditions and orderings that several lists share."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import (
    contains_text,
    filter_by,
    instant_key,
    text_key,
)
from app.plan.catalog import Arguments, Row
from app.plan.sql import Sql, sql

NAME = (text_key("name"), "By name, by code point.")
CREATED_AT = (instant_key("created_at"), "By the moment it was made.")


def is_deleted(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.deleted_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def is_archived(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.archived_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def is_active(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.status} = 'active') = {value}", row=row, value=args.param(*path, cast="boolean"))


@input_type
class NameFilter:
    """Which rows, by name."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
