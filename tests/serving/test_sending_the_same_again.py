"""A body sent again is answered for whoever sends it, as of now."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.auth.keys import create_api_key
from app.db.database import Database
from app.graph.running.entry import Answer
from app.graph.running.preparing import Operation
from app.graph.running.remembering import MAX_REMEMBERED, MAX_REMEMBERED_BYTES, MAX_SEEN, Remembered
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


def key_of(n: int, size: int = 0) -> bytes:
    return b"%d %s" % (n, b"x" * size)


def remember(memory: Remembered, key: bytes, execution: str = "planned") -> Operation | None:
    for _ in range(2):
        memory.keep(key, Operation("{ __typename }"), Answer(b"{}", execution=execution))
    return memory.get(key)


def test_what_comes_once_is_not_kept() -> None:
    memory = Remembered()
    for n in range(MAX_SEEN + 1):
        memory.keep(key_of(n), Operation("{ __typename }"), Answer(b"{}"))
        assert memory.get(key_of(n)) is None
    memory.keep(key_of(MAX_SEEN), Operation("{ __typename }"), Answer(b"{}"))
    assert memory.get(key_of(MAX_SEEN)) is not None


def test_what_was_kept_is_found_with_room_for_what_is_prepared() -> None:
    memory = Remembered()
    assert memory.get(key_of(1)) is None
    kept = remember(memory, key_of(1))
    assert kept is not None
    assert kept.prepared == {}
    assert remember(memory, key_of(1)) is kept
    assert memory.get(key_of(2)) is None


@pytest.mark.parametrize("execution", ["resolved", "rerun", "refused", "explained"])
def test_only_what_was_planned_is_kept(execution: str) -> None:
    assert remember(Remembered(), key_of(1), execution) is None


@pytest.mark.parametrize(("count", "size"), [(MAX_REMEMBERED, 0), (MAX_REMEMBERED_BYTES // 6_000, 6_000)])
def test_memory_is_bounded_in_number_and_in_bytes(count: int, size: int) -> None:
    memory = Remembered()
    first = remember(memory, key_of(0, size))
    for n in range(1, count // 2):
        remember(memory, key_of(n, size))
    assert memory.get(key_of(0, size)) is first  # and so it is the youngest
    for n in range(count // 2, count + 20):
        remember(memory, key_of(n, size))
    assert memory.get(key_of(0, size)) is first
    assert memory.get(key_of(1, size)) is None


def test_what_is_long_is_not_kept() -> None:
    assert remember(Remembered(), key_of(1, MAX_REMEMBERED_BYTES // 100)) is None
