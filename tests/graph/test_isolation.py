"""Nothing of another group, store or project in any answer, whichever way it is asked for."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from app.db.database import Database
from app.graph.schema import catalog
from app.plan.catalog import ByIds, Many, RootRow
from app.values.scope import Scope
from tests.given import groups
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.given.questions import GRAPH, Edge, edges, page_of, plain
from tests.plan.operations import PREFIXES

MISSING = 10**15
"""An id that no row has."""
BORDERS = {
    "group": rb"theirs",
    "store": rb"theirs|ours\.s[12]",
    "project": rb"theirs|\.p[12-]",
    "store and project": rb"theirs|ours\.s[12]|\.p[12-]",
}
"""Per scope, what no answer may hold."""


def scope_of(world: Everything, border: str) -> Scope:
    """The whole group, or its first store or project."""
    store = world.store_ids[0] if "store" in border else None
    return Scope(world.group_id, store, (world.project_ids[0],) if "project" in border else None)


async def ask(asker: Asker, world: Everything, border: str, query: str, **variables: Any) -> bytes:
    """Both executions' answer: they are the same, and nothing foreign is in it."""
    planned, resolved = await asker.both(scope_of(world, border), query, **variables)
    assert planned.execution == "planned", (query, planned)
    assert json.loads(planned.body) == json.loads(resolved.body), query
    for answer in (planned, resolved):
        assert not re.search(BORDERS[border], answer.body), (query, variables, answer.body)
    return planned.body


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("edge", edges(), ids=lambda e: e.name)
async def test_no_edge_leads_outside(
    asker: Asker, ours: Everything, theirs: Everything, edge: Edge, border: str
) -> None:
    await ask(asker, ours, border, edge.question())


async def test_the_same_questions_do_show_what_is_there(asker: Asker, theirs: Everything) -> None:
    """Else the test above would pass on empty answers."""
    shown = b"".join([(await asker.planned(theirs.scope, edge.question())).body for edge in edges()])
    for mark in ("s0.p0", "s1.p1", "s1.p-", "s2.p2", "s-.p2", " group", " key", "-client", "-ch0", " body"):
        assert f"theirs{mark}".encode() in shown or f"{mark}".encode() in shown, mark
    empty = [
        e.name for e in edges() if b"theirs" not in (await asker.planned(theirs.scope, e.question())).body
    ]
    # These have no text of their own, and a caller without a store has no store. Figures are numbers.
    empty = [name for name in empty if not name.endswith(("igures", ".growth"))]
    assert set(empty) <= {
        "Query.viewer.store", "Campaign.metrics", "Campaign.spendLimit", "Campaign.goals",
        "SpendLimit.spentInPeriod", "SpendLimit.planned", "SpendLimit.remaining", "SpendLimit.pacing",
        "Campaign.flows", "Flow.multipliers", "FlowAction.flow", "FlowCondition.flow", "FlowMultiplier.flow",
        "Segment.members", "Customer.memberships", "Event.user", "EventMetric.user",
        "Query.webhookProviders", "Query.exchangeRates", "Campaign.attribution",
            "Query.rewardEntries", "Query.rewardBalances", "Campaign.rewardEntries", "Customer.rewardBalances",
            "RewardEvaluation.entries", "Partner.rewardEntries", "Customer.rewardEntries", "Partner.rewardBalances",
            "Partner.flowMultipliers", "Partner.goals",
    }, empty  # fmt: skip


def ids_of(world: Everything) -> Iterator[tuple[str, object]]:
    """Prefix and id of every row that has one."""
    for table, prefix in PREFIXES.items():
        yield from ((prefix, one) for one in world.ids[table])
    yield from (("event", one) for one in world.event_ids)


def missing(prefix: str) -> str:
    """A well-formed id of this kind that no row has."""
    return f"event_{'0' * 8}-0000-7000-8000-{'0' * 12}" if prefix == "event" else f"{prefix}_{MISSING}"


