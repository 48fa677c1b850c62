"""The first lock: every table reference of every statement names the group, in its own query level."""

import random
import re
from uuid import UUID

import pytest
from graphql import get_named_type, is_non_null_type

from app.graph.documents.parsing import Rejected
from app.graph.schema import catalog
from app.plan.catalog import Embed, ToOne, Way
from app.plan.sql import Statement
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.given.questions import FURTHER, GRAPH, Edge, edges
from tests.plan.operations import PREFIXES, Generator
from tests.plan.planning import plan
from tests.plan.scope_of_sql import TABLES, group_parameters, levels, tokens, unscoped

SHAPES = ["", "s", "p", "sp"]
OPERATIONS = 500
_PREDICATE = re.compile(
    r"\b(t\d+(?:_up)*|[cms])\.(?:group_id|id) = (?:ANY \(\$\d+::bigint\[\]\)|\$\d+::bigint)"
)


def forgotten(statement: Statement) -> list[str]:
    """Table references without their scope."""
    group, groups = group_parameters(statement.params)
    return unscoped(statement.text, group=group, groups=groups)


def imagined(group_id: int) -> Everything:
    """A group that only has ids: compiling needs no rows."""
    ids = [*range(group_id * 100, group_id * 100 + 3)]
    return Everything(group_id, ids, ids, ids, [UUID(int=1)], dict.fromkeys(PREFIXES, ids))


def of_edges(shape: str) -> dict[str, Statement]:
    """The statement of every edge of the graph."""
    made = {edge.name: plan(edge.question(), shape=shape)[0].statement for edge in edges()}
    return {name: statement for name, statement in made.items() if statement is not None}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_edge_names_the_group_wherever_it_reads(shape: str) -> None:
    made = of_edges(shape)
    assert len(made) == len(edges())
    for name, question in FURTHER.items():
        further = plan(question, shape=shape)[0].statement
        assert further is not None
        made[name] = further
    assert {name: found for name, statement in made.items() if (found := forgotten(statement))} == {}
    read = {token for statement in made.values() for token in tokens(statement.text)} & TABLES
    # What a scope with projects reads no sums by store from.
    rollups = {"metric_rollup", "metric_fact_rollup"} if "p" in shape else set()
    assert {e.table for e in catalog.entities.values() if e.table} - read == rollups


FUNNELS = """
{ funnel(type: PURCHASE, since: "2025-01-01", until: "2025-02-01") { stages { count } }
  funnelCustom(stages: [AWARENESS, PURCHASE], since: "2025-01-01", until: "2025-02-01", by: SEGMENT) {
    stages { count } } }
"""


@pytest.mark.parametrize("shape", SHAPES)
def test_funnels_name_the_group_wherever_they_read(shape: str) -> None:
    statement = plan(FUNNELS, shape=shape)[0].statement
    assert statement is not None
    assert forgotten(statement) == []
    assert {"funnel_day", "funnel_touch", "segment_member"} <= set(tokens(statement.text))


@pytest.mark.slow
def test_generated_operations_name_the_group_wherever_they_read() -> None:
    planned = 0
    for seed in range(OPERATIONS):
        source = Generator(
            GRAPH, imagined(1), imagined(2), random.Random(seed), frozenset(catalog.unplanned), {}
        )
        generated = source.operation()
        try:
            made, _ = plan(generated.query, generated.variables, shape=SHAPES[seed % 4])
        except Rejected:
            continue  # fields of one key whose types conflict
        assert made.statement is not None, (seed, made.reason)
        assert forgotten(made.statement) == [], (seed, generated.query, made.statement.text)
        planned += 1
    assert planned > OPERATIONS * 0.9


@pytest.mark.slow
async def test_dataloaders_name_the_group_wherever_they_read(asker: Asker, ours: Everything) -> None:
    for scope in (ours.scope, ours.store_scope, ours.project_scope):
        for edge in edges():
            for text in await asker.statements(scope, edge.question()):
                parameters = [token for token in tokens(text) if token.startswith("$")]
                assert unscoped(text, group=parameters, groups=parameters) == [], (edge.name, text)


@pytest.mark.parametrize("edge", edges(), ids=lambda e: e.name)
def test_a_removed_predicate_is_noticed(edge: Edge) -> None:
    for shape in ("", "sp"):
        made = plan(edge.question(), shape=shape)[0].statement
        assert made is not None
        for found in scope_predicates(made):
            for instead in (
                "true",
                "($1::bigint IS NOT NULL)",
                f"({found.group()} OR true)",
                f"NOT {found.group()}",
            ):
                broken = made.text.replace(found.group(), instead)
                assert forgotten(Statement(broken, made.params)), (edge.name, found.group(), instead)


