"""A fault of each kind, put into the planner on purpose, shows: against the resolvers, or against the policies.

So a green comparison means something. The faults are put into copies of the catalog or into the printed
statement; the resolvers keep the true catalog.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from copy import copy
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from graphql import get_named_type

from app.db.database import Database, connect
from app.graph.schema import catalog
from app.plan.catalog import Aggregate, Catalog, Column, Embed, Entity, Filter, Many, Plan, ToOne
from app.plan.kinds import Kind
from app.plan.sql import Text, sql
from app.values.scope import Scope
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.given.questions import GRAPH, Edge, edges
from tests.given.twins import twin
from tests.plan.planning import statement
from tests.plan.test_scope_everywhere import scope_predicates

EDGES = {edge.name: edge for edge in edges()}


@pytest.fixture(scope="module")
async def guarded(database_url: str) -> AsyncIterator[Database]:
    """The same database, read behind the row-level policies."""
    database = await connect(database_url, readers=2, writers=1, guarded=True)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def twins(database_url: str, ours: Everything) -> int:
    """Another group, whose rows have the ids of ours."""
    return await twin(database_url, ours, mark="ours", twin_mark="twin")


async def printed(
    asker: Asker, scope: Scope, query: str, *, of: Catalog, variables: dict[str, Any] | None = None
) -> bytes | None:
    """What the statement of this catalog answers; None where PostgreSQL refuses it."""
    made, values = statement(query, variables, scope=scope, of=of, facts=facts_of(asker, scope))
    return await run(asker.db, scope, made.text, values)


def facts_of(asker: Asker, scope: Scope) -> dict[str, Any]:
    """What the request of the resolvers knows by itself."""
    context = asker.context(scope)
    links = context.services.assets.links(group_id=scope.group_id, base_url=context.base_url, now=context.now)
    return {"name": context.principal.name, "roles": sorted(context.principal.roles), "links": lambda: links}


async def run(db: Database, scope: Scope, text: str, values: list[object]) -> bytes | None:
    """The statement's bytes; None where PostgreSQL refuses it."""
    try:
        return await db.read(text, values, scope)
    except asyncpg.PostgresError:
        return None


def faulty(change: Callable[[Entity], Entity]) -> Catalog:
    """A copy of the catalog with every entity changed."""
    return Catalog(
        {name: change(copied(entity)) for name, entity in catalog.entities.items()},
        {name: dict(keys) for name, keys in catalog.filters.items()},
        dict(catalog.unplanned),
    )


def copied(entity: Entity) -> Entity:
    """A copy whose fields can be replaced."""
    made = copy(entity)
    made.fields = dict(entity.fields)
    return made


def with_fields(change: Callable[[str, str, Plan], Plan]) -> Catalog:
    """A copy of the catalog with every field changed: `change(type, field, plan)`."""

    def changed(entity: Entity) -> Entity:
        entity.fields = {name: change(entity.name, name, plan) for name, plan in entity.fields.items()}
        return entity

    return faulty(changed)


async def differs(asker: Asker, scope: Scope, broken: Catalog, query: str, **variables: Any) -> bool:
    """Whether the resolvers, with the true catalog, answer something else."""
    found = await printed(asker, scope, query, of=broken, variables=variables)
    resolved = await asker.resolved(scope, query, **variables)
    assert resolved.data is not None, resolved
    return found is None or exact(found) != exact(resolved.data)


def exact(body: bytes) -> Any:
    """Decoded with key order and number digits kept."""

    def number(text: str) -> tuple[str, str]:
        return ("number", text)

    try:
        return json.loads(body, parse_float=number, parse_int=number, object_pairs_hook=list)
    except ValueError:
        return body  # no JSON at all: a fault of its own


# ── the comparison itself ─────────────────────────────────────────────────────


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
async def test_without_a_fault_nothing_is_reported(asker: Asker, ours: Everything, edge: Edge) -> None:
    for scope in (ours.scope, ours.store_scope, ours.project_scope):
        assert not await differs(asker, scope, with_fields(lambda _, __, plan: plan), edge.question())


