"""`Idempotency-Key`: sent twice, done once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.db.database import Database
from app.errors import Conflict, Invalid
from app.graph.running.idempotency import (
    IN_PROGRESS,
    INTERRUPTED,
    KEPT_FOR,
    RUNS_AT_MOST,
    Kept,
    fingerprint,
    once,
    read_key,
)
from app.values.scope import Scope
from tests.given import groups

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
ASKED = b"a" * 32


class Write:
    """A write that counts how often it ran, and may be held up."""

    def __init__(self, status: int = 201, error: Exception | None = None) -> None:
        self.runs = 0
        self.status = status
        self.error = error
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> Kept:
        self.runs += 1
        self.started.set()
        await self.may_end.wait()
        if self.error:
            raise self.error
        return Kept(self.status, b'{"run":%d}' % self.runs)


Send = Callable[..., Awaitable[Kept]]


@pytest.fixture
async def send(db: Database) -> Send:
    """Send a write of one group."""
    given = await groups.group(db)

    async def sent(
        write: Write, *, key: str = "k", asked: bytes = ASKED, now: datetime = NOW, scope: Scope | None = None
    ) -> Kept:
        return await once(db, scope or given.scope, key=key, request_hash=asked, now=now, run=write)

    return sent


async def test_a_repeat_gets_the_first_answer(send: Send) -> None:
    write = Write()
    assert await send(write) == Kept(201, b'{"run":1}')
    assert await send(write, now=NOW + timedelta(hours=1)) == Kept(201, b'{"run":1}', replayed=True)
    assert write.runs == 1


async def test_another_request_under_the_same_key_is_refused(send: Send) -> None:
    write = Write()
    await send(write)
    with pytest.raises(Invalid, match="new key"):
        await send(write, asked=b"b" * 32)
    assert write.runs == 1


async def test_keys_of_other_groups_are_other_keys(send: Send, db: Database) -> None:
    other = await groups.group(db, name="B")
    write = Write()
    await send(write)
    assert await send(write, scope=other.scope) == Kept(201, b'{"run":2}')


async def test_of_many_at_once_one_runs(send: Send) -> None:
    write = Write()
    write.may_end.clear()
    first = asyncio.ensure_future(send(write))
    await write.started.wait()
    with pytest.raises(Conflict) as conflict:
        await send(write)
    assert conflict.value.reason == IN_PROGRESS
    write.may_end.set()
    assert (await first).body == (await send(write)).body
    assert write.runs == 1


async def test_ten_racing_for_a_key_run_once(send: Send) -> None:
    write = Write()
    outcomes = await asyncio.gather(*(send(write) for _ in range(10)), return_exceptions=True)
    assert write.runs == 1
    assert all(isinstance(found, Kept | Conflict) for found in outcomes)


async def test_a_refused_write_is_not_remembered(send: Send) -> None:
    write = Write(status=422)
    assert (await send(write)).status == 422
    write.status = 201
    assert await send(write) == Kept(201, b'{"run":2}')


async def test_a_failed_write_is_not_remembered(send: Send) -> None:
    write = Write(error=RuntimeError("lost the connection"))
    with pytest.raises(RuntimeError):
        await send(write)
    write.error = None
    assert (await send(write)).status == 201


async def test_the_work_goes_on_when_the_client_leaves(send: Send) -> None:
    write = Write()
    write.may_end.clear()
    first = asyncio.ensure_future(send(write))
    await write.started.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    write.may_end.set()
    for _ in range(100):
        try:
            again = await send(write)
            break
        except Conflict:
            await asyncio.sleep(0.01)
    assert again == Kept(201, b'{"run":1}', replayed=True)


async def test_after_a_crash_nothing_runs_twice(send: Send, db: Database) -> None:
    given = await groups.group(db, name="C")
    async with db.transaction(given.scope) as tx:
        await tx.execute(
            "INSERT INTO idempotent_answer (group_id, key, request_hash, created_at)"
            " VALUES ($1, 'k', $2, $3)",
            given.group_id, ASKED, NOW,
        )  # fmt: skip
    write = Write()
    with pytest.raises(Conflict) as conflict:
        await send(write, scope=given.scope, now=NOW + RUNS_AT_MOST + timedelta(seconds=1))
    assert conflict.value.reason == INTERRUPTED
    assert write.runs == 0


async def test_a_key_is_free_again_after_a_day(send: Send) -> None:
    write = Write()
    await send(write)
    later = NOW + KEPT_FOR + timedelta(seconds=1)
    assert await send(write, asked=b"b" * 32, now=later) == Kept(201, b'{"run":2}')


@pytest.mark.parametrize("text", ["", " ", '""', "x" * 256, "clé", "a\tb"])
def test_a_key_is_short_and_printable(text: str) -> None:
    with pytest.raises(Invalid, match="printable ASCII"):
        read_key(text)


def test_the_same_request_is_the_same_whatever_the_order_of_its_keys() -> None:
    scope = Scope(1)
    assert fingerprint("q", {"a": 1, "b": [2]}, scope) == fingerprint("q", {"b": [2], "a": 1}, scope)
    assert fingerprint("q", {"a": 1}, scope) != fingerprint("q", {"a": 2}, scope)
    assert fingerprint("q", {"a": 1}, scope) != fingerprint("r", {"a": 1}, scope)
    assert fingerprint("q", {"a": 1}, scope) != fingerprint("q", {"a": 1}, Scope(1, store_id=2))