def scope_predicates(statement: Statement) -> list[re.Match[str]]:
    """Where the text says which group."""
    group, groups = group_parameters(statement.params)
    return [
        found
        for found in _PREDICATE.finditer(statement.text)
        if any(f"{n}::" in found.group() for n in (*group, *groups))
    ]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("SELECT t1.x FROM campaign t1 WHERE t1.group_id = $1::bigint", []),
        ("SELECT t1.x FROM campaign t1", ["campaign t1"]),
        ("SELECT t1.x FROM campaign t1 WHERE t1.group_id = $2::bigint", ["campaign t1"]),
        ("SELECT t1.x FROM campaign t1 WHERE t2.group_id = $1::bigint", ["campaign t1"]),
        ("SELECT t1.x FROM campaign t1 WHERE t1.group_id = $1::bigint OR true", ["campaign t1"]),
        ("SELECT t1.x FROM campaign t1 WHERE true OR t1.group_id = $1::bigint", ["campaign t1"]),
        ("SELECT t1.x FROM campaign t1 WHERE (t1.group_id = $1::bigint OR true)", ["campaign t1"]),
        ("SELECT t1.x FROM campaign t1 WHERE t1.group_id = $1::bigint + 1", ["campaign t1"]),
        ("SELECT 't1.group_id = $1' FROM campaign t1 WHERE t1.x = 'AND t1.group_id = $1'", ["campaign t1"]),
        (
            "SELECT (SELECT 1 FROM flow t2 WHERE t2.id = t1.id) FROM campaign t1 WHERE t1.group_id = $1",
            ["flow t2"],
        ),
        ("SELECT 1 FROM campaign t1 LEFT JOIN store t2 ON t2.id = t1.x WHERE t1.group_id = $1", ["store t2"]),
        (
            "SELECT 1 FROM store t1 LEFT JOIN flow t2 ON t2.group_id = $1 AND t2.id = t1.x WHERE t1.group_id = $1",
            [],
        ),
        ("SELECT 1 FROM customer_group t1 WHERE t1.id = $1::bigint", []),
        ("SELECT 1 FROM customer_group t1 WHERE t1.id = ANY ($3::bigint[])", []),
        ("SELECT 1 FROM campaign t1 WHERE t1.group_id = ANY ($3::bigint[])", ["campaign t1"]),
    ],
)
def test_the_reader_of_statements_knows_what_counts(text: str, missing: list[str]) -> None:
    assert unscoped(text, group=["$1"], groups=["$3"]) == missing


def test_the_reader_of_statements_sees_parentheses_in_literals_for_what_they_are() -> None:
    assert levels("SELECT '(' || f(x) || ')'").items[1] == "'('"


def _narrows_alike(edge_key: str, owner: Way, target: Way) -> bool:
    """Whether whoever sees the owner is sure to see the target by this key."""
    if target.how == "visible" or owner.how == "hidden":
        return True
    if owner.how == "via" and owner.column == edge_key:
        return True
    return owner.how == "own" and owner.column == edge_key and target.how == "own" and target.column == "id"


def test_no_edge_that_is_never_null_leaves_the_scope() -> None:
    """A NULL where none is declared drops the whole row from a plan's list."""
    wrong = []
    for kind, entity in catalog.entities.items():
        for name, one in entity.fields.items():
            if not isinstance(one, ToOne) or not never_null(kind, name):
                continue
            target = catalog.entities[target_of(kind, name)]
            if not (
                _narrows_alike(one.own_key, entity.store, target.store)
                and _narrows_alike(one.own_key, entity.project, target.project)
            ):
                wrong.append(f"{kind}.{name}")
    assert wrong == []


def never_null(kind: str, name: str) -> bool:
    """Whether the schema promises a value."""
    return is_non_null_type(GRAPH.type_map[kind].fields[name].type)  # type: ignore[attr-defined]  # it has fields


def target_of(kind: str, name: str) -> str:
    """The type a field holds."""
    return str(get_named_type(GRAPH.type_map[kind].fields[name].type))  # type: ignore[attr-defined]  # it has fields


def test_embedded_objects_hold_no_edge_that_is_never_null() -> None:
    embedded = {
        p.target for e in catalog.entities.values() for p in e.fields.values() if isinstance(p, Embed)
    }
    for kind in embedded:
        for name, one in catalog.entities[kind].fields.items():
            if isinstance(one, ToOne):
                assert not never_null(kind, name), f"{kind}.{name}"
