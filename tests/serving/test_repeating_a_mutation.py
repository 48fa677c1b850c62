"""`Idempotency-Key` on `/graphql`: a mutation sent twice happens once."""

import asyncio
from typing import Any

from tests.serving.conftest import Caller

CREATE = "mutation C($name: String!) { storeCreate(input: {name: $name}) { store { id } errors { code } } }"
TWO = 'mutation { a: storeCreate(input: {name: "T"}) { store { id } } b: storeUpdate(input: {id: "x"}) { nope } }'
NAMES = "query($search: String) { stores(filter: {search: $search}) { totalCount } }"


def create(name: str) -> dict[str, Any]:
    return {"query": CREATE, "variables": {"name": name}}


async def count(caller: Caller, name: str) -> int:
    found = await caller.post({"query": NAMES, "variables": {"search": name}}, idempotency_key="counting")
    return int(found.json()["data"]["stores"]["totalCount"])


async def test_the_second_gets_the_answer_of_the_first(caller: Caller) -> None:
    first = await caller.post(create("Once"), idempotency_key="k1")
    again = await caller.post(create("Once"), idempotency_key="k1")
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await count(caller, "Once") == 1
    assert (await caller.post(create("Once"))).json() != first.json(), "without the key it is a new write"
    assert await count(caller, "Once") == 2, "a query's key means nothing: it is asked again"


async def test_at_the_same_time_one_of_them_runs(caller: Caller) -> None:
    made = await asyncio.gather(*(caller.post(create("Race"), idempotency_key="k2") for _ in range(8)))
    assert {answer.status_code for answer in made} <= {200, 409}
    assert await count(caller, "Race") == 1


async def test_another_mutation_under_the_key_is_refused(caller: Caller) -> None:
    await caller.post(create("One"), idempotency_key="k3")
    other = await caller.post(create("Other"), idempotency_key="k3")
    assert other.status_code == 400
    assert other.json()["errors"][0]["extensions"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await count(caller, "Other") == 0


async def test_what_was_refused_may_be_tried_again(caller: Caller) -> None:
    refused = await caller.post({"query": TWO}, idempotency_key="k4")
    assert refused.json()["errors"]
    good = await caller.post(create("Four"), idempotency_key="k4")
    assert good.json()["data"]["storeCreate"]["errors"] == []


async def test_a_key_that_cannot_be_one_is_told(caller: Caller) -> None:
    wrong = await caller.post(create("Five"), idempotency_key="x" * 256)
    assert wrong.status_code == 400
    assert "Idempotency-Key" in wrong.json()["errors"][0]["message"]
    assert await count(caller, "Five") == 0
