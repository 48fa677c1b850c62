"""What happens once per key: the work and its answer are kept by one transaction, or neither is.

There is no claim that could outlive whoever made it. Whoever comes second waits a moment for the first one's end; and
should both have worked, the row's key lets one of them be kept, and the other one's work is undone.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from app.db.database import Database
from app.db.one_transaction import OneTransaction, Undo, one_transaction
from app.db.outages import Away, Busy, Unknown
from app.errors import Conflict, Invalid, Unavailable
from app.values.scope import Scope

KEPT_FOR = timedelta(hours=24)
KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
SECRET_NOT_KEPT = "IDEMPOTENCY_SECRET_NOT_KEPT"  # noqa: S105 - a code, not a secret
FINDS_OUT_AFTER_S = (0.0, 0.2, 0.5, 1.0, 2.0)
"""The pauses before each look at what became of a COMMIT whose answer was lost."""

LOOK = """
select principal, request_hash, status, answer, made from idempotent_answer
 where group_id = $1 and key = $2 and created_at >= $3 and status is not null
"""
# No row: somebody else has kept an answer under this key meanwhile.
KEEP = """
insert into idempotent_answer as kept (group_id, key, principal, request_hash, status, answer, made, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (group_id, key) do update
   set principal = excluded.principal, request_hash = excluded.request_hash, status = excluded.status,
       answer = excluded.answer, made = excluded.made, created_at = excluded.created_at
 where kept.created_at < $9 or kept.status is null
returning true
"""

_running: set["asyncio.Task[KeptAnswer]"] = set()


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer to keep, or one that was kept."""

    status: int
    body: bytes
    replayed: bool = False
    keep: bool = True
    """Otherwise nothing is kept of the whole operation, so that it may be tried again."""
    is_secret: bool = False
    """It is told this once, and not kept."""
    made: str = ""
    """The ids of what was made, with a space in between."""


MAX_KEPT_BYTES = 1024 * 1024
"""Of one answer. A repeat of a larger one is told that it was done."""
_NOT_KEPT = (
    b'{"data":null,"errors":[{"message":"This was done when it came first. Its answer was too large to be kept: read'
    b' what you need with a query.","extensions":{"code":"ANSWER_NOT_KEPT"}}]}'
)

Work = Callable[[OneTransaction], Awaitable[KeptAnswer]]
"""What is to be done once. All that it does, it does by this one transaction."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One request with a key."""

    db: Database
    scope: Scope
    principal: str
    """Whose request it is: answers are theirs alone."""
    key: str
    request_hash: bytes
    """Of what makes two requests the same."""
    now: datetime

    @property
    def _lock(self) -> int:
        digest = hashlib.blake2b(f"{self.scope.group_id} {self.key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, signed=True)

    async def once(self, run: Work) -> KeptAnswer:
        """Run, or give the kept answer. Conflict while the first is at work; Invalid for another request.

        The work goes on when the client leaves: it will come back with the same key and ask what happened.
        """
        task = asyncio.create_task(self._run_and_keep(run))
        _running.add(task)
        task.add_done_callback(_running.discard)
        return await asyncio.shield(task)

    async def _run_and_keep(self, run: Work) -> KeptAnswer:
        try:
            kept = await self._in_one(run)
        except Unknown:
            kept = await self._found_out()
        if kept is None:
            # Somebody else did the same meanwhile, and what we did is undone.
            kept = await self._look()
        if kept is None:
            raise Conflict("A request with this Idempotency-Key just ended; send it again.", code=IN_PROGRESS)
        return kept

    async def _in_one(self, run: Work) -> KeptAnswer | None:
        given: KeptAnswer | None = None
        try:
            async with one_transaction(self.db, self.scope, lock=self._lock) as one:
                found = await one.settle(*self._looked_up())
                if found is not None:
                    return self._remembered(found)
                made = await run(one)
                if not made.keep:
                    given = made
                    raise Undo
                if not await one.settle(KEEP, *self._kept(made)):
                    raise Undo
                given = made
        except Busy as problem:
            if given is None and isinstance(problem.__cause__, asyncpg.LockNotAvailableError):
                raise Conflict(
                    "A request with this Idempotency-Key is still running; ask again later.", code=IN_PROGRESS
                ) from problem
            raise
        return given

    async def _found_out(self) -> KeptAnswer | None:
        """What was kept by a COMMIT whose answer was lost. Away: nothing was, or it could not be found out."""
        for pause_s in FINDS_OUT_AFTER_S:
            await asyncio.sleep(pause_s)
            try:
                # The lock is had when the lost session has ended, so what is seen then is what stays.
                async with one_transaction(self.db, self.scope, lock=self._lock) as one:
                    found = await one.settle(*self._looked_up())
            except Unavailable:
                continue
            if found is not None:
                return self._remembered(found, replayed=False)
            raise Away("The connection to the database broke and nothing was done. Please send it again.")
        raise Away(
            "The connection to the database broke, and whether this was done is not known yet. Send it again with the"
            " same Idempotency-Key: it is done once."
        )

    async def _look(self) -> KeptAnswer | None:
        async with self.db.transaction(self.scope, writes=False) as tx:
            found = await tx.fetchrow(*self._looked_up())
        return None if found is None else self._remembered(found)

    def _looked_up(self) -> tuple[Any, ...]:
        return LOOK, self.scope.group_id, self.key, self.now - KEPT_FOR

    def _kept(self, made: KeptAnswer) -> tuple[Any, ...]:
        now = self.now
        return (
            self.scope.group_id, self.key, self.principal, self.request_hash, made.status,
            None if made.is_secret else _short(made.body), made.made or None, now, now - KEPT_FOR,
        )  # fmt: skip

    def _remembered(self, row: Any, *, replayed: bool = True) -> KeptAnswer:
        if row["principal"] != self.principal:
            raise Invalid(
                "This Idempotency-Key came with another credential before; use a new key.", code=KEY_REUSED
            )
        if row["request_hash"] != self.request_hash:
            raise Invalid(
                "This Idempotency-Key came with a different request before; use a new key for a new request.",
                code=KEY_REUSED,
            )
        if row["answer"] is None:
            made = f" It made {', '.join(row['made'].split())}." if row["made"] else ""
            raise Conflict(
                "This was done when the key came first. Its answer showed a secret, which is shown once and kept"
                f" nowhere.{made}",
                code=SECRET_NOT_KEPT,
            )
        return KeptAnswer(row["status"], row["answer"], replayed=replayed)


def _short(body: bytes) -> bytes:
    return body if len(body) <= MAX_KEPT_BYTES else _NOT_KEPT


__all__ = ["IN_PROGRESS", "KEPT_FOR", "KEY_REUSED", "SECRET_NOT_KEPT", "Claim", "KeptAnswer"]
