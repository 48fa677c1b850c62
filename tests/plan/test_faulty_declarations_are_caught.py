"""What the planner alone has declared otherwise shows: kinds of value, columns, keys, orders, filters."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import asyncpg
import pytest
from graphql import get_named_type

from app.graph.schema import catalog
from app.plan.catalog import Aggregate, Catalog, Column, Embed, Field, Filter, Many, ToOne
from app.plan.kinds import Kind
from app.plan.sql import Sql, sql, verbatim
from app.plan.text import Text
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.given.questions import GRAPH
from tests.plan.faults import EDGES, any_edge_differs, differs, faulty, with_fields

# ── kinds ─────────────────────────────────────────────────────────────────────


def _wrapped(before: str, after: str) -> Callable[[Kind], Kind]:
    """The same expression, printed by other SQL."""

    def text(x: Sql, *_: Sql) -> Text:
        return Text().add(sql("{before}{x}{after}", before=verbatim(before), x=x, after=verbatim(after)))

    return lambda kind: replace(kind, text=text)


WRONG_PRINTING: dict[str, Callable[[Kind], Kind]] = {
    "text": _wrapped("'\"' || ", " || '\"'"),
    "int": _wrapped("round(", ", 1)::text"),
    "bool": _wrapped("(", ")::int::text"),
    "instant": _wrapped("to_json(", ")::text"),
    "currency": _wrapped("'\"' || lower(", ") || '\"'"),
    "date": _wrapped("to_char(", ", '\"YYYYMMDD\"')"),
    "decimal": _wrapped("'\"' || ", "::text || '\"'"),
    "amount": _wrapped("'\"' || trim_scale(", ")::text || '\"'"),
    "texts": _wrapped("to_json(", "::text)::text"),
    "json": _wrapped("", "::jsonb::text"),
    "rate(1)": _wrapped("trunc(", ", 1)::text"),
    "rate(2)": _wrapped("round(", ", 3)::text"),
    "rate(4)": _wrapped("round(", ", 5)::text"),
}
KINDS = {
    column.kind.name
    for entity in catalog.entities.values()
    for field in entity.fields.values()
    for column in (
        [field] if isinstance(field, Column) else field.columns.values() if isinstance(field, Embed) else []
    )
} - {"code(FunnelType)", "code(ReachReason)", "share(1)"}
"""Those only funnels and reachability print; tests/funnels and tests/contacts compare them with what they must be."""


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_kind_that_prints_otherwise_shows(asker: Asker, ours: Everything, kind: str) -> None:
    if kind.startswith("id("):
        wrong: Callable[[Kind], Kind] = _wrapped("'\"x_' || ", "::text || '\"'")
    elif kind.startswith("code("):
        wrong = _wrapped("'\"' || lower(", "::text) || '\"'")
    else:
        wrong = WRONG_PRINTING[kind]

    def changed(column: Column) -> Column:
        return replace(column, kind=wrong(column.kind)) if column.kind.name == kind else column

    def change(_: str, __: str, field: Field) -> Field:
        if isinstance(field, Embed):
            return replace(field, columns={n: changed(c) for n, c in field.columns.items()})
        return changed(field) if isinstance(field, Column) else field

    broken = with_fields(change)
    assert await any_edge_differs(asker, ours.scope, broken)


# ── columns, embedded objects, relations ──────────────────────────────────────


def only(kind: str, field: str, wrong: Callable[[Any], Field]) -> Catalog:
    """The catalog with one field declared otherwise."""
    return with_fields(lambda k, f, true: wrong(true) if (k, f) == (kind, field) else true)


def _of(column: str) -> Callable[[Column], Column]:
    return lambda field: replace(field, expressions=(lambda row: row(column),))


def _drop_last_condition(field: Aggregate) -> Aggregate:
    def build(request: Any) -> Any:
        select = field.build(request)
        select.where = select.where[:-1]
        return select

    return replace(field, build=build)


def _of_everybody(field: Aggregate) -> Aggregate:
    assert isinstance(field.build, partial)
    return replace(field, build=partial(field.build.func, field.build.args[0], ""))


WRONG_FIELDS: dict[str, tuple[Catalog, str]] = {
    "another column": (only("Campaign", "name", _of("slug")), "Query.campaigns"),
    "NULL where none is promised": (only("Campaign", "name", _of("description")), "Query.campaigns"),
    "an object that is always there": (
        only("Campaign", "budget", lambda p: replace(p, present=None)), "Query.campaigns",
    ),
    "an object of another column": (
        only("Campaign", "budget", lambda p: replace(p, present=lambda row: sql("{row.subject} IS NOT NULL", row=row))),
        "Query.campaigns",
    ),
    "an amount with another's currency": (
        only("Campaign", "budget", lambda p: replace(p, columns={
            **p.columns,
            "amount": replace(
                p.columns["amount"], expressions=(lambda r: r("budget_total"), lambda _: sql("'JPY'::text"))
            ),
        })),
        "Query.campaigns",
    ),
    "a parent by another key": (only("Partnership", "partner", lambda _: ToOne("store_id")), "Partnership.partner"),
    "a child by its own id": (
        only("Campaign", "spendLimit", lambda _: ToOne("id", reverse=True)), "Campaign.spendLimit",
    ),
    "children of everybody": (only("Campaign", "outlays", lambda p: replace(p, key="")), "Campaign.outlays"),
    "children by another key": (
        only("Campaign", "clones", lambda p: replace(p, key="store_id")), "Campaign.clones",
    ),
    "children in another order": (
        only("Flow", "actions", lambda p: replace(p, order=(("position", True),))), "Flow.actions",
    ),
    "a page in another order": (
        only("Query", "campaigns", lambda p: replace(p, order=(("CREATED_AT", False),))), "Query.campaigns",
    ),
    "a page without the tie broken as it should": (
        only("Query", "campaigns", lambda p: replace(p, order=(("CREATED_AT", True), ("id", False)))),
        "Query.campaigns",
    ),
    "a cursor of another kind of value": (
        only("Query", "campaigns", lambda p: replace(
            p, orders={**p.orders, "CREATED_AT": replace(p.orders["CREATED_AT"], kind=p.orders["NAME"].kind)}
        )),
        "Query.campaigns",
    ),
    "a cursor of another column": (
        only("Query", "campaigns", lambda p: replace(
            p, orders={**p.orders, "CREATED_AT": replace(p.orders["CREATED_AT"], column="updated_at")}
        )),
        "Query.campaigns",
    ),
    "an aggregate over too much": (only("Campaign", "metrics", _drop_last_condition), "Campaign.metrics"),
    "a series over too much": (only("Campaign", "figures", _of_everybody), "Campaign.figures"),
    "sums of another column": (only("MetricFigures", "clicks", _of("impressions")), "Query.figures"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_FIELDS)
async def test_a_wrong_declaration_on_one_side_shows(asker: Asker, ours: Everything, name: str) -> None:
    broken, asked = WRONG_FIELDS[name]
    assert await any_edge_differs(asker, ours.scope, broken, asked)


@pytest.mark.parametrize("name", [n for n, e in catalog.entities.items() if e.alive])
async def test_deleted_rows_that_are_not_hidden_show(
    database_url: str, asker: Asker, ours: Everything, name: str
) -> None:
    entity = catalog.entities[name]
    hidden = (
        entity.alive.replace(" IS NULL", " = now()") if " " in entity.alive else f"{entity.alive} = false"
    )
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        f"UPDATE {entity.table} SET {hidden} WHERE group_id = $1 AND id ="
        f" (SELECT max(id) FROM {entity.table} WHERE group_id = $1)",
        ours.group_id,
    )
    await owner.close()
    broken = faulty(lambda e: replace(e, alive="") if e.name == name else e)
    lists = [e.name for e in EDGES.values() if e.target == name and isinstance(e.field, Many)]
    assert await any_edge_differs(asker, ours.scope, broken, *lists)


# ── filters ───────────────────────────────────────────────────────────────────


def _candidates(kind: Any) -> list[Any]:
    """Values of which at least one keeps some rows out and one lets some in."""
    named = get_named_type(kind)
    if named.name == "Boolean":
        return [True, False]
    if named.name in {"Date", "DateTime"}:
        return ["0001-01-01", "9999-12-31"]
    if named.name in {"ID", "String"}:
        return [["nothing_1"]] if "[" in str(kind) else ["nothing_1"]
    if named.name == "Int":
        return [[99]] if "[" in str(kind) else [99]
    if named.name in {"Long", "Decimal"}:
        return [0, 2**53 - 1]
    return [[value] for value in named.values]


FILTERS = [(name, key) for name, keys in catalog.filters.items() for key in keys]


@pytest.mark.parametrize(("name", "key"), FILTERS)
async def test_a_lost_filter_shows(asker: Asker, ours: Everything, name: str, key: str) -> None:
    broken = faulty(lambda e: e)
    broken.filters[name][key] = Filter(
        lambda *_: sql("true"), replaces_alive=catalog.filters[name][key].replaces_alive
    )
    lists = [e for e in EDGES.values() if isinstance(e.field, Many) and e.field.filter == name]
    asked = next((e for e in lists if e.owner == "Query"), lists[0])
    field = GRAPH.type_map[name].fields[key]  # type: ignore[attr-defined]  # it has fields
    query = asked.question(arguments="filter: $f").replace("{", f"query($f: {name}) {{", 1)
    found = [
        await differs(asker, ours.scope, broken, query, f={key: value}) for value in _candidates(field.type)
    ]
    assert any(found)
