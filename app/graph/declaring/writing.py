"""How a mutation is declared: who may call it, what it does, and how it refuses.

    @writes(roles=WRITERS)
    async def campaign_create(info: Info, tx: Transaction, input: …) -> CampaignPayload:
        \"\"\"Makes a campaign.\"\"\"

What is wrong with the input becomes `errors` of the payload, its other fields null and nothing changed. A missing
credential or role, and anything unforeseen, is a GraphQL error, and the payload is null: this mutation changed nothing,
and what those before it in the same request have done is still told.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLField

from app.auth.principal import Principal, Role
from app.db.auditing import Actor, record, seen
from app.db.database import Transaction
from app.db.preparing import OUTDATED
from app.domain.audited import kept_of
from app.errors import Conflict, Failure, Invalid, NotFound, Several, TooLarge
from app.graph.declaring.described import description_of, object_type
from app.graph.declaring.found import find_elsewhere, id_parameters
from app.graph.declaring.permitting import ROLES as ROLES
from app.graph.declaring.permitting import SHAPES
from app.graph.strawberry_parts import metadata
from app.values.ids import read_id, show_id
from app.values.scope import ScopeShape

TRIES = 3
"""How often a mutation is begun whose statements the server forgot; connections are made anew meanwhile."""
SHOWS_SECRET = "campaign-gateway-shows-secret"  # noqa: S105 - a key of metadata, not a secret
"""Where it is said that a mutation's payload may show a secret; see `shows_secret`."""


ADMINISTRATION = "campaign-gateway-administration"
"""Where it is said that a mutation is administration."""


@object_type
class UserError:
    """Something in the input that was wrong. Nothing was changed."""

    code: str = strawberry.field(description="What is wrong, for programs: NOT_FOUND, END_BEFORE_START, …")
    message: str = strawberry.field(description="What is wrong and what would be right, for people.")
    path: list[str] = strawberry.field(
        description="The input field it is about, outermost first; empty: the whole input."
    )


def errors_field() -> Any:
    """The `errors` of a payload."""
    return strawberry.field(default_factory=list, description="What was wrong; empty: it is done.")


def shows_secret(mutation: GraphQLField) -> bool:
    """Whether the payload of this mutation may show a secret, as `Selected.definition` or the schema has it.

    Such an answer is shown once: it is kept nowhere, not even to be replayed.
    """
    return bool(metadata(mutation, SHOWS_SECRET))


@dataclass(frozen=True, slots=True)
class Administration:
    """Says of a mutation that it is administration: what it does is written down (`db/auditing.py`)."""

    action: str
    """What is done, as the audit trail calls it: `store.update`."""
    table: str
    """Where the row is that it is done to, one of `auditing.KEPT` or `audited.DECLARED`; empty: there is none."""
    prefix: str
    """Of that row's id in the graph."""
    find: Callable[[Transaction, Any], Awaitable[int]] | None = None
    """How the input names that row, where it does not do so by `id`."""

    async def sent(self, tx: Transaction, input: Any) -> int | None:
        """The row that is to be changed, as the input names it; None where it is not there yet."""
        if self.table == "customer_group":
            return tx.scope.group_id
        if self.find is not None:
            return await self.find(tx, input)
        named = getattr(input, "id", None)
        return read_id(self.prefix, named) if isinstance(named, str) else None


