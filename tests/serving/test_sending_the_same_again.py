"""A body sent again is answered for whoever sends it, as of now."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.auth.keys import create_api_key
from app.db.database import Database
from app.graph.preparing import Operation
from app.graph.requests import MAX_REMEMBERED, MAX_REMEMBERED_BYTES, Remembered
from tests.given import groups
from tests.serving.conftest import Caller

QUERY = "{ viewer { name group { name } store { id } } stores(first: 9) { nodes { name } } }"
BODY = json.dumps({"query": QUERY}).encode()
RENAME = (
    "mutation R($id: ID!, $name: String!) { storeUpdate(input: {id: $id, name: $name}) { errors { code } } }"
)


async def test_each_credential_gets_its_own_answer_to_the_same_bytes(caller: Caller, db: Database) -> None:
    other = await groups.group(db, name="Other")
    theirs = await create_api_key(db, group_id=other.group_id, name="t", now=datetime.now(UTC))

    async def ask(key: str, **headers: str) -> Any:
        return (await caller.post(BODY, **{"X_API_KEY": key, **headers})).json()["data"]

    for _ in range(4):
        ours, foreign = await ask(caller.api_key), await ask(theirs.secret)
        narrowed = await ask(caller.api_key, X_BEACON_KEY=caller.given.beacon_key)
        assert foreign["viewer"]["group"]["name"] == "Other"
        assert foreign["stores"]["nodes"] == [{"name": "Other store"}]
        assert ours["viewer"]["group"]["name"] == "A"
        assert ours["viewer"]["store"] is None
        assert narrowed["viewer"]["store"] == {"id": f"store_{caller.given.store_id}"}


async def test_a_change_between_shows(caller: Caller, db: Database) -> None:
    made = await groups.store(db, caller.given.group_id, name="before")
    for name in ("first", "second", "third"):
        variables = {"id": f"store_{made.store_id}", "name": name}
        changed = (await caller.post({"query": RENAME, "variables": variables})).json()
        assert changed == {"data": {"storeUpdate": {"errors": []}}}
        answer = (await caller.post(BODY)).json()
        assert name in [store["name"] for store in answer["data"]["stores"]["nodes"]]


async def test_a_refused_body_is_refused_again(caller: Caller) -> None:
    for _ in range(3):
        answer = (await caller.post({"query": "{ stores(first: 100000) { nodes { name } } }"})).json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID"]


def body_of(n: int, size: int = 0) -> bytes:
    return json.dumps({"query": "{ __typename }", "variables": {"n": n, "more": "x" * size}}).encode()


def remember(memory: Remembered, body: bytes) -> Operation:
    memory.keep(body, memory.read(body))
    return memory.read(body)


def test_what_was_kept_is_found_and_what_was_not_is_read() -> None:
    memory = Remembered()
    assert memory.read(body_of(1)) is not memory.read(body_of(1))
    kept = remember(memory, body_of(1))
    assert memory.read(body_of(1)) is kept
    assert memory.read(body_of(2)).variables == {"n": 2, "more": ""}


@pytest.mark.parametrize(("count", "size"), [(MAX_REMEMBERED, 0), (MAX_REMEMBERED_BYTES // 6_000, 6_000)])
def test_memory_is_bounded_in_number_and_in_bytes(count: int, size: int) -> None:
    memory = Remembered()
    first = remember(memory, body_of(0, size))
    for n in range(1, count // 2):
        remember(memory, body_of(n, size))
    assert memory.read(body_of(0, size)) is first  # and so it is the youngest
    for n in range(count // 2, count + 20):
        remember(memory, body_of(n, size))
    assert memory.read(body_of(0, size)) is first
    assert memory.read(body_of(1, size)).prepared is None


def test_a_large_body_is_not_kept() -> None:
    memory = Remembered()
    assert remember(memory, body_of(1, MAX_REMEMBERED_BYTES // 100)).prepared is None
