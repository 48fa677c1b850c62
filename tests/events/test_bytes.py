"""Events are bounded in bytes: each of them, those that wait, and what a project's trackers send in a second."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from app.auth.principal import Role
from app.auth.projects import Projects
from app.db.database import Database
from app.domain.events.accepting import MAX_BATCH_BYTES, Acceptor
from app.domain.events.rates import RATE_LIMITED, Rates
from app.errors import Unavailable
from app.tables.projects import DEFAULT_EVENT_BYTES, MOST_EVENT_BYTES
from tests.events.conftest import OpenShop
from tests.events.test_accepting import NOW, sent, stored, two_projects
from tests.events.test_through_the_graph import SEND, SEND_NOW, Ask, ask  # noqa: F401 - a fixture

UPDATE = """mutation($input: ProjectUpdateInput!) {
  projectUpdate(input: $input) { project { maxEventBytes } errors { code path } } }"""


def body_of(size: int) -> str:
    """The JSON text of an event of so many bytes."""
    empty = '{"data":{"a":""}}'
    return empty.replace('""', '"' + "x" * (size - len(empty)) + '"')


@pytest.mark.parametrize("query", [SEND, SEND_NOW])
async def test_an_event_has_64_kib_unless_its_project_says_more(ask: Ask, shop: OpenShop, query: str) -> None:  # noqa: F811
    one = await shop()
    name = "eventSend" if query is SEND else "eventSendNow"

    async def send(size: int) -> list[dict[str, object]]:
        given = {"project": one.slug, "eventType": "purchase", "nonce": uuid4().hex, "body": body_of(size)}
        made = (await ask(one, query, input=given))["data"][name]
        errors: list[dict[str, object]] = made["errors"]
        return [error for error in errors if error["code"] == "TOO_LARGE"]

    assert await send(DEFAULT_EVENT_BYTES) == []
    (error,) = await send(DEFAULT_EVENT_BYTES + 1)
    assert error["path"] == ["data"]
    changed = await ask(
        one, UPDATE, Role.TENANT_ADMIN, input={"id": f"proj_{one.project_id}", "maxEventBytes": 100_000}
    )
    assert changed["data"]["projectUpdate"] == {"project": {"maxEventBytes": 100_000}, "errors": []}
    assert await Projects(one.db).max_event_bytes(one.slug, now=NOW) == 100_000


async def test_what_is_not_a_letter_of_ours_counts_as_it_is_stored(ask: Ask, shop: OpenShop) -> None:  # noqa: F811
    one = await shop()
    data = {"a": "é" * (DEFAULT_EVENT_BYTES // 2)}
    given = {"project": one.slug, "eventType": "purchase", "nonce": "n", "data": data}
    made = (await ask(one, SEND, input=given))["data"]["eventSend"]
    assert [error["code"] for error in made["errors"]] == ["TOO_LARGE"]


@pytest.mark.parametrize("most", [0, 1_023, MOST_EVENT_BYTES + 1, -5])
async def test_a_project_says_it_within_bounds(ask: Ask, shop: OpenShop, most: int) -> None:  # noqa: F811
    one = await shop()
    changed = await ask(
        one, UPDATE, Role.TENANT_ADMIN, input={"id": f"proj_{one.project_id}", "maxEventBytes": most}
    )
    assert changed["data"]["projectUpdate"]["errors"] == [{"code": "INVALID", "path": ["maxEventBytes"]}]


async def test_a_project_of_another_group_stays_as_it_is(ask: Ask, shop: OpenShop) -> None:  # noqa: F811
    ours, theirs = await shop(), await shop()
    changed = await ask(
        ours, UPDATE, Role.TENANT_ADMIN, input={"id": f"proj_{theirs.project_id}", "maxEventBytes": 2_000}
    )
    assert changed["data"]["projectUpdate"]["errors"] == [{"code": "NOT_FOUND", "path": ["id"]}]


async def test_what_waits_is_bounded_in_bytes(db: Database) -> None:
    (group_id, project_id), _ = await two_projects(db)
    acceptor = Acceptor(db, capacity_bytes=300_000)
    tasks = [
        asyncio.create_task(
            acceptor.accept(sent(group_id, project_id, str(n), body=body_of(DEFAULT_EVENT_BYTES)))
        )
        for n in range(10)
    ]
    done = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [one for one in done if isinstance(one, Unavailable)]
    assert len(refused) == 6
    assert len(await stored(db, group_id)) == 4
    # What was stored makes room again.
    await asyncio.sleep(0.05)
    await acceptor.accept(sent(group_id, project_id, "later", body=body_of(DEFAULT_EVENT_BYTES)))
    await asyncio.sleep(0.05)
    # One alone is taken, however large.
    await acceptor.accept(sent(group_id, project_id, "large", body=body_of(400_000)))
    await acceptor.close()


async def test_a_batch_is_bounded_in_bytes(db: Database) -> None:
    (group_id, project_id), _ = await two_projects(db)
    acceptor = Acceptor(db)
    size = MAX_BATCH_BYTES // 4
    await asyncio.gather(
        *(acceptor.accept(sent(group_id, project_id, str(n), body=body_of(size))) for n in range(10))
    )
    assert len(await stored(db, group_id)) == 10
    await acceptor.close()


def test_a_project_sends_so_many_bytes_a_second() -> None:
    rates = Rates(1_000, 10_000)
    for _ in range(5):
        rates.check(1, group_id=1, size=10_000, now=NOW)
    with pytest.raises(Unavailable) as refused:
        rates.check(1, group_id=1, size=5_000, now=NOW)
    assert refused.value.reason == RATE_LIMITED
    assert refused.value.retry_after_s == 1
    rates.check(2, group_id=1, size=5_000, now=NOW)  # another project has its own
    rates.check(1, group_id=2, size=5_000, now=NOW)  # and so has another group's of the same number
    rates.check(1, group_id=1, size=5_000, now=NOW + timedelta(seconds=1))


def test_an_event_larger_than_the_bucket_is_paid_for_afterwards() -> None:
    rates = Rates(1_000, 1_000)
    rates.check(1, group_id=1, size=20_000, now=NOW)
    with pytest.raises(Unavailable) as refused:
        rates.check(1, group_id=1, size=10, now=NOW)
    assert refused.value.retry_after_s == 16
    rates.check(1, group_id=1, size=10, now=NOW + timedelta(seconds=16))


def test_numbers_are_still_bounded() -> None:
    rates = Rates(2, 1_000_000)
    for _ in range(10):
        rates.check(1, group_id=1, size=1, now=NOW)
    with pytest.raises(Unavailable):
        rates.check(1, group_id=1, size=1, now=NOW)
