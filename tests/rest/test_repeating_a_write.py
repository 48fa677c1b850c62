"""`Idempotency-Key`: sent twice, done once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.db.database import Database
from app.db.one_transaction import OneTransaction
from app.errors import Conflict, Invalid
from app.graph.running.claims import IN_PROGRESS, KEPT_FOR, KEY_REUSED, SECRET_NOT_KEPT, Claim
from app.graph.running.idempotency import KeptAnswer, fingerprint, read_key
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
        self.is_secret = False
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, _: OneTransaction) -> KeptAnswer:
        self.runs += 1
        self.started.set()
        await self.may_end.wait()
        if self.error:
            raise self.error
        body = b'{"run":%d}' % self.runs
        return KeptAnswer(self.status, body, keep=self.status < 400, is_secret=self.is_secret, made="key_1")


Send = Callable[..., Awaitable[KeptAnswer]]


@pytest.fixture
async def send(db: Database) -> Send:
    """Send a write of one group."""
    given = await groups.group(db)

    async def sent(
        write: Write,
        *,
        key: str = "k",
        asked: bytes = ASKED,
        now: datetime = NOW,
        scope: Scope | None = None,
        principal: str = "token user:1",
    ) -> KeptAnswer:
        kept = await Claim(db, scope or given.scope, principal, key, asked, now).once(write)
        return KeptAnswer(kept.status, kept.body, kept.replayed)

    return sent


async def test_a_repeat_gets_the_first_answer(send: Send) -> None:
    write = Write()
    assert await send(write) == KeptAnswer(201, b'{"run":1}')
    assert await send(write, now=NOW + timedelta(hours=1)) == KeptAnswer(201, b'{"run":1}', replayed=True)
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
    assert await send(write, scope=other.scope) == KeptAnswer(201, b'{"run":2}')


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
    assert all(isinstance(found, KeptAnswer | Conflict) for found in outcomes)


async def test_a_refused_write_is_not_remembered(send: Send) -> None:
    write = Write(status=422)
    assert (await send(write)).status == 422
    write.status = 201
    assert await send(write) == KeptAnswer(201, b'{"run":2}')


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
    assert again == KeptAnswer(201, b'{"run":1}', replayed=True)


async def test_what_never_ended_stands_in_nobodys_way(send: Send, db: Database) -> None:
    """A version that noted keys beforehand left them behind when it was killed."""
    given = await groups.group(db, name="C")
    async with db.transaction(given.scope) as tx:
        await tx.execute(
            "INSERT INTO idempotent_answer (group_id, key, request_hash, created_at)"
            " VALUES ($1, 'k', $2, $3)",
            given.group_id, ASKED, NOW,
        )  # fmt: skip
    write = Write()
    assert await send(write, scope=given.scope) == KeptAnswer(201, b'{"run":1}')
    assert await send(write, scope=given.scope) == KeptAnswer(201, b'{"run":1}', replayed=True)


async def test_nobody_else_gets_the_answer(send: Send) -> None:
    write = Write()
    await send(write)
    with pytest.raises(Invalid) as refused:
        await send(write, principal="token user:2")
    assert refused.value.reason == KEY_REUSED
    assert write.runs == 1


async def test_a_secret_is_told_once_and_then_what_was_made(send: Send) -> None:
    write = Write()
    write.is_secret = True
    assert (await send(write)).body == b'{"run":1}'
    with pytest.raises(Conflict, match="key_1") as refused:
        await send(write)
    assert refused.value.reason == SECRET_NOT_KEPT
    assert write.runs == 1


async def test_a_key_is_free_again_after_a_day(send: Send) -> None:
    write = Write()
    await send(write)
    later = NOW + KEPT_FOR + timedelta(seconds=1)
    assert await send(write, asked=b"b" * 32, now=later) == KeptAnswer(201, b'{"run":2}')


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
