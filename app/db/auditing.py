"""Who did what: administration is written down in the transaction that does it, and nothing changes it afterwards.

Of keys, clients and connections, whose rows hold secrets, and of orders, what may be kept is named here, column by
column. Of what is set by a declaration the declaration says it (`domain/audited.py`).
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from app.db.database import Database, Transaction
from app.values.scope import Scope

KEPT = {
    "api_key": (
        "name", "hint", "access", "personal_data", "administration", "store_id", "expires_at", "revoked_at",
        "rotated_at", "previous_until",
    ),
    "oauth_client": ("client_id", "name", "roles", "store_id", "revoked_at"),
    "import_run": ("what", "system", "told", "is_dry", "file_name", "file_size", "state", "cancel_at"),
    # Not its reference, which often says who bought.
    "customer_order": (
        "customer_id", "store_id", "campaign_id", "promo_id", "channel", "amount", "currency", "ordered_at", "refunded",
        "cancelled_at",
    ),
    "webhook_connection": ("provider", "status", "tolerance_s", "previous_until", "rotated_at", "disconnected_at"),
}  # fmt: skip
"""The columns that are kept of each of these kinds of rows."""

_INSERT = """
INSERT INTO audit_entry (group_id, created_at, actor, address, action, subject, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7::json, $8::json)
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it, and from where."""

    name: str
    address: str | None = None
    """The client's; None where there was no request."""


OPERATOR = Actor("cli")
"""Whoever runs `gateway` commands."""


async def seen(
    tx: Transaction, table: str, ident: int, *, columns: Collection[str] = ()
) -> dict[str, Any] | None:
    """A row as it may be kept; None where there is none. `columns`: those of KEPT unless said."""
    chosen = ", ".join(columns or KEPT[table])
    tenant, key = ("id", "id") if table == "customer_group" else ("group_id", "id")
    text = await tx.fetchval(
        f"SELECT to_json(kept)::text FROM (SELECT {chosen} FROM {table} WHERE {tenant} = $1 AND {key} = $2) kept",
        tx.scope.group_id,
        ident,
    )
    return None if text is None else dict(msgspec.json.decode(text))


async def record(
    tx: Transaction,
    actor: Actor,
    action: str,
    *,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Write it down. `subject` is what was done it to, by its id in the graph."""
    await tx.execute(
        _INSERT,
        tx.scope.group_id,
        now,
        actor.name,
        actor.address or None,
        action,
        subject,
        None if before is None else msgspec.json.encode(before).decode(),
        None if after is None else msgspec.json.encode(after).decode(),
    )


CHUNK = 500
_ENTRIES = """
SELECT id, created_at, actor, address, action, subject, before::text AS before, after::text AS after,
       detail::text AS detail
  FROM audit_entry
 WHERE group_id = $1 AND ($2::timestamptz IS NULL OR created_at >= $2)
   AND ($3::timestamptz IS NULL OR (created_at, id) > ($3, $4::bigint))
 ORDER BY created_at, id LIMIT $5
"""


async def entries(db: Database, group_id: int, *, since: datetime | None) -> AsyncIterator[dict[str, Any]]:
    """What was done in a group, oldest first, for the operator."""
    at, last = None, 0
    while True:
        async with db.transaction(Scope(group_id)) as tx:
            rows = await tx.fetch(_ENTRIES, group_id, since, at, last, CHUNK)
        for row in rows:
            entry = dict(row)
            at, last = entry["created_at"], entry.pop("id")
            for name in ("before", "after", "detail"):
                entry[name] = None if entry[name] is None else msgspec.json.decode(entry[name])
            yield entry
        if len(rows) < CHUNK:
            return