# ── scope ─────────────────────────────────────────────────────────────────────

_BY_ITS_OWN_ID = "the row is named by the same parameter once more"
_OF_THE_GROUP = "the key that leads here is the group's own id"
REDUNDANT = {
    "Query.viewer.group": _BY_ITS_OWN_ID,
    "Query.group": _BY_ITS_OWN_ID,
    "Query.viewer.store": "there is no store in this scope",
    "CustomerGroup.stores": _OF_THE_GROUP,
    "CustomerGroup.campaigns": _OF_THE_GROUP,
    "Store.group": _OF_THE_GROUP,
}
"""Where one predicate less changes nothing; the reader of statements (test_scope_everywhere) insists all the same."""


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
async def test_a_missing_group_shows(
    asker: Asker, guarded: Database, ours: Everything, theirs: Everything, twins: int, edge: Edge
) -> None:
    """Each predicate of each statement in turn; the twin's rows have the ids of ours."""
    made, values = statement(edge.question(), scope=ours.scope, facts=facts_of(asker, ours.scope))
    true = await run(asker.db, ours.scope, made.text, values)
    assert true == await run(guarded, ours.scope, made.text, values)
    assert true is not None
    assert b"twin" not in true
    hidden = []
    for found in scope_predicates(made):
        parameter = re.search(r"\$\d+::bigint(\[\])?", found.group())
        assert parameter is not None
        broken = made.text[: found.start()] + f"{parameter.group()} IS NOT NULL" + made.text[found.end() :]
        bare = await run(asker.db, ours.scope, broken, values)
        behind = await run(guarded, ours.scope, broken, values)
        if bare == true:
            hidden.append(found.group())
        # A statement that fails is run again on the resolvers, and counted. Directory tables have no policies.
        assert bare in (None, true) or bare != behind or edge.name in WITHOUT_POLICIES, found.group()
    assert bool(hidden) == (edge.name in REDUNDANT), hidden


WITHOUT_POLICIES = {"Query.apiKeys", "Query.oauthClients", "OAuthClient.store"}


NARROWED = [
    (name, way)
    for name, entity in catalog.entities.items()
    for way in ("store", "project")
    if entity.table
    and getattr(entity, way).how != "visible"
    # A project's metrics are read from the base rows, never from the rollup.
    and (name, way) != ("MetricRollup", "project")
]


@pytest.mark.parametrize(("name", "way"), NARROWED)
async def test_a_lost_way_to_the_store_or_project_shows(
    asker: Asker, ours: Everything, name: str, way: str
) -> None:
    def lost(entity: Entity) -> Entity:
        return (
            replace(entity, **{way: replace(entity.store, how="visible")}) if entity.name == name else entity
        )

    # Two projects, so that a store's border is not a project's border as well.
    projects = (ours.project_ids[0], ours.project_ids[2])
    scope = ours.store_scope if way == "store" else ours.project_scope
    prefix = catalog.entities[name].prefix
    if prefix:
        ids = ours.event_ids if name == "Event" else ours.ids[catalog.entities[name].table]
        asked = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert await differs(asker, scope, faulty(lost), asked, ids=[f"{prefix}_{one}" for one in ids])
    elif name == "CampaignMetric":
        scope = Scope(ours.group_id, scope.store_id, projects)
        assert await differs(asker, scope, faulty(lost), EDGES["Query.metricSeries"].question())
    else:
        assert await differs(asker, ours.store_scope, faulty(lost), EDGES["Query.metricSeries"].question())


# ── kinds ─────────────────────────────────────────────────────────────────────


def _wrapped(before: str, after: str) -> Callable[[Kind], Kind]:
    """The same expression, printed by other SQL."""
    return lambda kind: replace(kind, text=lambda x, *_: Text().add(sql(before, x, after)))


