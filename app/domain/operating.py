"""What the operator does to parts of a group (`gateway projects`, …), written down like what a credential does."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from app.db.auditing import OPERATOR, record, seen
from app.db.database import Database, Transaction
from app.domain.audited import kept_of
from app.values.ids import show_id
from app.values.scope import Scope

_PREFIXES = {"store": "store", "project": "proj", "webhook_connection": "hook"}
"""By table, the prefix of its ids."""


async def operate(
    db: Database,
    group_id: int,
    action: str,
    table: str,
    work: Callable[[Transaction], Awaitable[int]],
    *,
    ident: int | None = None,
    now: datetime,
) -> int:
    """Do it inside the group, and keep what it changed of the row; that row's id. `ident`: the row, if it is there."""
    columns = kept_of(table)
    async with db.transaction(Scope(group_id)) as tx:
        before = None if ident is None else await seen(tx, table, ident, columns=columns)
        done = await work(tx)
        after = await seen(tx, table, done, columns=columns)
        if before != after:
            subject = show_id(_PREFIXES[table], done)
            await record(tx, OPERATOR, action, subject=subject, before=before, after=after, now=now)
    return done
