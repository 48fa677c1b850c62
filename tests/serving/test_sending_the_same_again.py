"""A body sent again is answered for whoever sends it, as of now."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.auth.keys import create_api_key
from app.auth.principal import Principal
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.checking import CheckedOperation, check
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer
from app.graph.running.known_operations import MAX_FIRSTS, MAX_KNOWN, MAX_KNOWN_BYTES, KnownOperations
from app.graph.running.operations import Operation
from app.settings import read_settings
from app.values.scope import Scope
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


WHOLE = Scope(1)
OF_A_STORE = Scope(1, store_id=2)
Ask = Callable[[], CheckedOperation]


@pytest.fixture
def ask(db: Database, tmp_path: Path) -> Ask:
    """An operation, checked anew each time."""
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    context = Context(Services(settings, db, AssetStorage(settings)), Principal("key:1", WHOLE))
    return lambda: check(Operation("{ __typename }"), context)


def key_of(n: int, size: int = 0) -> bytes:
    return b"%d %s" % (n, b"x" * size)


def known_after(
    known: KnownOperations, key: bytes, asked: CheckedOperation, execution: str = "planned"
) -> CheckedOperation | None:
    for _ in range(2):
        known.keep(key, asked, Answer(b"{}", execution=execution))
    return known.get(key, WHOLE)


def test_what_comes_once_is_not_kept(ask: Ask) -> None:
    known, asked = KnownOperations(), ask()
    for n in range(MAX_FIRSTS + 1):
        known.keep(key_of(n), asked, Answer(b"{}"))
        assert known.get(key_of(n), WHOLE) is None
    known.keep(key_of(MAX_FIRSTS), asked, Answer(b"{}"))
    assert known.get(key_of(MAX_FIRSTS), WHOLE) is not None


def test_what_was_kept_is_found_under_the_shape_of_scope_it_was_checked_under(ask: Ask) -> None:
    known, asked = KnownOperations(), ask()
    assert known.get(key_of(1), WHOLE) is None
    assert known_after(known, key_of(1), asked) == asked
    assert known_after(known, key_of(1), asked) == asked
    assert known.get(key_of(1), Scope(2)) == asked
    assert known.get(key_of(1), OF_A_STORE) is None
    assert known.get(key_of(2), WHOLE) is None


def test_what_was_checked_under_one_shape_of_scope_does_not_run_under_another(
    db: Database, tmp_path: Path, ask: Ask
) -> None:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    narrowed = Context(Services(settings, db, AssetStorage(settings)), Principal("key:1", OF_A_STORE))
    with pytest.raises(ValueError, match="another shape"):
        ask().bound(narrowed)


@pytest.mark.parametrize("execution", ["resolved", "lean", "rerun", "refused", "explained"])
def test_only_what_was_planned_is_kept(execution: str, ask: Ask) -> None:
    assert known_after(KnownOperations(), key_of(1), ask(), execution) is None


@pytest.mark.parametrize(("count", "size"), [(MAX_KNOWN, 0), (MAX_KNOWN_BYTES // 6_000, 6_000)])
def test_memory_is_bounded_in_number_and_in_bytes(count: int, size: int, ask: Ask) -> None:
    known, first = KnownOperations(), ask()
    known_after(known, key_of(0, size), first)
    for n in range(1, count // 2):
        known_after(known, key_of(n, size), ask())
    assert known.get(key_of(0, size), WHOLE) == first  # and so it is the youngest
    for n in range(count // 2, count + 20):
        known_after(known, key_of(n, size), ask())
    assert known.get(key_of(0, size), WHOLE) == first
    assert known.get(key_of(1, size), WHOLE) is None


def test_what_is_long_is_not_kept(ask: Ask) -> None:
    assert known_after(KnownOperations(), key_of(1, MAX_KNOWN_BYTES // 100), ask()) is None
