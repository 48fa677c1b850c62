"""`Idempotency-Key`: a write sent twice happens once, and the second sender gets the first answer.

Answers are kept per customer group and key for a day. A write that failed changed nothing, so it is not kept and may
be tried again. A write whose process died in between is kept as such: whether it took effect cannot be known from
here, and running it again might do it twice.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from graphql import OperationType
from starlette.datastructures import UploadFile

from app.db.database import Database
from app.errors import Conflict, Invalid
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context
from app.graph.running.entry import Answer, run
from app.values.scope import Scope

KEPT_FOR = timedelta(hours=24)
RUNS_AT_MOST = timedelta(minutes=5)
"""A request still without an answer after this long was interrupted."""
MAX_KEPT_BYTES = 1024 * 1024
"""Of one answer. A repeat of a larger one is told that it was done."""
_SHORTENED = (
    b'{"data":null,"errors":[{"message":"This was done when it came first. Its answer was too large to be kept: read'
    b' what you need with a query.","extensions":{"code":"ANSWER_NOT_KEPT"}}]}'
)
KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
INTERRUPTED = "IDEMPOTENCY_INTERRUPTED"

# Takes the key, or takes it over from an answer that is no longer kept. No row: somebody else has it.
TAKE = """
insert into idempotent_answer as kept (group_id, key, request_hash, status, answer, created_at)
values ($1, $2, $3, null, null, $4)
on conflict (group_id, key) do update
   set request_hash = excluded.request_hash, status = null, answer = null, created_at = excluded.created_at
 where kept.created_at < $5
returning true
"""
LOOK = (
    "select request_hash, status, answer, created_at from idempotent_answer where group_id = $1 and key = $2"
)
KEEP = (
    "update idempotent_answer set status = $3, answer = $4"
    " where group_id = $1 and key = $2 and created_at = $5"
)
FORGET = (
    "delete from idempotent_answer where group_id = $1 and key = $2 and status is null and created_at = $3"
)

_NOTHING_CHANGED = 400
"""Marks an answer that is not to be kept, so that the write may be tried again."""

_running: set["asyncio.Task[KeptAnswer]"] = set()


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer to keep, or one that was kept."""

    status: int
    body: bytes
    replayed: bool = False
    shortened: bytes | None = None
    """What is kept in its place, where it is too large to be."""


def read_key(text: str) -> str:
    """The key a client chose; Invalid says what it may look like."""
    key = text.strip().strip('"')
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Invalid("Idempotency-Key must be 1 to 255 printable ASCII characters, for example a UUID.")
    return key


async def run_once(checked: CheckedOperation, context: Context, *, key: str) -> tuple[Answer, bool]:
    """The answer to a GraphQL operation, and whether it is a kept one.

    Reads are run each time: their key is ignored. Raises Conflict while the first request is at work, Invalid where
    the key came with another request.
    """
    if checked.kind is not OperationType.MUTATION:
        return await run(checked, context), False
    operation = checked.operation
    fields = len(checked.definition.node.selection_set.selections)
    failed: list[Answer] = []

    async def write() -> KeptAnswer:
        given = await run(checked, context)
        # One of several fields may have taken effect before the next one failed: that must not run again.
        if given.execution in ("refused", "explained") or (given.errors and fields == 1):
            failed.append(given)
            return KeptAnswer(_NOTHING_CHANGED, given.body)
        return KeptAnswer(200, given.body, shortened=_SHORTENED if len(given.body) > MAX_KEPT_BYTES else None)

    values = await digested(operation.variables)
    assert isinstance(values, dict)
    asked = f"{operation.name or ''} {operation.query}"
    kept = await once(
        context.db,
        context.scope,
        key=key,
        request_hash=fingerprint(asked, values, context.scope),
        now=context.now,
        run=write,
    )
    if failed:
        return failed[0], False
    return Answer(kept.body, execution="resolved"), kept.replayed


def fingerprint(document: str, variables: Mapping[str, Any], scope: Scope) -> bytes:
    """A digest of what makes two requests the same: what they ask for, with which values, inside which borders.

    Uploads must have been replaced by their digest (`digested`).
    """
    asked = [document, variables, scope.store_id, scope.project_ids]
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).digest()


async def digested(value: object) -> object:
    """The same value with every upload replaced by its name, type and SHA-256, for comparing requests."""
    if isinstance(value, dict):
        return {key: await digested(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [await digested(inner) for inner in value]
    if isinstance(value, UploadFile):
        digest = hashlib.sha256()
        while chunk := await value.read(1024 * 1024):
            digest.update(chunk)
        await value.seek(0)
        return [value.filename, value.content_type, digest.hexdigest()]
    return value


async def once(
    db: Database,
    scope: Scope,
    *,
    key: str,
    request_hash: bytes,
    now: datetime,
    run: Callable[[], Awaitable[KeptAnswer]],
) -> KeptAnswer:
    """Run, or give the kept answer. Conflict while the first is at work; Invalid for another request.

    The work goes on when the client leaves: it will come back with the same key and ask what happened.
    """
    async with db.transaction(scope) as tx:
        if not await tx.fetchval(TAKE, scope.group_id, key, request_hash, now, now - KEPT_FOR):
            row = await tx.fetchrow(LOOK, scope.group_id, key)
            if row is None:  # The first one failed at this very moment, and its row is gone with it.
                raise Conflict(
                    "A request with this Idempotency-Key just ended; send it again.", code=IN_PROGRESS
                )
            return _remembered(row, request_hash, now)
    task = asyncio.create_task(_run_and_keep(db, scope, key, now, run))
    _running.add(task)
    task.add_done_callback(_running.discard)
    return await asyncio.shield(task)


def _remembered(row: Any, request_hash: bytes, now: datetime) -> KeptAnswer:
    if row["request_hash"] != request_hash:
        raise Invalid(
            "This Idempotency-Key came with a different request before; use a new key for a new request.",
            code=KEY_REUSED,
        )
    if row["status"] is not None:
        return KeptAnswer(row["status"], row["answer"], replayed=True)
    if now - row["created_at"] > RUNS_AT_MOST:
        raise Conflict(
            "The first request with this Idempotency-Key was interrupted; see whether it took effect, and use"
            " a new key if it did not.",
            code=INTERRUPTED,
        )
    raise Conflict("A request with this Idempotency-Key is still running; ask again later.", code=IN_PROGRESS)


async def _run_and_keep(
    db: Database, scope: Scope, key: str, now: datetime, run: Callable[[], Awaitable[KeptAnswer]]
) -> KeptAnswer:
    try:
        kept = await run()
    except Exception:
        await _forget(db, scope, key, now)
        raise
    if kept.status >= 400:
        await _forget(db, scope, key, now)
        return kept
    async with db.transaction(scope) as tx:
        await tx.execute(KEEP, scope.group_id, key, kept.status, kept.shortened or kept.body, now)
    return kept


async def _forget(db: Database, scope: Scope, key: str, now: datetime) -> None:
    async with db.transaction(scope) as tx:
        await tx.execute(FORGET, scope.group_id, key, now)