def kind_of(prefix: str) -> str:
    """The GraphQL type of ids that start so."""
    entity = catalog.by_prefix(prefix)
    assert entity is not None
    return entity.name


def lookups() -> dict[str, str]:
    """Root fields that find one row by its id, by the type they find."""
    fields = catalog.entities["Query"].fields
    root = GRAPH.query_type
    assert root is not None
    return {
        get_named_type(root.fields[name].type).name: name
        for name, field in fields.items()
        if isinstance(field, RootRow) and not field.scope_key
    }


@pytest.mark.slow
async def test_a_foreign_id_answers_like_a_missing_one(
    asker: Asker, ours: Everything, theirs: Everything
) -> None:
    seen = set()
    for prefix, one in ids_of(theirs):
        kind = kind_of(prefix)
        query = f"query($id: ID!) {{ node(id: $id) {{ id ... on {kind} {{ {plain(kind)} }} }}"
        query += " nodes(ids: [$id]) { id }"
        query += f" one: {lookups()[kind]}(id: $id) {{ {plain(kind)} }} }}" if kind in lookups() else " }"
        for border in BORDERS:
            foreign = await ask(asker, ours, border, query, id=f"{prefix}_{one}")
            assert foreign == await ask(asker, ours, border, query, id=missing(prefix))
            assert json.loads(foreign)["data"]["node"] is None
        seen.add(kind)
    assert seen == {e.name for e in catalog.entities.values() if e.prefix}


@pytest.mark.parametrize("border", ["store", "project"])
async def test_an_id_outside_a_narrower_scope_answers_like_a_missing_one(
    asker: Asker, ours: Everything, border: str
) -> None:
    hidden = set()
    for prefix, one in ids_of(ours):
        kind = kind_of(prefix)
        query = f"query($id: ID!) {{ node(id: $id) {{ __typename ... on {kind} {{ {plain(kind)} }} }} }}"
        whole = await asker.planned(ours.scope, query, id=f"{prefix}_{one}")
        inside = await ask(asker, ours, border, query, id=f"{prefix}_{one}")
        if re.search(BORDERS[border], whole.body):
            assert inside == await ask(asker, ours, border, query, id=missing(prefix)), prefix
            hidden.add(kind)
    assert {
        "Campaign",
        "Outlay",
        "Promo",
        "SpendEntry",
        "FlowAction",
        "FlowCondition",
        "Asset",
        "Event",
    } <= hidden


@pytest.mark.parametrize("border", ["store", "project"])
async def test_a_row_is_found_by_its_id_exactly_where_its_list_shows_it(
    asker: Asker, ours: Everything, border: str
) -> None:
    root = GRAPH.query_type
    assert root is not None
    for name, field in catalog.entities["Query"].fields.items():
        # A list with a condition of its own shows some of what another one does.
        if not isinstance(field, Many) or not field.connection or field.where:
            continue
        kind = get_named_type(root.fields[name].type).fields["nodes"].type.of_type.of_type.of_type
        entity = catalog.entities[kind.name]
        shown = json.loads(await ask(asker, ours, border, f"{{ {name}(first: 100) {{ nodes {{ id }} }} }}"))
        listed = {row["id"] for row in shown["data"][name]["nodes"]}
        every = [f"{p}_{one}" for p, one in ids_of(ours) if p == entity.prefix]
        found = json.loads(
            await ask(asker, ours, border, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=every)
        )
        assert {row["id"] for row in found["data"]["nodes"] if row} == listed, name


