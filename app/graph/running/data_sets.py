"""A query of one connection as a whole data set: page after page, each a planned statement of the same snapshot.

The operation is written anew, with the size of the page and its cursor as variables. So it is checked, planned, priced
and bounded like any other query, once for each page.
"""

import logging
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationType,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from app.db.deadlines import Deadline
from app.db.snapshots import Snapshot
from app.errors import OUR_FAULT, AnswerTooLarge, Failure, Invalid, Unavailable
from app.graph.documents.plans import fault_messages
from app.graph.running.answers import Answer, forbidden, refused, refused_with
from app.graph.running.checking import CheckedOperation, Rejected, Selection, select
from app.graph.running.context import Context
from app.graph.running.entry import check_aside_or_refuse
from app.graph.running.operations import Operation
from app.graph.running.spending import BUDGET_EXCEEDED
from app.plan.catalog import Many
from app.plan.checking import MAX_FIRST
from app.plan.collect import Selected

PAGE_COST, PAGE_WORK = 20_000, 5_000
"""About how many values and rows of work a page has: a light operation's."""
FORWARD_ONLY = ("last", "before", "offset")

log = logging.getLogger("gateway.graph")


class Refused(Exception):
    """Nothing was sent: this is the answer instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class DataSet:
    """What a query's lines are, and how to ask for a page of them."""

    query: str
    variables: dict[str, Any]
    name: str | None
    root: str
    nodes: str
    page: str
    """The response keys of the connection, its rows and its page info."""
    size_as: str
    after_as: str
    """The variables that say which page."""
    limit: int | None
    """How many rows there are at most: the query's own `first`."""
    after: str | None
    """The cursor to begin behind: the query's own `after`."""
    row: Selected
    """What a row holds."""

    def operation(self, size: int, after: str | None) -> Operation:
        """The operation of one page."""
        return Operation(self.query, {**self.variables, self.size_as: size, self.after_as: after}, self.name)


async def data_set_of(operation: Operation, context: Context) -> DataSet:
    """Read a query as a data set. Refused with GraphQL errors where it is none."""
    try:
        selection = await select(operation, context)
        root, nodes = _connection_of(selection)
        values = root.values if root.slot is None else selection.args[root.slot]
        for name in FORWARD_ONLY:
            if values.get(name) is not None:
                raise Invalid(
                    f"A data set goes forward from its beginning or from `after`: leave out `{name}`."
                )
    except (Rejected, Failure) as problem:
        raise Refused(refused(problem)) from None
    faults = [
        fault
        for fault in selection.plan.faults(selection.args)
        # As many rows as one likes, since they come in pages.
        if not (fault.selected is root and fault.argument == "first" and values["first"] > MAX_FIRST)
    ]
    if faults:
        raise Refused(refused_with(fault_messages(faults)))
    return _written(operation, selection, root, nodes, values)


