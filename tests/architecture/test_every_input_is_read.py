"""Every field of every input reaches its mutation: what a client can say is not lost on the way.

What is declared (`input_for`) is read as it is declared. This is for what is still read by hand: all fields of all
inputs are sent, and those that nothing looked at are named.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    get_named_type,
)
from strawberry.types.base import StrawberryObjectDefinition

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.graph.schema import schema
from app.settings import read_settings
from tests.given import projects
from tests.given.asking import NOW
from tests.given.every_input import Valued, valued_in, values_of
from tests.given.everything import Everything, everything

Send = Callable[[str, dict[str, Any]], Awaitable[Any]]


@pytest.fixture
async def group(db: Database) -> Everything:
    made = await everything(db, "ours")
    await projects.tracking(db, made.group_id, slug="shop")
    return made


@pytest.fixture
async def send(db: Database, group: Everything, tmp_path: Path) -> AsyncIterator[Send]:
    """Run a mutation as somebody who may do everything in the group."""
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))
    principal = Principal("test", group.scope, frozenset(Role))

    async def run(query: str, variables: dict[str, Any]) -> Any:
        return (await answer(Operation(query, variables), Context(services, principal, now=NOW))).body

    yield run
    await services.close()


async def test_every_field_of_every_input_is_read(group: Everything, send: Send) -> None:
    unread = await unread_fields(schema, valued_in(group), send)
    assert not unread, f"sent, and nothing read them: {sorted(unread)}"


async def test_a_field_that_nothing_reads_is_found() -> None:
    @strawberry.input
    class ColourInput:
        red: int
        green: int = 0

    @strawberry.input
    class NoteInput:
        text: str
        about: str | None = strawberry.UNSET
        colours: list[ColourInput] | None = None

    def note(input: NoteInput) -> str:
        return f"{input.text} {[colour.red for colour in input.colours or ()]}"

    mutation = strawberry.type(type("Mutation", (), {"note": strawberry.mutation(note)}))
    query = strawberry.type(
        type("Query", (), {"none": strawberry.field(resolver=lambda: 0, graphql_type=int)})
    )
    small = strawberry.Schema(query=query, mutation=mutation)

    async def run(document: str, variables: dict[str, Any]) -> Any:
        return await small.execute(document, variable_values=variables)

    found = await unread_fields(small, lambda *_: None, run)
    assert found == {"NoteInput.about", "ColourInput.green"}


async def unread_fields(schema: strawberry.Schema, valued: Valued, send: Send) -> set[str]:
    """The fields of inputs, as `Input.field`, that no mutation read, whichever of them were sent."""
    sent: set[str] = set()
    mutations = schema._schema.mutation_type
    assert mutations is not None
    taken = {
        name: (argument.type, _selection(field.type))
        for name, field in mutations.fields.items()
        if (argument := field.args.get("input")) is not None
    }
    inputs = {one.name: one for kind, _ in taken.values() for one in _inputs(kind)}
    with _recorded(inputs.values()) as reads:
        for name, (kind, selection) in taken.items():
            document = f"mutation($input: {kind}) {{ {name}(input: $input){selection} }}"
            for value in values_of(get_named_type(kind), valued, sent):
                await send(document, {"input": value})
    every = {f"{name}.{field}" for name, one in inputs.items() for field in one.fields}
    assert sent == every, f"never sent: {sorted(every - sent)}"
    return every - reads


@contextmanager
def _recorded(inputs: Any) -> Iterator[set[str]]:
    """The fields, as `Input.field`, that are read of Strawberry's instances of these inputs meanwhile."""
    reads: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        for one in inputs:
            definition: StrawberryObjectDefinition = one.extensions["strawberry-definition"]
            names = {
                field.python_name: f"{one.name}.{shown}"
                for field, shown in zip(definition.fields, one.fields, strict=True)
            }

            def read(self: object, name: str, names: dict[str, str] = names) -> Any:
                if name in names:
                    reads.add(names[name])
                return object.__getattribute__(self, name)

            patch.setattr(definition.origin, "__getattribute__", read)
        yield reads


def _inputs(kind: GraphQLInputType) -> Iterator[GraphQLInputObjectType]:
    """An input and those in it."""
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        yield named
        for field in named.fields.values():
            yield from _inputs(field.type)


def _selection(kind: Any) -> str:
    return " { __typename }" if hasattr(get_named_type(kind), "fields") else ""
