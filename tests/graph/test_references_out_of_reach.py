"""An id in an input names a row within reach, or the mutation says that it is not there.

Made from the schema: each id of each input is replaced in turn by one that nobody has, by another group's, and, for
somebody who is kept to a store, by another store's. All three are refused alike.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull, get_named_type

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, Operation, answer
from app.graph.schema import schema
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import projects
from tests.given.asking import NOW
from tests.given.every_input import ROWS, valued_in, values_of
from tests.given.everything import Everything, everything

Ask = Callable[[Scope, str, dict[str, Any]], Awaitable[Answer]]
Place = tuple[str | int, ...]

ERRORS = "errors { code message path }"


@pytest.fixture
async def ask(db: Database, tmp_path: Path) -> Ask:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def asked(scope: Scope, query: str, variables: dict[str, Any]) -> Answer:
        principal = Principal("test", scope, frozenset(Role))
        return await answer(Operation(query, variables), Context(services, principal, now=NOW))

    return asked


async def test_an_id_out_of_reach_is_never_taken(db: Database, ask: Ask) -> None:
    ours, theirs = await everything(db, "ours"), await everything(db, "theirs")
    for group in (ours, theirs):
        await projects.tracking(db, group.group_id, slug=f"shop-{group.group_id}")
    taken, tried = [], 0
    for name, kind, selection in mutations():
        document = f"mutation($input: {kind}) {{ {name}(input: $input){selection} }}"
        for value in values_of(get_named_type(kind), valued_in(ours), set()):
            for place, prefix in ids_of(get_named_type(kind), value):
                for ident in (f"{prefix}_999999999", *foreign(prefix, theirs)):
                    tried += 1
                    refused = await ask(ours.scope, document, {"input": replaced(value, place, ident)})
                    if not is_refused(refused):
                        taken.append((name, place, ident, refused.body[:300]))
    assert tried > 200
    assert not taken


async def test_a_store_names_nothing_of_another_store(db: Database, ask: Ask) -> None:
    ours = await everything(db, "these")
    await projects.tracking(db, ours.group_id, slug="shop")
    scope = ours.store_scope
    outside = {
        prefix: ident
        for prefix, table in ROWS.items()
        for row in ours.ids.get(table, ())
        if not await is_seen(ask, scope, ident := f"{prefix}_{row}") and await is_seen(ask, ours.scope, ident)
    }
    assert {"store", "camp", "cust"} <= outside.keys()
    taken = []
    for name, kind, selection in mutations():
        document = f"mutation($input: {kind}) {{ {name}(input: $input){selection} }}"
        for value in values_of(get_named_type(kind), valued_in(ours), set()):
            for place, prefix in ids_of(get_named_type(kind), value):
                if prefix in outside:
                    wrong = replaced(value, place, outside[prefix])
                    refused = await ask(scope, document, {"input": wrong})
                    if not is_refused(refused):
                        taken.append((name, place, outside[prefix], refused.body[:300]))
    assert not taken


def mutations() -> Iterator[tuple[str, Any, str]]:
    """Those that take an input: name, its type, a selection of all that a payload says by itself."""
    root = schema._schema.mutation_type
    assert root is not None
    for name, field in root.fields.items():
        argument = field.args.get("input")
        if argument is not None:
            yield name, argument.type, _shown(field.type)


def ids_of(
    kind: GraphQLInputObjectType, value: dict[str, Any], at: Place = ()
) -> Iterator[tuple[Place, str]]:
    """Where a value of an input holds ids of rows, and their prefixes."""
    for name, given in value.items():
        yield from _ids(kind.fields[name].type, given, (*at, name))


def _ids(kind: Any, given: Any, at: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(kind, GraphQLNonNull):
        yield from _ids(kind.of_type, given, at)
    elif isinstance(given, list):
        inner = kind.of_type if isinstance(kind, GraphQLList) else kind
        for index, one in enumerate(given):
            yield from _ids(inner, one, (*at, index))
    elif isinstance(kind, GraphQLInputObjectType):
        yield from ids_of(kind, given, at)
    elif get_named_type(kind).name == "ID" and "_" in str(given):
        yield at, given.partition("_")[0]


def replaced(value: dict[str, Any], place: Place, ident: str) -> dict[str, Any]:
    """The value with another id at this place."""
    made = deepcopy(value)
    inner: Any = made
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = ident
    return made


def foreign(prefix: str, group: Everything) -> list[str]:
    return [f"{prefix}_{row}" for row in group.ids.get(ROWS.get(prefix, ""), ())[:1]]


def is_refused(given: Answer) -> bool:
    """Whether it says that something was wrong with the input, and is nobody's fault but the client's."""
    said = json.loads(given.body)
    errors = [error["extensions"]["code"] for error in said.get("errors", ())]
    payloads = [payload for payload in (said.get("data") or {}).values() if payload]
    payloads += [outcome for payload in payloads for outcome in payload.get("outcomes", ())]
    errors += [error["code"] for payload in payloads for error in payload.get("errors", ())]
    return bool(errors) and "INTERNAL" not in errors


def _shown(kind: Any) -> str:
    fields = getattr(get_named_type(kind), "fields", {})
    said = " ".join(f"{name} {{ {ERRORS} }}" for name in ("outcomes",) if name in fields)
    return f" {{ {said} {ERRORS} }}" if "errors" in fields else " { __typename }" if fields else ""


async def is_seen(ask: Ask, scope: Scope, ident: str) -> bool:
    given = await ask(scope, "query($id: ID!) { node(id: $id) { id } }", {"id": ident})
    return bool((json.loads(given.body).get("data") or {}).get("node"))
