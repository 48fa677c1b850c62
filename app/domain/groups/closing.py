"""Stores deleted; partners and agreements archived. None of them while something that lives hangs on it; all of them
can be had back.

What is closed stays as a row with a date, since campaigns, orders and ledgers of the past name it; nothing new can.
"""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.groups.operations import LOCK_GROUP, whole_group
from app.errors import Conflict, NotFound
from app.values.ids import show_id

IN_USE = "IN_USE"
NAMED = 3
"""How many of what hangs on something are named; of the others it is said how many they are."""

_ALIVE = "campaign.group_id = $1 AND campaign.deleted_at IS NULL AND campaign.status <> 'completed'"
# Campaigns that traffic made by itself are no reason: they never end.
_CAMPAIGNS = f"SELECT id, name FROM campaign WHERE {_ALIVE} AND campaign.is_explicit AND {{tie}} ORDER BY id"
_PAYS = """
SELECT flow.campaign_id FROM flow JOIN {table} AS child ON child.group_id = $1 AND child.flow_id = flow.id
 WHERE flow.group_id = $1 AND flow.deleted_at IS NULL AND child.partner_id = $2
"""
_OF_PARTNER = f"""(campaign.partner_id = $2 OR campaign.id IN (
{" UNION ALL ".join(_PAYS.format(table=table) for table in ("flow_action", "flow_condition", "flow_multiplier"))}
 UNION ALL SELECT goal.campaign_id FROM goal WHERE goal.group_id = $1 AND goal.partner_id = $2))"""
_PROJECTS = """
SELECT id, name FROM project
 WHERE group_id = $1 AND store_id = $2 AND archived_at IS NULL AND NOT is_internal ORDER BY id
"""
_PARTNERSHIPS = """
SELECT id, name FROM partnership WHERE group_id = $1 AND {column} = $2 AND archived_at IS NULL ORDER BY id
"""
# Locked as a whole: whoever makes something that names the row holds its key, and is waited for, or waits.
_STORE = """
SELECT is_default, EXISTS (SELECT FROM store other WHERE other.group_id = $1 AND other.id <> $2
                              AND other.deleted_at IS NULL) AS has_others
  FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE OF store
"""
_DELETE_STORE = """
UPDATE store SET deleted_at = $3, updated_at = $3, is_default = false WHERE group_id = $1 AND id = $2
"""
_CLOSED_STORE = "SELECT id FROM store WHERE group_id = $1 AND id = $2 FOR UPDATE"
# A group whose only store it is has a default one again.
_RESTORE_STORE = """
UPDATE store SET deleted_at = NULL, updated_at = $3,
       is_default = NOT EXISTS (SELECT FROM store other WHERE other.group_id = $1 AND other.is_default)
 WHERE group_id = $1 AND id = $2 AND deleted_at IS NOT NULL
"""
_PARTNER = "SELECT id FROM partner WHERE group_id = $1 AND id = $2 FOR UPDATE"
_PARTNERSHIP = """
SELECT partner_id, store_id FROM partnership
 WHERE group_id = $1 AND id = $2 AND ($3::bigint IS NULL OR store_id = $3) FOR UPDATE
"""
_STILL_THERE = """
SELECT (SELECT archived_at FROM partner WHERE group_id = $1 AND id = $2) IS NULL
       AND (SELECT deleted_at FROM store WHERE group_id = $1 AND id = $3) IS NULL
"""


async def delete_store(tx: Transaction, store_id: int, *, now: datetime) -> int:
    """Close a store until it is restored; the id. The default one goes last, when there is no other."""
    whole_group(tx)
    await tx.execute(LOCK_GROUP, tx.scope.group_id)
    found = await tx.fetchrow(_STORE, tx.scope.group_id, store_id)
    if found is None:
        raise NotFound("store", store_id, path=["id"])
    if found["is_default"] and found["has_others"]:
        raise Conflict(
            "This is the group's default store; make another one the default first.",
            path=["id"],
            code="DEFAULT_STORE",
        )
    await _refuse_what_lives(
        tx,
        store_id,
        "store",
        (_CAMPAIGNS.format(tie="campaign.store_id = $2"), "camp", "campaign", "complete or delete"),
        (_PROJECTS, "proj", "project", "archive"),
        (_PARTNERSHIPS.format(column="store_id"), "pship", "agreement", "archive"),
    )
    await tx.execute(_DELETE_STORE, tx.scope.group_id, store_id, now)
    return store_id


