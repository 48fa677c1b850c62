"""The connection ends just before or just after COMMIT: with a key it happens once, without it nobody guesses."""

import json

import asyncpg
import httpx
import pytest

from app.db.database import Database
from tests.faults.conftest import Caller
from tests.faults.proxy import Cut

NAMES = "SELECT count(*) FROM store WHERE group_id = $1 AND name = $2"
CREATE = (
    "mutation C($name: String!) { storeCreate(input: {name: $name}) { store { id name } errors { code } } }"
)
TWO = (
    "mutation C($name: String!) { a: storeCreate(input: {name: $name}) { store { id } errors { code } }"
    " b: storeCreate(input: {name: $name}) { store { id campaigns { totalCount } } errors { code } } }"
)


async def made(db: Database, caller: Caller, name: str) -> int:
    """How many of them there are."""
    async with db.transaction(caller.given.scope) as tx:
        return int(await tx.fetchval(NAMES, caller.given.group_id, name))


CUTS = list(Cut)
DONE = (Cut.UNANSWERED, Cut.HALF_ANSWERED, Cut.SILENT)


@pytest.mark.parametrize("how", CUTS, ids=lambda how: how.name.lower())
@pytest.mark.parametrize(("query", "each"), [(CREATE, 1), (TWO, 2)], ids=["one", "two"])
async def test_with_a_key_the_outcome_is_found_out(
    caller: Caller, db: Database, how: Cut, query: str, each: int, request: pytest.FixtureRequest
) -> None:
    name = request.node.name
    await caller.graphql("{ stores { totalCount } }")  # The credential is known.
    caller.proxy.cut_at(b"COMMIT", how)
    first = await caller.once(query, name, name=name)
    assert caller.proxy.cuts == 1
    if how in DONE:
        assert first.status_code == 200, first.text
        assert await made(db, caller, name) == each
    else:
        assert first.status_code == 503, first.text
        assert "retry-after" in first.headers
        assert "nothing was done" in first.text
        assert await made(db, caller, name) == 0
    again = await caller.once(query, name, name=name)
    assert again.status_code == 200, again.text
    if how in DONE:
        assert again.content == first.content
        assert again.headers["idempotent-replayed"] == "true"
    assert await made(db, caller, name) == each


async def test_where_it_cannot_be_found_out_the_same_key_finds_out_later(
    caller: Caller, db: Database
) -> None:
    await caller.graphql("{ stores { totalCount } }")
    caller.proxy.cut_at(b"COMMIT", Cut.UNANSWERED)
    caller.proxy.refuses = True
    first = await caller.once(CREATE, "later", name="later")
    assert first.status_code == 503
    assert "same Idempotency-Key" in first.text
    caller.proxy.refuses = False
    again = await caller.once(CREATE, "later", name="later")
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (200, "true")
    assert await made(db, caller, "later") == 1


@pytest.mark.parametrize("how", [Cut.UNSENT, Cut.UNANSWERED], ids=lambda how: how.name.lower())
async def test_without_a_key_it_is_said_that_nobody_knows(caller: Caller, db: Database, how: Cut) -> None:
    await caller.graphql("{ stores { totalCount } }")
    caller.proxy.cut_at(b"COMMIT", how)
    answer = await caller.graphql(CREATE, name=how.name)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert "retry-after" in answer.headers


async def test_a_read_whose_commit_is_lost_is_just_asked_again(caller: Caller) -> None:
    resolved = '{ trashReasons(project: "x") { code } }'
    preview = "{ segmentPreview(criteria: {order_count: {gte: 1}}) { size } }"
    for query in (resolved, preview):
        caller.proxy.cut_at(b"COMMIT", Cut.UNANSWERED)
        answer = await caller.graphql(query)
        assert "OUTCOME_UNKNOWN" not in answer.text
        caller.proxy.carry_all()


@pytest.mark.parametrize(
    "words", [b"BEGIN", b"INSERT", b"idempotent_answer", b"COMMIT"], ids=lambda w: w.decode()
)
@pytest.mark.parametrize("how", [Cut.UNSENT, Cut.HALF, Cut.UNANSWERED], ids=lambda how: how.name.lower())
async def test_a_key_is_never_stuck(caller: Caller, db: Database, words: bytes, how: Cut) -> None:
    name = f"{words.decode()} {how.name}"
    await caller.graphql("{ stores { totalCount } }")
    caller.proxy.cut_at(words, how)
    first = await caller.once(CREATE, name, name=name)
    assert first.status_code in (200, 503), first.text
    again = await caller.once(CREATE, name, name=name)
    assert again.status_code == 200, again.text
    assert await made(db, caller, name) == 1