def filter_values(field: Any, theirs: Everything) -> list[Any]:
    """For one key of a filter: what would find rows of the other group, were it not for the border."""
    named = get_named_type(field.type).name
    if named == "ID":
        ids: list[Any] = [f"{prefix}_{one}" for prefix, one in ids_of(theirs)]
        # The first of each kind is enough where each takes a question of its own.
        return [ids] if "[" in str(field.type) else list({i.rpartition("_")[0]: i for i in ids}.values())
    if named == "String":
        texts = [
            "theirs",
            "theirs.s0.p0-slug",
            "theirs.s0.p0",
            "theirs.s0.p0-ch",
            "theirs.s-.p2-source",
            "%",
            "outlay",
        ]
        return [texts] if "[" in str(field.type) else texts
    if named == "Boolean":
        return [True, False]
    if named in {"Date", "DateTime"}:
        return ["0001-01-01", "9999-12-31"]
    if named == "Int":
        return [[1, 2]] if "[" in str(field.type) else [1, 2]
    if named in {"Long", "Decimal"}:
        return [0, 2**53 - 1]
    return [list(GRAPH.type_map[named].values)]  # type: ignore[attr-defined]  # it is an enum


def lists() -> Iterator[tuple[str, str, GraphQLInputObjectType]]:
    """Root lists: name, the type of their rows, their filter."""
    root = GRAPH.query_type
    assert root is not None
    for name, field in root.fields.items():
        if "filter" in field.args:
            kind = get_named_type(get_named_type(field.type).fields["nodes"].type).name
            yield name, kind, get_named_type(field.args["filter"].type)


@pytest.mark.parametrize("border", ["group", "store"])
@pytest.mark.parametrize(("name", "kind", "filters"), [*lists()], ids=[name for name, *_ in lists()])
async def test_no_filter_reaches_outside(
    asker: Asker, ours: Everything, theirs: Everything, name: str, kind: str, filters: Any, border: str
) -> None:
    query = f"query($f: {filters.name}) {{ {name}(first: 100, filter: $f) {{ {page_of(kind)} }} }}"
    for key, field in filters.fields.items():
        for value in filter_values(field, theirs):
            body = await ask(asker, ours, border, query, f={key: value})
            if "ID" in str(field.type):
                none = [missing("camp")] if isinstance(value, list) else missing("camp")
                assert body == await ask(asker, ours, border, query, f={key: none}), key


@pytest.mark.parametrize("border", ["group", "store"])
async def test_a_foreign_cursor_is_only_a_place_in_the_order(
    asker: Asker, ours: Everything, theirs: Everything, border: str
) -> None:
    for name, kind, _ in lists():
        made = json.loads((await asker.planned(theirs.scope, f"{{ {name} {{ edges {{ cursor }} }} }}")).body)
        for edge in made["data"][name]["edges"]:
            for side in ("after", "before"):
                query = f"query($c: String) {{ {name}({side}: $c) {{ {page_of(kind)} }} }}"
                await ask(asker, ours, border, query, c=edge["cursor"])


@pytest.mark.parametrize("field", ["figures"])
async def test_foreign_stores_have_no_metrics_here(
    asker: Asker, ours: Everything, theirs: Everything, field: str
) -> None:
    query = f"query($s: [ID!]) {{ {field}(interval: DAY, storeIds: $s) {{ currency impressions spend {{ amount }} }} }}"
    for border in BORDERS:
        foreign = await ask(asker, ours, border, query, s=[f"store_{one}" for one in theirs.store_ids])
        assert foreign == await ask(asker, ours, border, query, s=[missing("store")])
        assert json.loads(foreign)["data"][field] == []
    others = [f"store_{one}" for one in ours.store_ids[1:]]
    assert json.loads(await ask(asker, ours, "group", query, s=others))["data"][field]
    assert not json.loads(await ask(asker, ours, "store", query, s=others))["data"][field]


