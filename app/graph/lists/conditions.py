"""Conditions and orderings that several lists share."""

from collections.abc import Callable
from typing import Any

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import (
    contains_text,
    filter_by,
    instant_key,
    text_key,
)
from app.plan.catalog import Arguments, FilterArguments, Predicate, Row
from app.plan.sql import Sql, sql
from app.values.ids import read_id, read_whole

NAME = (text_key("name"), "By name, by code point.")
CREATED_AT = (instant_key("created_at"), "By the moment it was made.")


def ids_of(prefix: str) -> Callable[[Any], object]:
    return lambda ids: [read_id(prefix, str(i)) for i in ids]


def id_of(prefix: str) -> Callable[[Any], object]:
    return lambda text: read_id(prefix, str(text))


def has_own_id(prefix: str) -> Predicate:
    ours = id_of(prefix)

    def predicate(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
        imported, own = args.param(*path, cast="text"), args.param(*path, cast="bigint", convert=ours)
        return sql(
            "({row.external_id} = {imported} OR {row.id} = {own})", row=row, imported=imported, own=own
        )

    return predicate


def _whole(texts: Any) -> object:
    return [read_whole(str(text)) for text in texts]


def is_numbered(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    imported = args.param(*path, cast="text[]")
    own = args.param(*path, cast="bigint[]", convert=_whole)
    return sql(
        "({row.external_id} = ANY ({imported}) OR {row.id} = ANY ({own}))",
        row=row,
        imported=imported,
        own=own,
    )


def of_numbered_store(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    s = args.table("Store", "s")
    return sql(
        "{row.store_id} = ANY (ARRAY(SELECT {s.id} FROM {s} WHERE {s.scope} AND {numbered}))",
        row=row,
        s=s,
        numbered=is_numbered(s, args, path),
    )


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