async def restore_store(tx: Transaction, store_id: int, *, now: datetime) -> int:
    """Open a store again, with all that was made in it, its beacon key and its credentials; the id. Twice is once."""
    whole_group(tx)
    await tx.execute(LOCK_GROUP, tx.scope.group_id)
    if await tx.fetchval(_CLOSED_STORE, tx.scope.group_id, store_id) is None:
        raise NotFound("store", store_id, path=["id"])
    await tx.execute(_RESTORE_STORE, tx.scope.group_id, store_id, now)
    return store_id


async def archive_partner(tx: Transaction, partner_id: int, *, now: datetime) -> int:
    """Let nothing new name the partner; the id. Doing it twice changes nothing more."""
    await _lock_partner(tx, partner_id)
    await _refuse_what_lives(
        tx,
        partner_id,
        "partner",
        (_CAMPAIGNS.format(tie=_OF_PARTNER), "camp", "campaign", "complete or delete"),
        (_PARTNERSHIPS.format(column="partner_id"), "pship", "agreement", "archive"),
    )
    await _set_archived(tx, "partner", partner_id, now)
    return partner_id


async def restore_partner(tx: Transaction, partner_id: int) -> int:
    """Take the partner again; the id."""
    await _lock_partner(tx, partner_id)
    await _set_archived(tx, "partner", partner_id, None)
    return partner_id


async def archive_partnership(tx: Transaction, partnership_id: int, *, now: datetime) -> int:
    """Let no campaign be made under the agreement; the id. Doing it twice changes nothing more."""
    await _lock_partnership(tx, partnership_id)
    tie = "campaign.partnership_id = $2"
    await _refuse_what_lives(
        tx,
        partnership_id,
        "agreement",
        (_CAMPAIGNS.format(tie=tie), "camp", "campaign", "complete or delete"),
    )
    await _set_archived(tx, "partnership", partnership_id, now)
    return partnership_id


async def restore_partnership(tx: Transaction, partnership_id: int) -> int:
    """Take the agreement again; the id. Conflict where its partner or its store is gone."""
    partner_id, store_id = await _lock_partnership(tx, partnership_id)
    if not await tx.fetchval(_STILL_THERE, tx.scope.group_id, partner_id, store_id):
        raise Conflict(
            "The partner of this agreement is archived or its store deleted.", path=["id"], code="ARCHIVED"
        )
    await _set_archived(tx, "partnership", partnership_id, None)
    return partnership_id


async def _lock_partner(tx: Transaction, partner_id: int) -> None:
    whole_group(tx)
    if await tx.fetchval(_PARTNER, tx.scope.group_id, partner_id) is None:
        raise NotFound("partner", partner_id, path=["id"])


async def _lock_partnership(tx: Transaction, partnership_id: int) -> tuple[int, int]:
    found = await tx.fetchrow(_PARTNERSHIP, tx.scope.group_id, partnership_id, tx.scope.store_id)
    if found is None:
        raise NotFound("partnership", partnership_id, path=["id"])
    return found["partner_id"], found["store_id"]


async def _set_archived(tx: Transaction, table: str, ident: int, at: datetime | None) -> None:
    await tx.execute(
        f"UPDATE {table} SET archived_at = $3"
        " WHERE group_id = $1 AND id = $2 AND (archived_at IS NULL) = ($3::timestamptz IS NOT NULL)",
        tx.scope.group_id, ident, at,
    )  # fmt: skip


async def _refuse_what_lives(
    tx: Transaction, ident: int, kind: str, *lists: tuple[str, str, str, str]
) -> None:
    """Conflict that says all that hangs on it: of each list the statement, the id's prefix, the word, the way out."""
    said = []
    for statement, prefix, word, way_out in lists:
        rows = await tx.fetch(statement, tx.scope.group_id, ident)
        if rows:
            said.append(_sentence([(row["id"], row["name"]) for row in rows], prefix, word, way_out))
    if said:
        raise Conflict(f"Something hangs on this {kind}. {' '.join(said)}", path=["id"], code=IN_USE)


def _sentence(rows: Sequence[tuple[int, str]], prefix: str, word: str, way_out: str) -> str:
    named = ", ".join(f"{name} ({show_id(prefix, ident)})" for ident, name in rows[:NAMED])
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    words = word if len(rows) == 1 else f"{word}s"
    them = "it" if len(rows) == 1 else "them"
    return f"{len(rows)} {words}, {named}{more}: {way_out} {them} first."