async def test_a_key_of_two_groups_sees_the_name_of_the_other_and_nothing_inside(
    asker: Asker, ours: Everything, theirs: Everything
) -> None:
    """`X-Group-Id` chooses the group; only `groups` lists them all."""
    query = (
        "{ groups { name stores { totalCount nodes { name } } campaigns { totalCount nodes { name } } }"
        " stores { nodes { name group { name } } } group { name } viewer { group { name } } }"
    )
    here = Scope(ours.group_id, group_ids=(ours.group_id, theirs.group_id))
    there = Scope(theirs.group_id, group_ids=(ours.group_id, theirs.group_id))
    for scope, own, other in ((here, "ours", "theirs"), (there, "theirs", "ours")):
        planned, resolved = await asker.both(scope, query)
        assert planned.execution == "planned"
        assert json.loads(planned.body) == json.loads(resolved.body)
        data = json.loads(planned.body)["data"]
        groups = {group["name"]: group for group in data.pop("groups")}
        assert groups.keys() == {"ours group", "theirs group"}
        assert groups[f"{own} group"]["campaigns"]["totalCount"] > 0
        foreign = groups[f"{other} group"]
        assert foreign["campaigns"] == foreign["stores"] == {"totalCount": 0, "nodes": []}
        assert other not in json.dumps(data)
    for edge in edges():
        if "groups" not in (*edge.above, *edge.steps):
            answer = await asker.planned(here, edge.question())
            assert b"theirs" not in answer.body, edge.name


async def test_foreign_groups_are_never_nodes(asker: Asker, ours: Everything, theirs: Everything) -> None:
    scope = Scope(ours.group_id, group_ids=(ours.group_id, theirs.group_id))
    for answer in await asker.both(scope, f'{{ node(id: "group_{theirs.group_id}") {{ id }} }}'):
        assert json.loads(answer.body) == {"data": {"node": None}}


def test_every_way_to_a_row_is_asked_about() -> None:
    fields = catalog.entities["Query"].fields
    asked = {edge.steps[0] for edge in edges() if edge.owner == "Query"}
    by_id = {name for name, field in fields.items() if isinstance(field, ByIds)} | set(lookups().values())
    # What has arguments of its own: the next tests ask it.
    shared = {"insights", "attribution", "attributedInsights"}
    assert asked | by_id | {"funnel", "funnelCustom"} | shared == set(fields)


SHARED = [
    "attribution(by: CAMPAIGN) { campaign { name } currency revenue { amount } cost { amount } }",
    "attribution(by: CHANNEL, model: TIME_DECAY) { channel revenue { amount } }",
    'attribution(by: STORE, currency: "EUR") { store { name } revenue { amount } unconverted { cost { amount } } }',
    'attributedInsights(by: CAMPAIGN, metrics: ["turnover"], interval: YEAR) { campaign { name } values { value } }',
    'attributedInsights(by: CHANNEL, metrics: ["turnover"], interval: YEAR) { channel values { value } }',
    'insights(project: "ours.s0.p0-slug", metrics: ["turnover"], interval: YEAR, by: EVENT_TYPE) { eventType }',
]


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("question", SHARED)
async def test_what_events_are_worth_is_shared_inside_the_scope(
    asker: Asker, ours: Everything, theirs: Everything, question: str, border: str
) -> None:
    assert await ask(asker, ours, border, f"{{ {question} }}") not in (b'{"data":{"attribution":[]}}', b"")
    foreign = question.replace("ours.s0", "theirs.s0")
    if foreign != question:
        assert await ask(asker, ours, border, f"{{ {foreign} }}") == b'{"data":{"insights":[]}}'


FUNNELS = """
query($s: Date!, $u: Date!) {
  funnel(type: PURCHASE, since: $s, until: $u) { stages { count } }
  funnelCustom(stages: [AWARENESS, PURCHASE], since: $s, until: $u) { stages { count } }
}
"""


async def test_another_groups_customers_are_in_no_funnel(
    asker: Asker, db: Database, ours: Everything
) -> None:
    """A group without touches counts none, whatever the others have."""
    empty = await groups.group(db)
    window = {"s": "0001-01-02", "u": "9999-12-30"}
    for answer in await asker.both(empty.scope, FUNNELS, **window):
        counts = re.findall(rb'"count":\s*(\d+)', answer.body)
        assert counts
        assert set(counts) == {b"0"}
    for answer in await asker.both(ours.scope, FUNNELS, **window):
        assert set(re.findall(rb'"count":\s*(\d+)', answer.body)) != {b"0"}
