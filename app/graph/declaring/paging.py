"""Connections as Relay describes them, plus `nodes`, `totalCount` and an offset."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Generic, TypeVar

import strawberry

from app.graph.declaring.described import object_type
from app.graph.declaring.loading import LoadedPage, Record
from app.graph.declaring.scalars import Long
from app.values.slices import gradually

T = TypeVar("T")

MAX_IN_ONE_GO = 50
"""Rows: a row of twenty fields takes graphql-core some 0.3 ms."""


@object_type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows come before this page.")
    start_cursor: str | None = strawberry.field(description="The first row's cursor.")
    end_cursor: str | None = strawberry.field(
        description="The last row's cursor: pass it as `after` for the next page."
    )


@object_type
class Edge(Generic[T]):
    """A row of a page and its cursor."""

    cursor: str = strawberry.field(description="Where this row is in the list's order.")
    node: T = strawberry.field(description="The row.")


def _nodes(root: Any) -> Any:
    return in_slices(root.rows)


def _edges(root: Any) -> Any:
    return in_slices([_LoadedEdge(root.cursor(row), row) for row in root.rows])


def in_slices(rows: Sequence[T]) -> Sequence[T] | AsyncIterator[T]:
    """What a resolver gives for these rows: printing many of them gives way to others."""
    return rows if len(rows) <= MAX_IN_ONE_GO else gradually(rows)


class _LoadedEdge:
    def __init__(self, cursor: str, node: Record) -> None:
        self.cursor = cursor
        self.node = node


def _page_info(root: Any) -> Any:
    page: LoadedPage = root
    before, after = page.args.given("before"), page.args.given("after")
    offset = page.args.values.get("offset") or 0
    return PageInfo(
        has_next_page=before or offset > 0 if page.backward else page.more,
        has_previous_page=page.more if page.backward else after or offset > 0,
        start_cursor=page.cursor(page.rows[0]) if page.rows else None,
        end_cursor=page.cursor(page.rows[-1]) if page.rows else None,
    )


async def _total(root: Any) -> Any:
    return await asyncio.shield(root.count())


@object_type
class Connection(Generic[T]):
    """A page of a list."""

    nodes: list[T] = strawberry.field(resolver=_nodes, description="The rows of this page.")
    edges: list[Edge[T]] = strawberry.field(
        resolver=_edges, description="The rows of this page with their cursors."
    )
    page_info: PageInfo = strawberry.field(resolver=_page_info, description="Where this page stands.")
    total_count: Long = strawberry.field(resolver=_total, description="How many rows there are on all pages.")
