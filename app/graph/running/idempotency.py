"""`Idempotency-Key`: a write sent twice happens once, and the second sender gets the first answer.

An answer is kept for a day, per customer group and key, and it is kept by the transaction that did what it tells: the
operation runs as a whole (`db/one_transaction.py`), and the answer is its last row. So there is no answer without its
effect and no effect without its answer, whatever dies in between, and a write that failed or died is simply sent
again. Where the answer to COMMIT was lost, the row says what became of it.

It is given again to whom it was given, and while they may still do what they did. One that shows a secret is not kept:
a repeat is told what was made.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from graphql import OperationType
from starlette.datastructures import UploadFile

from app.db.one_transaction import OneTransaction
from app.errors import Invalid
from app.graph.declaring.writing import shows_secret
from app.graph.running.checking import CheckedOperation
from app.graph.running.claims import KEY_REUSED, Claim, KeptAnswer
from app.graph.running.context import Context
from app.graph.running.entry import Answer, run
from app.values.scope import Scope


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
    if not is_done_once(checked, context):
        return await run(checked, context), False
    given: Answer | None = None

    async def write() -> KeptAnswer:
        nonlocal given
        given = await run(checked, context)
        return KeptAnswer(200, given.body, keep=_has_effect(given))

    kept = await once(checked, context, key=key, run=write)
    if given is not None and not kept.replayed:
        return given, False
    return Answer(kept.body, execution="resolved"), kept.replayed


def is_done_once(checked: CheckedOperation, context: Context) -> bool:
    """Whether a key has a meaning here: neither for a read, nor for what is refused before anything is done or told."""
    if checked.kind is not OperationType.MUTATION or checked.faults:
        return False
    return not checked.forbidden(context.principal)


def _has_effect(given: Answer) -> bool:
    """Whether something may have been done, or there is nothing wrong. One of several fields may have taken effect
    before the next one failed."""
    if given.execution in ("refused", "explained") or given.retry_after_s is not None:
        return False
    if not given.errors:
        return True
    data = None if given.data is None else msgspec.json.decode(given.data)
    return data is None or any(value is not None for value in data.values())


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
        await value.seek(0)
        while chunk := await value.read(1024 * 1024):
            digest.update(chunk)
        await value.seek(0)
        return [value.filename, value.content_type, digest.hexdigest()]
    return value


async def once(
    checked: CheckedOperation, context: Context, *, key: str, run: Callable[[], Awaitable[KeptAnswer]]
) -> KeptAnswer:
    """Run, or give the kept answer. Conflict while the first is at work; Invalid for another request.

    `run` runs the operation with this context.
    """
    is_secret = any(one.definition and shows_secret(one.definition) for one in checked.plan.tree.roots)
    operation, principal = checked.operation, context.principal
    values = await digested(operation.variables)
    assert isinstance(values, dict)

    async def work(one: OneTransaction) -> KeptAnswer:
        context.whole = one
        context.wrote.clear()
        try:
            made = await run()
        finally:
            context.whole = None
        return replace(made, is_secret=is_secret, made=" ".join(context.wrote))

    claim = Claim(
        context.services.db,
        context.scope,
        f"{principal.kind} {principal.name}",
        key,
        fingerprint(f"{operation.name or ''} {operation.query}", values, context.scope),
        context.now,
    )
    return await claim.once(work)


__all__ = [
    "KEY_REUSED",
    "KeptAnswer",
    "digested",
    "fingerprint",
    "is_done_once",
    "once",
    "read_key",
    "run_once",
]
