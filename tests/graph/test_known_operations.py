"""What is remembered of operations keeps no plan in memory: only `documents/plans.py` does, which is bounded."""

import gc

from graphql import get_variable_values
from graphql.execution.values import VariableValues

from app.graph.documents.parsing import Documents
from app.graph.documents.plans import Plans
from app.graph.running.checking import CheckedOperation
from app.graph.running.entry import Answer
from app.graph.running.known_operations import KnownOperations
from app.graph.running.operations import Operation
from app.graph.schema import catalog, graph
from app.values.scope import Scope, ScopeShape

QUERY = "{ viewer { name } }"
BODY = b'{"query":"{ viewer { name } }"}'


def checked_with(plans: Plans) -> CheckedOperation:
    """The operation as it was checked, its plan known to `plans`."""
    document = Documents(graph, suggestions=False).get(QUERY)
    definition = document.definition(None)
    variables = get_variable_values(graph, (), {})
    assert isinstance(variables, VariableValues)
    plan = plans.get(document, definition, variables, ScopeShape(""), plannable=True)
    return CheckedOperation(Operation(QUERY), ScopeShape(""), document, definition, plan, [], 1, (), ())


def test_an_operation_is_known_as_long_as_its_plan_is() -> None:
    plans, known = Plans(graph, catalog), KnownOperations()
    for _ in range(2):
        known.keep(BODY, checked_with(plans), Answer(b"{}"))
    found = known.get(BODY, Scope(1))
    assert found is not None
    assert (found.operation.query, found.cost, found.document.text) == (QUERY, 1, QUERY)
    assert found.plan is checked_with(plans).plan
    del found
    plans = Plans(graph, catalog)  # the former ones are forgotten
    gc.collect()
    assert known.get(BODY, Scope(1)) is None
