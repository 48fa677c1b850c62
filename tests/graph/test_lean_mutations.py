"""A mutation called without the executor answers what the executor would, and is executed wherever it could not."""

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.errors import Unavailable
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, Operation, answer
from app.settings import read_settings
from tests.given import events
from tests.given.events import NOON, Shop

LEAN = (
    "mutation($input: EventSendInput!) { eventSend(input: $input) { id errors { code message path } } }",
    "mutation Send($input: EventSendInput!) { it: eventSend(input: $input) { errors { p: path c: code } ident: id } }",
    "mutation($input: EventSendInput!) { eventSend(input: $input) { id } }",
)
SHAPES = (
    "mutation($input: EventSendInput!) { eventSend(input: $input) { __typename id errors { code } } }",
    "mutation($input: EventSendInput!) { ...F } fragment F on Mutation { eventSend(input: $input) { id } }",
    "mutation($input: EventSendInput!) { eventSend(input: $input) "
    "{ id @include(if: true) errors @skip(if: true) { code } } }",
    "mutation($input: EventSendInput!) { eventSend(input: $input) { id id errors { code } errors { path } } }",
    "mutation($input: EventSendInput!) { eventSend(input: $input) { id } "
    "eventSend(input: $input) { errors { code } } }",
    "mutation($project: String!) { eventSend(input: {project: $project, eventType: \"x\", nonce: \"n-7\", data: {}})"
    " { id } }",
)  # fmt: skip
"""Other ways to write what can be called."""
EXECUTED = (
    "mutation($input: EventSendInput!) { __typename eventSend(input: $input) { id } }",
    "mutation($input: EventSendInput!) { eventSend(input: $input) @skip(if: true) { id } }",
    "mutation($input: EventSendInput!) { a: eventSend(input: $input) { id } b: eventSend(input: $input) { id } }",
    'mutation { eventSend(input: {project: "shop", eventType: "x", nonce: "n-8", data: {}}) { id } }',
)


class Both:
    """Asks each question with and without the executor."""

    def __init__(self, db: Database, folder: Path, shop: Shop) -> None:
        settings = read_settings({"DATA_DIR": str(folder)})
        self.shop = shop
        self.services = {
            planner: Services(dataclasses.replace(settings, planner=planner), db, AssetStorage(settings))
            for planner in (True, False)
        }

    async def ask(self, query: str, *roles: Role, **variables: Any) -> tuple[Answer, Answer]:
        principal = Principal("test", self.shop.scope, frozenset(roles or {Role.WRITE}))
        given = []
        for services in self.services.values():
            given.append(await answer(Operation(query, variables), Context(services, principal, now=NOON)))
        return given[0], given[1]


@pytest.fixture
async def both(db: Database, tmp_path: Path) -> AsyncIterator[Both]:
    """Two ways to ask about a shop."""
    shop = await events.shop(db)
    made = Both(db, tmp_path, shop)
    yield made
    for services in made.services.values():
        await services.close()
    await shop.acceptor.close()


def sent(both: Both, **other: Any) -> dict[str, Any]:
    """An event's input."""
    return {
        "project": both.shop.slug,
        "eventType": "purchase",
        "nonce": "n-1",
        "data": {"a": [1, None]},
        **other,
    }


@pytest.mark.parametrize("query", LEAN)
@pytest.mark.parametrize(
    "other",
    [
        {},
        {"trackerId": None, "eventDate": "never", "body": '{"data":{}}'},
        {"nonce": "n" * 300},
        {"data": [1]},
        {"data": "\ud800"},
        {"project": "nobody-s"},
        {"eventType": 7},
        {"unknown": 1},
        {"nonce": None},
    ],
)
async def test_both_ways_give_the_same_bytes(both: Both, query: str, other: dict[str, Any]) -> None:
    lean, executed = await both.ask(query, input=sent(both, **other))
    assert lean.body == executed.body
    assert (lean.data, lean.errors) == (executed.data, executed.errors)
    assert lean.execution in ("lean", "refused")
    assert executed.execution in ("resolved", "refused")


@pytest.mark.parametrize("query", LEAN)
async def test_a_missing_role_and_a_full_queue_are_the_same_errors_too(both: Both, query: str) -> None:
    lean, executed = await both.ask(query, Role.READ, input=sent(both))
    assert lean.body == executed.body
    assert lean.errors[0]["extensions"]["code"] == "FORBIDDEN"

    async def refuse(*_: object, **__: object) -> None:
        raise Unavailable("Too many.")

    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    for accept, code in ((refuse, "UNAVAILABLE"), (fail, "INTERNAL")):
        for services in both.services.values():
            services.events.accept = accept  # type: ignore[method-assign, assignment]  # broken on purpose
        lean, executed = await both.ask(query, input=sent(both))
        assert lean.body == executed.body
        assert lean.errors[0]["extensions"]["code"] == code


@pytest.mark.parametrize("query", SHAPES)
async def test_documents_are_called_however_they_are_written(both: Both, query: str) -> None:
    variables = {"project": both.shop.slug} if "$project" in query else {"input": sent(both)}
    lean, executed = await both.ask(query, **variables)
    assert (lean.execution, executed.execution) == ("lean", "resolved")
    assert lean.body == executed.body
    assert "errors" not in json.loads(lean.body)


async def test_where_it_failed_is_said_for_each_place_it_was_asked_for(both: Both) -> None:
    lean, executed = await both.ask(SHAPES[4], Role.READ, input=sent(both))
    assert lean.body == executed.body
    assert len(lean.errors[0]["locations"]) == 2


async def test_a_payload_of_another_shape_is_completed_by_the_executor(both: Both) -> None:
    """A segment's size is counted by a resolver, after the segment was made, once."""
    query = (
        "mutation($input: SegmentCreateInput!) "
        "{ segmentCreate(input: $input) { segment { name sizeNow } errors { code } } }"
    )
    made = {"name": "s", "type": "IMPORTED"}
    called, executed = await both.ask(query, Role.TENANT_ADMIN, input=made)
    assert called.execution == executed.execution == "resolved"
    assert (
        called.body
        == executed.body
        == b'{"data":{"segmentCreate":{"segment":{"name":"s","sizeNow":0},"errors":[]}}}'
    )
    async with both.services[True].db.transaction(both.shop.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM segment") == 2


@pytest.mark.parametrize("query", EXECUTED)
async def test_what_needs_the_executor_is_executed(both: Both, query: str) -> None:
    variables = {"input": sent(both)} if "$input" in query else {}
    asked, executed = await both.ask(query, **variables)
    assert asked.execution == executed.execution == "resolved"
    assert asked.body == executed.body
    assert "errors" not in json.loads(asked.body)