async def test_a_legacy_write_with_a_key_is_done_once_and_its_503_says_when_to_come_back(
    caller: Caller, db: Database
) -> None:
    order = {
        "label": "Spring", "channels": ["display"], "start_date": "2030-01-01", "end_date": "2030-02-01",
        "budget_total": "1200", "external_beacon_key": caller.given.beacon_key,
    }  # fmt: skip
    headers = {"X-API-KEY": caller.keys[0], "Idempotency-Key": "order"}

    async def send() -> httpx.Response:
        return await caller.http.post("/api/campaigns", json=order, headers=headers)

    # The credential is known.
    assert (await caller.http.get("/api/campaigns", headers={"X-API-KEY": caller.keys[0]})).status_code == 200
    caller.proxy.cut_at(b"COMMIT", Cut.UNSENT)
    first = await send()
    assert (first.status_code, "retry-after" in first.headers) == (503, True)
    caller.proxy.cut_at(b"COMMIT", Cut.UNANSWERED)
    second = await send()
    assert second.status_code == 201, second.text
    third = await send()
    assert (third.status_code, third.content) == (201, second.content)
    assert third.headers["idempotent-replayed"] == "true"
    async with db.transaction(caller.given.scope) as tx:
        assert (
            await tx.fetchval("SELECT count(*) FROM campaign WHERE group_id = $1", caller.given.group_id) == 1
        )


# ── whose answer it is ────────────────────────────────────────────────────────

MAKE_KEY = (
    'mutation { apiKeyCreate(input: {name: "n", access: WRITE}) { apiKey { id } secret errors { code } } }'
)
CONNECT = (
    "mutation { webhookEndpointCreate(input: {provider: SENDGRID})"
    " { endpoint { id } secret errors { code } } }"
)


@pytest.mark.parametrize("query", [MAKE_KEY, CONNECT], ids=["key", "connection"])
async def test_a_secret_is_shown_once_and_kept_nowhere(
    caller: Caller, db: Database, database_url: str, query: str
) -> None:
    admin = {"Authorization": f"Bearer {caller.token('admin', 'tenant_admin')}", "Idempotency-Key": "s"}
    reader = {"X-API-KEY": caller.reading_key, "Idempotency-Key": "s"}
    first = await caller.http.post("/graphql", json={"query": query}, headers=admin)
    (shown,) = first.json()["data"].values()
    assert shown["secret"], first.text
    other = await caller.http.post("/graphql", json={"query": query}, headers=reader)
    assert shown["secret"] not in other.text
    assert "FORBIDDEN" in other.text
    same_role = {**admin, "Authorization": f"Bearer {caller.token('somebody else', 'tenant_admin')}"}
    other = await caller.http.post("/graphql", json={"query": query}, headers=same_role)
    assert (other.status_code, shown["secret"] in other.text) == (400, False)
    again = await caller.http.post("/graphql", json={"query": query}, headers=admin)
    assert again.status_code == 409
    (error,) = again.json()["errors"]
    assert error["extensions"]["code"] == "IDEMPOTENCY_SECRET_NOT_KEPT"
    made = (shown.get("apiKey") or shown.get("endpoint"))["id"]
    assert made in error["message"]
    owner = await asyncpg.connect(database_url)
    kept = await owner.fetch("SELECT * FROM idempotent_answer")
    assert shown["secret"] not in json.dumps([str(dict(row)) for row in kept])
    await owner.close()


async def test_whoever_lost_the_role_gets_no_answer_of_former_times(caller: Caller) -> None:
    def headers(*roles: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {caller.token('ana', *roles)}", "Idempotency-Key": "role"}

    body = {"query": CREATE, "variables": {"name": "role"}}
    assert (await caller.http.post("/graphql", json=body, headers=headers("marketing"))).status_code == 200
    later = await caller.http.post("/graphql", json=body, headers=headers("read"))
    assert "FORBIDDEN" in later.text
    assert "store_" not in later.text
    back = await caller.http.post("/graphql", json=body, headers=headers("marketing"))
    assert back.headers["idempotent-replayed"] == "true"