def writes(
    *,
    roles: Collection[Role],
    description: str = "",
    secret: bool = False,
    administration: Administration | None = None,
    shapes: Collection[ScopeShape] = (),
) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """Declare a mutation that needs one of these roles.

    `secret`: its payload may show one (`shows_secret`). `administration`: it is written down in its transaction; the
    row it was done to is the one its payload shows. `shapes`: of a scope, where not any will do.

    A parameter `tx` is the mutation's transaction: all it writes is committed when it returns, or nothing is.

    Of `info` it reads the context and its path alone: it is called without the executor where that is possible.
    """

    def decorate(resolver: Callable[..., Awaitable[Any]]) -> Any:
        signature = inspect.signature(resolver)
        payload = signature.return_annotation
        shown = [one for one in signature.parameters.values() if one.name != "tx"]
        writes_rows = len(shown) < len(signature.parameters)
        ids = id_parameters(resolver)

        @functools.wraps(resolver)
        async def guarded(*, info: strawberry.Info, **arguments: Any) -> Any:
            context = info.context
            if context.made is not None:
                return context.made
            principal: Principal = context.principal
            principal.require(roles)
            try:
                if not writes_rows:
                    await find_elsewhere(context.transaction, arguments, ids)
                    return await resolver(info=info, **arguments)
                work = resolver if administration is None else written_down(administration, resolver)
                return await _within(context, work, ids, info=info, **arguments)
            except (Invalid, NotFound, Conflict, TooLarge) as failure:
                return payload(errors=told(failure))

        # A payload that may not be null would take those of its neighbours with it, whose work is committed.
        guarded.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=shown, return_annotation=payload | None
        )
        return strawberry.mutation(
            resolver=guarded,
            description=description or description_of(resolver),
            metadata={
                ROLES: frozenset(roles),
                SHOWS_SECRET: secret,
                ADMINISTRATION: administration,
                SHAPES: frozenset(shapes),
            },
        )

    return decorate


def written_down(
    administration: Administration, resolver: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    """The same, and who did it and what that changed is written down with it, or nothing of it.

    `writes` does it for mutations with a parameter `tx`; others do it for the part that has a transaction.
    """
    table = administration.table
    columns = kept_of(table)

    async def done(*, info: strawberry.Info, tx: Transaction, **arguments: Any) -> Any:
        context: Any = info.context
        context.changed = None
        ident = await administration.sent(tx, arguments["input"]) if table else None
        before = None if ident is None else await seen(tx, table, ident, columns=columns)
        payload = await resolver(info=info, tx=tx, **arguments)
        subject, after = str(context.changed or ""), None
        if table:
            ident = context.changed if ident is None else ident
            assert ident is not None, "administration shows the row that it was done to"
            subject, after = (
                show_id(administration.prefix, ident),
                await seen(tx, table, ident, columns=columns),
            )
            if before == after:
                return payload
        actor = Actor(context.principal.name, context.address)
        await record(
            tx, actor, administration.action, subject=subject, before=before, after=after, now=context.now
        )
        return payload

    return done


async def _within(
    context: Any, resolver: Callable[..., Awaitable[Any]], ids: frozenset[str], **arguments: Any
) -> Any:
    """Run it in a transaction: again, where a table was altered meanwhile, since it was undone then as if never run."""
    for left in reversed(range(TRIES)):
        try:
            async with context.transaction() as tx:
                await find_elsewhere(lambda: nullcontext(tx), arguments, ids)
                return await resolver(tx=tx, **arguments)
        except OUTDATED:
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def told(failure: Failure) -> list[UserError]:
    """A failure as errors of a payload; Several as one error each."""
    failures = failure.failures if isinstance(failure, Several) else [failure]
    return [
        UserError(code=f.reason, message=f.message, path=[str(part) for part in f.path]) for f in failures
    ]


@asynccontextmanager
async def rehearsal(tx: Transaction, *, only: bool) -> AsyncIterator[None]:
    """Undoes what is done inside if it is `only` a rehearsal: the same code runs, but nothing is written."""
    if not only:
        yield
        return
    async with tx.savepoint(keep=False):
        yield


def own_id(text: str, prefix: str, kind: str, *path: str | int) -> int:
    """The row id in an id of the graph; what cannot be one is not found, like an unknown id."""
    found = read_id(prefix, text)
    if found is None:
        raise NotFound(kind, text, path=path)
    return found


def given_id(value: str | None, prefix: str, kind: str, *path: str) -> int | None:
    """The same for a field for which absent and null mean the same."""
    text = given(value)
    return None if text is None else own_id(text, prefix, kind, *path)


def given(value: Any) -> Any:
    """A field for which absent and null mean the same."""
    return None if value is strawberry.UNSET else value


def optional(description: str) -> Any:
    """An input field for which absent and null mean the same: it is read by `given` or `given_id`."""
    return strawberry.field(default=strawberry.UNSET, description=description)
