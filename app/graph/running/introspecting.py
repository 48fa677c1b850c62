"""Questions about the schema, which does not change while we run: answered once, and in a thread beside the others."""

import asyncio

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode, execute_sync, print_ast

from app.graph.running.answers import Answer, answer_of, shown_error
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context
from app.graph.schema import graph
from app.values.known import Known

MAX_INTROSPECTIONS = 50
MAX_INTROSPECTION_BYTES = 32_000_000
"""For all kept answers about the schema together. A full one has some 670,000."""
_INTROSPECTIONS: Known[tuple[str, str], Answer] = Known(
    MAX_INTROSPECTIONS,
    weight=MAX_INTROSPECTION_BYTES,
    weigh=lambda key, given: sum(map(len, key)) + len(given.body),
)
"""Answers about the schema, which does not change while we run, by document and variables."""


def asks_for_schema_alone(checked: CheckedOperation) -> bool:
    """Whether all that it asks for is the schema."""
    return all(root.name.startswith("__") for root in checked.plan.tree.roots)


async def introspect(checked: CheckedOperation, context: Context) -> Answer:
    """The answer to an operation that asks for the schema alone."""
    # Whatever the operation is called, and however it is laid out.
    node, others = checked.definition.node, checked.document.ast.definitions
    asked = {one: getattr(node, one) for one in node.keys if one != "name"}
    fragments = [one for one in others if isinstance(one, FragmentDefinitionNode)]
    text = print_ast(DocumentNode(definitions=(OperationDefinitionNode(**asked), *fragments)))
    key = text, repr(sorted(checked.operation.variables.items()))
    given = _INTROSPECTIONS.get(key)
    if given is None:
        async with context.services.turns.turn(context.scope.group_id):
            given = await asyncio.to_thread(_introspect_aside, checked)
        if not given.errors:
            _INTROSPECTIONS.keep(key, given)
    return given


def _introspect_aside(checked: CheckedOperation) -> Answer:
    """Nothing but the schema is read, and nobody changes that."""
    operation = checked.operation
    result = execute_sync(
        graph, checked.document.ast, variable_values=operation.variables, operation_name=operation.name
    )
    errors = [shown_error(error, "BAD_USER_INPUT") for error in result.errors or ()]
    return answer_of(result.data, errors, execution="resolved")