WRONG_PRINTING: dict[str, Callable[[Kind], Kind]] = {
    "text": _wrapped("'\"' || ", " || '\"'"),
    "int": _wrapped("round(", ", 1)::text"),
    "bool": _wrapped("(", ")::int::text"),
    "instant": _wrapped("to_json(", ")::text"),
    "date": _wrapped("to_char(", ", '\"YYYYMMDD\"')"),
    "decimal": _wrapped("'\"' || ", "::text || '\"'"),
    "amount": _wrapped("'\"' || trim_scale(", ")::text || '\"'"),
    "texts": _wrapped("to_json(", "::text)::text"),
    "json": _wrapped("", "::jsonb::text"),
    "rate(1)": _wrapped("trunc(", ", 1)::text"),
    "rate(2)": _wrapped("round(", ", 3)::text"),
}
KINDS = {
    column.kind.name
    for entity in catalog.entities.values()
    for plan in entity.fields.values()
    for column in (
        [plan] if isinstance(plan, Column) else plan.columns.values() if isinstance(plan, Embed) else []
    )
}


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

    def change(_: str, __: str, plan: Plan) -> Plan:
        if isinstance(plan, Embed):
            return replace(plan, columns={n: changed(c) for n, c in plan.columns.items()})
        return changed(plan) if isinstance(plan, Column) else plan

    broken = with_fields(change)
    assert await any_edge_differs(asker, ours.scope, broken)


async def any_edge_differs(asker: Asker, scope: Scope, broken: Catalog, *names: str) -> bool:
    """Whether one of the questions (all of them, unless named) is answered otherwise."""
    for name in names or EDGES:
        if await differs(asker, scope, broken, EDGES[name].question()):
            return True
    return False


# ── columns, embedded objects, relations ──────────────────────────────────────


def only(kind: str, field: str, wrong: Callable[[Any], Plan]) -> Catalog:
    """The catalog with one field declared otherwise."""
    return with_fields(lambda k, f, plan: wrong(plan) if (k, f) == (kind, field) else plan)


def _of(column: str) -> Callable[[Column], Column]:
    return lambda plan: replace(plan, expressions=(lambda row: row(column),))


def _drop_last_condition(plan: Aggregate) -> Aggregate:
    def build(request: Any) -> Any:
        select = plan.build(request)
        select.where = select.where[:-1]
        return select

    return replace(plan, build=build)


