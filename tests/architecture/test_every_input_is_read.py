"""Every field of every input reaches its mutation: what a client can say is not lost on the way.

What is declared (`input_for`) is read as it is declared. This is for what is still read by hand: all fields of all
inputs are sent, and those that nothing looked at are named.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_required_input_field,
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
from tests.given.everything import Everything, everything

Send = Callable[[str, dict[str, Any]], Awaitable[Any]]
Valued = Callable[[str, str, str], Any]
"""The value of a field by its input, its own name and the name of its type; None: the type's usual one."""

USUAL: Mapping[str, Any] = {
    "String": "some text",
    "ID": "camp_1",
    "Int": 1,
    "Long": 1,
    "Decimal": "1",
    "Boolean": True,
    "Date": "2025-06-02",
    "DateTime": "2025-06-02T10:00:00Z",
    "JSON": {},
}
SAID: Mapping[str, Any] = {
    "currency": "EUR",
    "project": "shop",
    # Files come in multipart requests and not in variables; a list without any is read like any other.
    "AssetsAddInput.files": [],
    **{
        f"{name}.id": "0"
        for name in ("FlowInput", "FlowActionInput", "FlowConditionInput", "FlowMultiplierInput", "GoalInput")
    },
    "EventTypeCreateInput.reference": "new-type",
    "WebhookDeliveryInput.provider": "sendgrid",
    "WebhookDeliveryInput.body": "[]",
}
"""Where the usual value would be refused before everything is read: by input and field, or by field alone."""
OWN_ID: Mapping[str, str] = {
    "StoreUpdate": "store", "PartnerUpdate": "part", "PartnershipRename": "pship",
    "IntegrationUpdate": "intg", "Outlay": "outlay", "Segment": "seg", "PromoRelease": "redeem", "Promo": "promo",
    "EventType": "evtype", "EventMetric": "event", "Asset": "asset", "ApiKey": "key", "WebhookConnection": "hook",
}  # fmt: skip
"""The prefix of the `id` of inputs, by how their names begin; of others a campaign's, or nobody's."""
POINTS_AT: Mapping[str, str] = {
    "campaignId": "camp", "storeId": "store", "segmentId": "seg", "partnerId": "part", "partnershipId": "pship",
    "customerId": "cust", "customerIds": "cust", "promoId": "promo", "integrationId": "intg", "ids": "event",
    "sourceId": "camp", "parentCampaignId": "camp", "store": "store", "projectId": "proj",
}  # fmt: skip
ROWS: Mapping[str, str] = {
    "camp": "campaign", "store": "store", "seg": "segment", "part": "partner", "pship": "partnership",
    "cust": "customer", "promo": "promo", "intg": "integration", "outlay": "outlay", "redeem": "promo_redemption",
    "evtype": "event_type", "asset": "asset", "key": "api_key", "hook": "webhook_connection",
    "proj": "project",
}  # fmt: skip


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
    def valued(input_name: str, field: str, kind: str) -> Any:
        said = SAID.get(f"{input_name}.{field}", SAID.get(field))
        if kind != "ID" or said is not None:
            return said
        prefix = POINTS_AT[field] if field != "id" else _own_prefix(input_name)
        ident = group.event_ids[0] if prefix == "event" else group.ids[ROWS[prefix]][0]
        return f"{prefix}_{ident}"

    unread = await unread_fields(schema, valued, send)
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


def _own_prefix(input_name: str) -> str:
    return next((prefix for begins, prefix in OWN_ID.items() if input_name.startswith(begins)), "camp")


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
            for value in _values(get_named_type(kind), valued, sent):
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


def _values(kind: GraphQLInputObjectType, valued: Valued, sent: set[str]) -> Iterator[dict[str, Any]]:
    """Values of an input: with all its fields, and, since some exclude each other, with each optional one alone."""
    needed = [name for name, field in kind.fields.items() if is_required_input_field(field)]
    for twins in _Twins:
        yield _value(kind, twins.of(kind), twins, valued, sent)
    for alone in ([], *([name] for name in kind.fields if name not in needed)):
        yield _value(kind, [*needed, *alone], _Twins.NAMES, valued, sent)


class _Twins(Enum):
    """What is said twice, by a name and by a code, is to be said once: which of the two all fields are sent with."""

    NAMES = "names"
    CODES = "codes"

    def of(self, kind: GraphQLInputObjectType) -> list[str]:
        by_code = {name for name in kind.fields if f"{name}Code" in kind.fields}
        left_out = {f"{name}Code" for name in by_code} if self is _Twins.NAMES else by_code
        return [name for name in kind.fields if name not in left_out]


def _value(
    kind: GraphQLInputObjectType, names: Iterable[str], twins: _Twins, valued: Valued, sent: set[str]
) -> dict[str, Any]:
    values = {}
    for name in names:
        sent.add(f"{kind.name}.{name}")
        values[name] = _of(kind.name, name, kind.fields[name].type, twins, valued, sent)
    return values


def _of(owner: str, name: str, kind: Any, twins: _Twins, valued: Valued, sent: set[str]) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _of(owner, name, kind.of_type, twins, valued, sent)
    if isinstance(kind, GraphQLInputObjectType):
        return _value(kind, twins.of(kind), twins, valued, sent)
    if isinstance(kind, GraphQLList):
        said = valued(owner, name, "")
        return said if isinstance(said, list) else [_of(owner, name, kind.of_type, twins, valued, sent)]
    said = valued(owner, name, kind.name)
    if said is not None:
        return said
    return next(iter(kind.values)) if isinstance(kind, GraphQLEnumType) else USUAL[kind.name]


def _selection(kind: Any) -> str:
    return " { __typename }" if hasattr(get_named_type(kind), "fields") else ""
