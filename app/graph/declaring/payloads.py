"""What a mutation made, printed by one statement on its own connection before COMMIT.

A payload field that holds rows is compiled like a query's and comes back as text, which the executor passes on as it
is. So the payload shows exactly what is committed with it, and a payload that cannot be printed undoes the write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec

from app.db.database import Transaction
from app.graph.declaring.resolving import loaders_of
from app.graph.documents.plans import MAX_FIELDS, MAX_PLANS, Plan
from app.graph.strawberry_parts import Finished
from app.plan.binding import Bindings
from app.plan.catalog import Catalog
from app.plan.collect import is_list
from app.plan.compile import Unplannable, compile_made
from app.plan.sql import Statement
from app.values.ids import show_id
from app.values.known import Known

_STATEMENTS: Known[tuple[Plan, str, str], Statement | Literal[False]] = Known(
    MAX_PLANS, weight=MAX_FIELDS, weigh=lambda key, _: key[0].size
)
"""What prints a payload's field: by the mutation's plan and the response keys. False: the planner cannot."""


@dataclass(frozen=True, slots=True)
class Printed(Finished):
    """A payload field's JSON text, by response key (a field may be asked for under several aliases)."""

    texts: dict[str, msgspec.Raw]

    def under(self, key: str) -> msgspec.Raw:
        """The text under this key."""
        return self.texts[key]


async def shown(info: Any, tx: Transaction, type_name: str, ident: int | UUID) -> Any:
    """The row this mutation wrote, as a value for its payload."""
    info.context.changed = ident
    if info.context.whole is not None:
        info.context.wrote.append(show_id(loaders_of(info).catalog.entities[type_name].prefix, ident))
    printed = await _print(info, tx, type_name, ident)
    return printed or (await _loaded(info, tx, type_name, [ident]))[0]


async def shown_all(info: Any, tx: Transaction, type_name: str, idents: Sequence[int]) -> Any:
    """The rows this mutation wrote, in this order."""
    return await _print(info, tx, type_name, list(idents)) or await _loaded(info, tx, type_name, idents)


async def _loaded(info: Any, tx: Transaction, type_name: str, idents: Sequence[int | UUID]) -> Sequence[Any]:
    return await loaders_of(info).written(tx, type_name, idents)


async def _print(info: Any, tx: Transaction, type_name: str, made: int | UUID | list[int]) -> Printed | None:
    context = info.context
    if not context.services.settings.planner:
        return None
    plan: Plan = context.plan
    bindings: Bindings = context.bindings
    root = next(one for one in plan.tree.roots if one.key == info.path.key)
    texts: dict[str, msgspec.Raw] = {}
    for selected in root.inside:
        if selected.target != type_name or is_list(selected.definition) != isinstance(made, list):
            continue
        statement = _statement(
            plan, loaders_of(info).catalog, root.key, selected, bindings, many=isinstance(made, list)
        )
        if statement is None:
            return None
        values = statement.values(bindings._replace(facts=bindings.facts._replace(written=made)))
        texts[selected.key] = msgspec.Raw((await tx.fetchval(statement.text, *values)).encode())
    return Printed(texts)


def _statement(
    plan: Plan, catalog: Catalog, root_key: str, selected: Any, bindings: Bindings, *, many: bool
) -> Statement | None:
    key = plan, root_key, selected.key
    statement = _STATEMENTS.get(key)
    if statement is None:
        try:
            statement = compile_made(catalog, selected, bindings.scope.shape, many=many)
        except Unplannable:
            statement = False
        _STATEMENTS.keep(key, statement)
    return statement or None