WRONG_FIELDS: dict[str, tuple[Catalog, str]] = {
    "another column": (only("Campaign", "name", _of("external_id")), "Query.campaigns"),
    "NULL where none is promised": (only("Campaign", "name", _of("description")), "Query.campaigns"),
    "an object that is always there": (
        only("Campaign", "budget", lambda p: replace(p, present=None)), "Query.campaigns",
    ),
    "an object of another column": (
        only("Campaign", "budget", lambda p: replace(p, present=lambda row: sql(row("subject"), " IS NOT NULL"))),
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
    "a series over too much": (only("Campaign", "metricSeries", _drop_last_condition), "Campaign.metricSeries"),
    "sums of another column": (only("MetricTotals", "clicks", _of("impressions")), "Query.metricTotals"),
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
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        f"UPDATE {entity.table} SET deleted_at = now() WHERE group_id = $1 AND id ="
        f" (SELECT max(id) FROM {entity.table} WHERE group_id = $1)",
        ours.group_id,
    )
    await owner.close()
    broken = faulty(lambda e: replace(e, alive="") if e.name == name else e)
    lists = [e.name for e in EDGES.values() if e.target == name and isinstance(e.plan, Many)]
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
    return [[value] for value in named.values]


FILTERS = [(name, key) for name, keys in catalog.filters.items() for key in keys]


@pytest.mark.parametrize(("name", "key"), FILTERS)
async def test_a_lost_filter_shows(asker: Asker, ours: Everything, name: str, key: str) -> None:
    broken = faulty(lambda e: e)
    broken.filters[name][key] = Filter(
        lambda *_: sql("true"), replaces_alive=catalog.filters[name][key].replaces_alive
    )
    asked = next(
        e for e in EDGES.values() if e.owner == "Query" and isinstance(e.plan, Many) and e.plan.filter == name
    )
    field = GRAPH.type_map[name].fields[key]  # type: ignore[attr-defined]
    query = asked.question(arguments="filter: $f").replace("{", f"query($f: {name}) {{", 1)
    found = [
        await differs(asker, ours.scope, broken, query, f={key: value}) for value in _candidates(field.type)
    ]
    assert any(found)


# ── pages ─────────────────────────────────────────────────────────────────────

OFF_BY_ONE = {
    "a row too many": (r"LIMIT (\$\d+::bigint)(?! \+)", r"LIMIT \1 + 1"),
    "no row more to look at": (r"LIMIT (\$\d+::bigint) \+ 1", r"LIMIT \1"),
    "the row looked at is shown": (r"rn <= (\$\d+::bigint)", r"rn <= \1 + 1"),
    "the last row is not shown": (r"rn <= ", "rn < "),
    "a next page that is not there": (r"count\(\*\) > (\$\d+)", r"count(*) >= \1"),
    "a row passed over": (r"OFFSET (\$\d+::bigint)", r"OFFSET \1 + 1"),
    "the cursor's own row again": (r"\) < \(", ") <= ("),
    "the page backwards": (r"rn DESC", "rn"),
}
PAGES = {
    "first, plain": ("first: $n", ""),
    "first, with its place": ("first: $n", "pageInfo { hasNextPage endCursor } "),
    "exactly as many as there are": ("first: $all", "pageInfo { hasNextPage } "),
    "last": ("last: $n", "pageInfo { hasPreviousPage } "),
    "offset": ("first: $n, offset: $n", ""),
    "after": ("first: $n, after: $c", ""),
}


@pytest.mark.parametrize("fault", OFF_BY_ONE)
async def test_an_off_by_one_shows(asker: Asker, ours: Everything, fault: str) -> None:
    counted = json.loads(
        (await asker.planned(ours.scope, "{ campaigns { totalCount edges { cursor } } }")).body
    )
    page = counted["data"]["campaigns"]
    variables = {"n": 2, "all": page["totalCount"], "c": page["edges"][1]["cursor"]}
    pattern, instead = OFF_BY_ONE[fault]
    caught = 0
    for arguments, more in PAGES.values():
        used = {name: value for name, value in variables.items() if f"${name}" in arguments}
        kinds = ", ".join(f"${name}: {'String' if name == 'c' else 'Int'}" for name in used)
        query = f"query({kinds}) {{ campaigns({arguments}) {{ {more}nodes {{ id }} }} }}"
        made, values = statement(query, used, scope=ours.scope)
        broken = re.sub(pattern, instead, made.text)
        if broken == made.text:
            continue
        resolved = await asker.resolved(ours.scope, query, **used)
        found = await run(asker.db, ours.scope, broken, values)
        assert resolved.data is not None
        caught += found is None or exact(found) != exact(resolved.data)
    assert caught


# ── the text itself ───────────────────────────────────────────────────────────


async def test_a_key_that_is_not_escaped_shows(asker: Asker, ours: Everything) -> None:
    """Texts with quotes, backslashes and control characters are in the rows."""
    query = "{ campaigns { nodes { name } } }"
    made, values = statement(query, scope=ours.scope)
    broken = re.sub(r"to_json\((t\d+\.name)\)::text", r"('\"' || \1 || '\"')", made.text)
    assert broken != made.text
    found = await run(asker.db, ours.scope, broken, values)
    assert found is not None
    resolved = await asker.resolved(ours.scope, query)
    assert resolved.data is not None
    assert exact(found) != exact(resolved.data)
