"""Showing what runs: an operation's plan, the answer to `extensions: {"plan": true}`, and the schema's coverage."""

import re
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from app.errors import Forbidden, Invalid
from app.graph.running.checking import CheckedOperation, Rejected, check
from app.graph.running.context import Context
from app.graph.running.operations import Operation
from app.graph.schema import catalog, graph
from app.plan.binding import Bindings
from app.plan.sql import Statement

_TABLE = re.compile(r"\b(?:FROM|JOIN) ([a-z_]+) ")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would run."""

    execution: str
    """`planned` or `resolved`."""
    sql: str
    """The statement; empty where the operation runs on the resolvers."""
    reason: str
    """Why it is not planned."""
    cost: int
    """Values the answer may hold."""
    tables: list[str]
    """Tables the statement reads."""
    statement: Statement | None = None
    bindings: Bindings | None = None

    def shown(self) -> dict[str, Any]:
        """As GraphQL's `extensions.plan` shows it."""
        told = {"execution": self.execution, "cost": self.cost}
        if self.sql:
            return {**told, "sql": self.sql, "tables": self.tables}
        return {**told, "reason": self.reason}


def explain(operation: Operation, context: Context) -> Explanation:
    """What answering would do, without doing it. Raises a Failure for what would be refused."""
    try:
        checked = check(operation, context)
    except Rejected as rejected:
        raise Invalid(rejected.errors[0].message, code=rejected.code) from None
    if forbidden := checked.forbidden(context.principal):
        raise Forbidden(forbidden[0]["message"])
    if checked.faults:
        raise Invalid(checked.faults[0]["message"])
    return explanation_of(checked, context)


def explanation_of(checked: CheckedOperation, context: Context) -> Explanation:
    """The plan of a checked operation."""
    statement = checked.plan.statement
    if statement is None or not context.services.settings.planner:
        reason = checked.plan.reason or "the planner is switched off (PLANNER=0)"
        return Explanation("resolved", "", reason, checked.cost, [])
    tables = sorted(set(_TABLE.findall(statement.text)))
    return Explanation("planned", statement.text, "", checked.cost, tables, statement, checked.bound(context))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the schema is planned."""

    planned: list[str]
    unplanned: dict[str, str]
    """`Type.field` → why it is not."""


def coverage() -> Coverage:
    """Every field of every object type, planned or not. Pages (connections, edges) are compiled with their list."""
    planned: list[str] = []
    unplanned: dict[str, str] = {}
    for name, kind in sorted(graph.type_map.items()):
        if name.startswith("__") or not isinstance(kind, GraphQLObjectType):
            continue
        for field, definition in kind.fields.items():
            reason = catalog.unplanned.get(f"{name}.{field}")
            target = catalog.entities.get(get_named_type(definition.type).name)
            if reason is None or (name.endswith("Payload") and target is not None and target.table):
                planned.append(f"{name}.{field}")
            else:
                unplanned[f"{name}.{field}"] = _WRITING.get(name, reason)
    return Coverage(planned, unplanned)


_WRITING = {"Mutation": "it writes; the rows of its payload are printed by one statement before COMMIT"}
