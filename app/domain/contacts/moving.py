"""A person's address changes, as an audience's provider tells: what they said of writing to them goes along.

What was said of the old address before it was left is said of the new one as well, whichever of the two comes in first.
Nobody's address is taken away: where another customer has the new one, both keep theirs.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.contacts.saying import record
from app.domain.contacts.statements import Said, address_or_none
from app.errors import Conflict
from app.tables.contacts import ContactChannel, StatementKind

MAX_STEPS = 5
"""How often in a row an address is followed to its next one."""
MAX_EMAIL = 254

_MOVES = """
SELECT channel, subject, detail, said_at FROM contact_statement
 WHERE group_id = $1 AND kind = 'moved' AND subject = ANY ($2) AND detail <> '' ORDER BY channel, subject, source
"""
_SAID_BEFORE = """
SELECT * FROM contact_statement
 WHERE group_id = $1 AND channel = $2 AND subject = $3 AND first_said_at <= $4 AND NOT of_address ORDER BY id
"""
# The old address's owner, unless somebody has the new one, even somebody who was deleted.
_CHANGE = """
UPDATE customer c SET email = $4, email_key = $3, updated_at = $5
 WHERE c.group_id = $1 AND c.email_key = $2 AND c.deleted_at IS NULL
   AND NOT EXISTS (SELECT FROM customer o WHERE o.group_id = $1 AND o.email_key = $3)
RETURNING c.id
"""


async def followed(tx: Transaction, said: Collection[Said]) -> list[Said]:
    """What of this was said of addresses that have moved since, said of the next ones."""
    found: list[Said] = []
    step = [one for one in said if one.address is not None and not one.of_address]
    for _ in range(MAX_STEPS):
        rows = (
            await tx.fetch(_MOVES, tx.scope.group_id, sorted({one.subject for one in step})) if step else []
        )
        if not rows:
            break
        step = [
            replace(one, address=row["detail"], customer_id=None)
            for one in step
            for row in rows
            if (row["channel"], row["subject"]) == (one.channel, one.subject) and one.at <= row["said_at"]
        ]
        found += step
    return found


async def move_addresses(tx: Transaction, said: Sequence[Said], *, now: datetime) -> list[int]:
    """Let the moves among what was said, and recorded, take effect. The caller holds the old addresses' owners.

    Returns the customers who have another address now.
    """
    moved: list[int] = []
    moves = [one for one in said if one.kind is StatementKind.MOVED]
    for move in sorted(moves, key=lambda one: (one.at, one.subject)):
        assert move.address is not None
        assert move.detail is not None
        rows = await tx.fetch(_SAID_BEFORE, tx.scope.group_id, move.channel, move.subject, move.at)
        along = [
            Said(
                channel=ContactChannel(row["channel"]),
                kind=StatementKind(row["kind"]),
                source=row["source"],
                at=row["said_at"] if row["said_at"] <= move.at else row["first_said_at"],
                address=move.detail,
                customer_id=row["customer_id"],
                list=row["list"],
                detail=row["detail"],
            )
            for row in rows
        ]
        changed = await _change(tx, move.address, move.detail, now=now)
        moved += changed
        if changed or not await _has_owner(tx, move.detail):
            await record(tx, along, now=now)
    return moved


async def _change(tx: Transaction, old: str, new: str, *, now: datetime) -> list[int]:
    if len(new) > MAX_EMAIL or address_or_none(ContactChannel.EMAIL, new) is None:
        return []
    try:
        async with tx.savepoint():
            with refusals():
                return [row["id"] for row in await tx.fetch(_CHANGE, tx.scope.group_id, old, new, new, now)]
    except Conflict:  # Somebody took it at the same moment.
        return []


async def _has_owner(tx: Transaction, address: str) -> bool:
    found = await tx.fetchval(
        "SELECT true FROM customer WHERE group_id = $1 AND email_key = $2", tx.scope.group_id, address
    )
    return found is True
