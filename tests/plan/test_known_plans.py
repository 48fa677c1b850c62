"""A plan is made once, until others make it go; no document pushes out those of the others."""

from itertools import product
from typing import Any

from graphql import get_variable_values
from graphql.execution.values import VariableValues

from app.graph.documents.parsing import Documents
from app.graph.documents.plans import MAX_PER_DOCUMENT, MAX_PLANS, Plan, Plans
from app.graph.schema import catalog
from app.values.scope import ScopeShape
from tests.plan.planning import GRAPH

MANY = """
query($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!, $f: Boolean!) {
  stores { nodes { id name @include(if: $a) a: name @include(if: $b) b: name @include(if: $c) c: name @include(if: $d)
    d: name @include(if: $e) e: name @include(if: $f) } } }
"""
STRUCTURES = [dict(zip("abcdef", values, strict=True)) for values in product([True, False], repeat=6)]
SECRET = "s3cr3t-of-a-provider"


class Asking:
    """Asks for plans."""

    def __init__(self) -> None:
        self.documents = Documents(GRAPH, suggestions=False)
        self.plans = Plans(GRAPH, catalog)

    def plan(self, query: str, variables: dict[str, Any] | None = None, *, plannable: bool = True) -> Plan:
        """The plan of a document's only operation."""
        document = self.documents.get(query)
        definition = document.definition(None)
        values = get_variable_values(GRAPH, definition.node.variable_definitions or (), variables or {})
        assert isinstance(values, VariableValues), values
        return self.plans.get(document, definition, values, ScopeShape.GROUP, plannable=plannable)


def test_a_document_in_many_structures_leaves_the_others_theirs() -> None:
    asking = Asking()
    other = asking.plan("{ stores { nodes { id } } }")
    made = [asking.plan(MANY, structure) for structure in STRUCTURES]
    assert len(set(map(id, made))) == len(STRUCTURES) > MAX_PER_DOCUMENT
    kept = slice(-MAX_PER_DOCUMENT, None)
    assert [asking.plan(MANY, structure) for structure in STRUCTURES[kept]] == made[kept]
    assert asking.plan("{ stores { nodes { id } } }") is other
    assert asking.plan(MANY, STRUCTURES[0]) is not made[0]


def test_of_many_documents_those_asked_for_last_keep_their_plans() -> None:
    asking = Asking()
    queries = [f"query Q{n} {{ stores {{ nodes {{ id }} }} }}" for n in range(MAX_PLANS + 5)]
    made = [asking.plan(query) for query in queries[:MAX_PLANS]]
    assert asking.plan(queries[0]) is made[0]
    for query in queries[MAX_PLANS:]:
        asking.plan(query)
    assert asking.plan(queries[0]) is made[0]
    assert asking.plan(queries[-1]) is asking.plan(queries[-1])
    assert asking.plan(queries[1]) is not made[1]


def test_nothing_of_what_a_mutation_was_sent_with_is_kept() -> None:
    query = "mutation($input: StoreUpdateInput!) { storeUpdate(input: $input) { errors { code } } }"
    plan = Asking().plan(query, {"input": {"id": "store_1", "name": SECRET}}, plannable=False)
    assert plan.statement is None
    assert SECRET not in repr(plan)
