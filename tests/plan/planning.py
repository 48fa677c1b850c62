"""Plans made by hand: from any catalog, with nothing remembered, to look at or to run."""

from typing import Any

from graphql import get_variable_values
from graphql.execution.values import VariableValues

from app.graph.documents.parsing import Documents
from app.graph.documents.plans import Plan, Plans
from app.graph.schema import catalog, graph
from app.plan.binding import NO_FACTS, Bindings, RequestFacts
from app.plan.catalog import Catalog
from app.plan.sql import Statement
from app.values.scope import Scope, ScopeShape
from tests.given.asking import NOW

GRAPH = graph
_DOCUMENTS = Documents(GRAPH, suggestions=True)


def plan(
    query: str, variables: dict[str, Any] | None = None, *, shape: str = "", of: Catalog = catalog
) -> tuple[Plan, VariableValues]:
    """The plan of a document's only operation, and its coerced variables."""
    document = _DOCUMENTS.get(query)
    definition = document.definition(None)
    values = get_variable_values(GRAPH, definition.node.variable_definitions or (), variables or {})
    assert isinstance(values, VariableValues), values
    return Plans(GRAPH, of).get(document, definition, values, ScopeShape(shape), plannable=True), values


def statement(
    query: str,
    variables: dict[str, Any] | None = None,
    *,
    scope: Scope,
    of: Catalog = catalog,
    facts: RequestFacts = NO_FACTS,
) -> tuple[Statement, list[object]]:
    """The statement and what it is bound to."""
    made, values = plan(query, variables, shape=scope.shape, of=of)
    assert made.statement is not None, made.reason
    bindings = Bindings(scope, NOW, made.tree.arguments(values), facts)
    return made.statement, made.statement.values(bindings)
