"""Every mutation answers the same, to the byte, whether it is called directly or the executor runs it.

Two clones of one database are told the same, with generated values and selections: one with the planner, whose payloads
are printed and whose mutations are called; the other with the executor and its resolvers.
"""

import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_non_null_type

from app.auth.principal import Principal, Role
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, Operation, answer
from app.graph.schema import graph
from app.settings import read_settings
from tests.given import projects
from tests.given.asking import NOW
from tests.given.every_input import valued_in, values_of
from tests.given.everything import Everything, everything
from tests.plan.operations import Generator

MUTATIONS = graph.mutation_type.fields if graph.mutation_type else {}
EVENT_ID = re.compile(rb"event_[0-9a-f-]{32,36}")
"""Made anew for each event."""
RANDOM = frozenset({
    "Store.beaconKey", "Integration.wmktId", "ApiKey.hint", "ApiKeyCreatePayload.secret",
    "WebhookEndpointPayload.secret", "WebhookEndpoint.url",
})  # fmt: skip
"""Made at random, and so not asked for."""
PER_MUTATION = 12


@dataclass
class Ways:
    """The same world twice."""

    ours: Everything
    theirs: Everything
    called: Services
    executed: Services

    async def ask(self, query: str, variables: dict[str, Any], *roles: Role) -> tuple[Answer, Answer]:
        """Both answers."""
        principal = Principal("test", self.ours.scope, frozenset(roles or Role))
        first, second = [
            await answer(Operation(query, variables), Context(services, principal, request_id="r", now=NOW))
            for services in (self.called, self.executed)
        ]
        return first, second


@pytest.fixture(scope="module")
async def ways(
    server: EmbeddedServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ways]:
    """Filled once, then cloned."""
    filled = server.dsn("both_ways_filled")
    await create_database(filled, template=template)
    db = await connect(filled, readers=1, writers=1)
    ours, theirs = await everything(db, "ours"), await everything(db, "theirs")
    await projects.tracking(db, ours.group_id, slug="shop")
    await db.close()
    services, opened = [], []
    for planner in (True, False):
        folder: Path = tmp_path_factory.mktemp("data")
        url = server.dsn(f"both_ways_{planner}".lower())
        await create_database(url, template="both_ways_filled")
        opened.append(await connect(url, readers=2, writers=2))
        settings = replace(read_settings({"DATA_DIR": str(folder), "SECRET_KEY": "s" * 40}), planner=planner)
        services.append(Services(settings, opened[-1], AssetStorage(settings)))
    yield Ways(ours, theirs, *services)
    for one in services:
        await one.close()
    for database in opened:
        await database.close()


def asked(ways: Ways, name: str, rng: random.Random, input_type: str) -> tuple[str, dict[str, Any]]:
    """A document with this mutation alone, whatever it selects; and the variables but for the input."""
    payload = get_named_type(MUTATIONS[name].type)
    assert isinstance(payload, GraphQLObjectType)
    generator = Generator(graph, ways.ours, ways.theirs, rng, RANDOM)
    generator._budget = rng.choice([4, 15, 40])
    selection = generator.selections(payload, 1)
    alias = rng.choice(["", "", "it: "])
    field = f"{alias}{name}(input: $input){rng.choice(['', '', ' @include(if: true)'])} {selection}"
    body = rng.choice([field, field, f"... {{ {field} }}", f"... on Mutation {{ {field} }}"])
    text = f"{{ {body} }}" + "".join(f"\n{one}" for one in generator._fragments)
    used = {n: kv for n, kv in generator._variables.items() if re.search(rf"\${n}\b", text)}
    declared = ", ".join(("$input: " + input_type, *(f"${n}: {kind}" for n, (kind, _) in used.items())))
    values = {n: value for n, (_, value) in used.items() if not repr(value).startswith("<object")}
    return f"mutation M({declared}) {text}", values


def same(one: bytes) -> bytes:
    """Without what is random."""
    return EVENT_ID.sub(b"event_1", one)


@pytest.mark.parametrize("name", MUTATIONS)
async def test_every_mutation_answers_the_same_both_ways(ways: Ways, name: str) -> None:
    argument = MUTATIONS[name].args["input"]
    kind = get_named_type(argument.type)
    assert isinstance(kind, GraphQLInputObjectType)
    given = list(values_of(kind, valued_in(ways.ours), set()))
    ran = set()
    for n in range(max(PER_MUTATION, len(given))):
        query, variables = asked(ways, name, random.Random(f"{name} {n}"), str(argument.type))
        called, executed = await ways.ask(query, {**variables, "input": given[n % len(given)]})
        assert same(called.body) == same(executed.body), (query, variables, given[n % len(given)])
        assert (called.data is None) == (executed.data is None)
        assert len(called.errors) == len(executed.errors)
        ran.add(called.execution)
    assert "lean" in ran


@pytest.mark.parametrize("name", MUTATIONS)
async def test_who_may_not_gets_the_same_error(ways: Ways, name: str) -> None:
    argument = MUTATIONS[name].args["input"]
    kind = get_named_type(argument.type)
    assert isinstance(kind, GraphQLInputObjectType)
    given = next(iter(values_of(kind, valued_in(ways.ours), set())))
    query = f"mutation($input: {argument.type}) {{ it: {name}(input: $input) {{ __typename errors {{ code }} }} }}"
    called, executed = await ways.ask(query, {"input": given}, Role.READ)
    assert called.body == executed.body
    assert called.errors[0]["extensions"]["code"] == "FORBIDDEN"
    # Roles are asked before either begins.
    assert called.execution == executed.execution == "refused"


def test_a_failed_mutation_nulls_itself_alone() -> None:
    assert not any(is_non_null_type(one.type) for one in MUTATIONS.values())