async def pages(
    data: DataSet, context: Context, snapshot: Snapshot, *, pause: "Pause"
) -> AsyncGenerator[list[msgspec.Raw]]:
    """The rows of each page, as the JSON they are. Refused where not even the first one can be had."""
    size, after, left = await _page_size(data, context), data.after, data.limit
    is_first = True
    while left is None or left > 0 or is_first:
        asked = await _checked(data.operation(size if left is None else min(size, left), after), context)
        if lacking := asked.forbidden(context.principal):
            raise Refused(forbidden(lacking))
        await _pay(asked, context, None if is_first else pause)
        try:
            rows, more, after = await _read(asked, data, context, snapshot)
        except AnswerTooLarge:
            if size == 1:
                raise
            size = max(1, size // 4)
            continue
        yield rows
        is_first = False
        left = None if left is None else left - len(rows)
        if not more or after is None:
            return


class Pause:
    """How one waits for a budget that is spent."""

    async def wait(self, for_s: int, problem: Unavailable) -> None:
        """Come back after so many seconds, or raise."""
        raise NotImplementedError


def _connection_of(selection: Selection) -> tuple[Selected, Selected]:
    """The one connection that is asked for, and its rows."""
    if selection.definition.kind is not OperationType.QUERY:
        raise Invalid("A data set is read: send a query.")
    roots = selection.plan.tree.roots
    if len(roots) != 1 or not (isinstance(roots[0].field, Many) and roots[0].field.connection):
        raise Invalid(
            "A data set is one list: ask for exactly one root field, a connection, as in"
            " `{ customers { nodes { id name } } }`."
        )
    parts = roots[0].inside
    if len(parts) != 1 or parts[0].name != "nodes":
        raise Invalid(
            f"Each line of a data set is one of `nodes`: ask for nothing else inside of `{roots[0].name}`."
        )
    return roots[0], parts[0]


def _written(
    operation: Operation, selection: Selection, root: Selected, nodes: Selected, values: dict[str, Any]
) -> DataSet:
    """The operation written anew: the same field with a page of its own."""
    node = selection.definition.node
    declared = {one.variable.name.value: one for one in node.variable_definitions or ()}
    size_as, after_as = _free("pageSize", declared), _free("pageAfter", declared)
    page = _free("pageInfo", [nodes.key])
    arguments = [one for one in root.nodes[0].arguments or () if one.name.value not in ("first", "after")]
    sets = [one.selection_set for one in root.nodes if one.selection_set is not None]
    fragments = {
        one.name.value: one
        for one in selection.document.ast.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    used = _Used([*arguments, *sets], fragments)
    given = ", ".join([*map(print_ast, arguments), f"first: ${size_as}", f"after: ${after_as}"])
    field = f"{root.key}: {root.name}({given})"
    variables = [print_ast(one) for name, one in declared.items() if name in used.variables]
    variables += [f"${size_as}: Int", f"${after_as}: String"]
    parts = [f"{field} {print_ast(one)}" for one in sets]
    parts.append(f"{field} {{ {page}: pageInfo {{ hasNextPage endCursor }} }}")
    text = f"query {node.name.value if node.name else ''}({', '.join(variables)}) {{ {' '.join(parts)} }}"
    text = "\n".join([text, *(print_ast(fragments[name]) for name in used.fragments)])
    return DataSet(
        text,
        {name: value for name, value in operation.variables.items() if name in used.variables},
        node.name.value if node.name else None,
        root.key,
        nodes.key,
        page,
        size_as,
        after_as,
        values.get("first"),
        values.get("after"),
        nodes,
    )


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "_"
    return name


class _Used(Visitor):
    """The variables and fragments that some nodes use, also inside of those fragments."""

    def __init__(self, nodes: Sequence[Node], fragments: dict[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: dict[str, None] = {}
        """In the order in which they were met."""
        pending = list(nodes)
        while pending:
            known = len(self.fragments)
            visit(pending.pop(), self)
            pending += [fragments[name] for name in [*self.fragments][known:]]

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.fragments[node.name.value] = None


async def _page_size(data: DataSet, context: Context) -> int:
    """How many rows make a light page."""
    one = await _checked(data.operation(1, None), context)
    two = await _checked(data.operation(2, None), context)
    cost, work = max(1, two.cost - one.cost), max(1, two.work - one.work)
    return max(1, min(MAX_FIRST, PAGE_COST // cost, PAGE_WORK // work))


async def _checked(operation: Operation, context: Context) -> CheckedOperation:
    asked = await check_aside_or_refuse(operation, context)
    if isinstance(asked, Answer):
        raise Refused(asked)
    if asked.faults:
        raise Refused(refused_with(list(asked.faults)))
    if asked.plan.statement is None:
        raise Refused(refused(Invalid(f"This query cannot be answered as a data set: {asked.plan.reason}.")))
    return asked


async def _pay(asked: CheckedOperation, context: Context, pause: Pause | None) -> None:
    """Spend what a page costs. Where the budget is spent the first page is refused, and later ones wait."""
    while True:
        try:
            context.left = context.services.spending.charge(context.principal, asked.cost + asked.work)
            return
        except Unavailable as problem:
            if pause is None or problem.reason != BUDGET_EXCEEDED:
                raise Refused(refused(problem)) from None
            await pause.wait(problem.retry_after_s, problem)


async def _read(
    asked: CheckedOperation, data: DataSet, context: Context, snapshot: Snapshot
) -> tuple[list[msgspec.Raw], bool, str | None]:
    """A page's rows, whether there are more, and the last one's cursor."""
    statement, group, turns = asked.plan.statement, context.scope.group_id, context.services.turns
    assert statement is not None
    is_heavy = turns.saw(group) or asked.is_dear or asked.plan.was_slow
    with Deadline(context.services.settings.request_timeout_ms / 1000):
        async with turns.turn(group, is_planned=True) if is_heavy else nullcontext():
            started = time.perf_counter()
            try:
                body = await snapshot.read(statement.text, statement.values(asked.bound(context)))
            except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.error(
                    "a page of a data set failed",
                    extra={"request_id": context.request_id, "error": str(error)},
                )
                raise Unavailable(f"{OUR_FAULT}. Please try again.") from error
            took_ms = (time.perf_counter() - started) * 1000
    asked.plan.saw(took_ms)
    turns.took(group, took_ms)
    if body == b"":
        raise AnswerTooLarge
    if body is None:
        log.error("a page of a data set gave nothing", extra={"request_id": context.request_id})
        raise Unavailable(f"{OUR_FAULT}. Please try again.")
    shown = _ANSWER.decode(body)["data"][data.root]
    if shown is None:
        return [], False, None
    page = _PAGE.decode(shown[data.page])
    return _ROWS.decode(shown[data.nodes]), page.hasNextPage, page.endCursor


class _Page(msgspec.Struct):
    hasNextPage: bool
    endCursor: str | None


_ANSWER = msgspec.json.Decoder(dict[str, dict[str, dict[str, msgspec.Raw] | None]])
_PAGE = msgspec.json.Decoder(_Page)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])

__all__ = ["DataSet", "Pause", "Refused", "data_set_of", "pages"]
