"""A GraphQL mutation that carries an `Idempotency-Key`: sent twice, done once."""

from graphql import OperationType

from app.errors import Failure
from app.graph.running.context import Context
from app.graph.running.entry import Answer, Operation, answer
from app.graph.running.idempotency import Kept, digested, fingerprint, once, read_key
from app.graph.running.preparing import Rejected, prepare

_NOTHING_CHANGED = 400
"""What is not remembered, so that it may be tried again."""


async def answer_once(operation: Operation, context: Context, *, key: str) -> tuple[Answer, bool]:
    """The answer, and whether it is a remembered one. Reads are run each time: their key means nothing.

    Raises Conflict while the first request is at work, Invalid where the key came with another request.
    """
    key = read_key(key)
    fields = _written_fields(operation, context)
    if not fields:
        return await answer(operation, context), False
    failed: list[Answer] = []

    async def run() -> Kept:
        given = await answer(operation, context)
        # Of several fields one may have taken effect before the next one failed: that is not run again.
        if given.execution in ("refused", "explained") or (given.errors and fields == 1):
            failed.append(given)
            return Kept(_NOTHING_CHANGED, given.body)
        return Kept(200, given.body)

    values = await digested(operation.variables)
    assert isinstance(values, dict)
    asked = f"{operation.name or ''} {operation.query}"
    kept = await once(
        context.db,
        context.scope,
        key=key,
        request_hash=fingerprint(asked, values, context.scope),
        now=context.now,
        run=run,
    )
    if failed:
        return failed[0], False
    return Answer(kept.body, execution="resolved"), kept.replayed


def _written_fields(operation: Operation, context: Context) -> int:
    """How many selections a mutation has at its root; 0 for anything else."""
    try:
        chosen = prepare(operation, context).operation
    except (Rejected, Failure):
        return 0  # `answer` says why
    return len(chosen.node.selection_set.selections) if chosen.kind is OperationType.MUTATION else 0
