"""What was decided about who is who, written."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.contacts.saying import settle
from app.domain.identities.deciding import Decisions
from app.domain.identities.moving import join_customers, log_merges, move_by_keys, move_said
from app.domain.identities.people import ROW, TRACKER, Held
from app.domain.identities.reading import Taken, columns_of
from app.domain.segments.changes import note_audience_change
from app.tables.people import MergeReason

# A deleted customer who comes back is restored, as in an upsert; not one who turned out to be somebody else.
_REVIVE = """
UPDATE customer SET deleted_at = NULL, updated_at = $3
 WHERE group_id = $1 AND id = ANY ($2) AND merged_into_id IS NULL
"""
_MAKE = """
INSERT INTO customer (group_id, created_at, updated_at, store_id, name, email, email_key, phone, phone_key)
SELECT $1, $2, $2, given.store_id, given.name, given.email, given.email_key, given.phone, given.phone
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
    WITH ORDINALITY AS given (store_id, name, email, email_key, phone, place)
 ORDER BY place
RETURNING id
"""
_FILL = """
UPDATE customer c
   SET name = CASE WHEN c.name = '' THEN coalesce(given.name, '') ELSE c.name END,
       email = coalesce(c.email, given.email), email_key = coalesce(c.email_key, given.email_key),
       phone = coalesce(c.phone, given.phone),
       phone_key = CASE WHEN c.phone IS NULL THEN given.phone ELSE c.phone_key END,
       is_phone_told = c.is_phone_told AND c.phone IS NOT NULL, updated_at = $2
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS given (id, name, email, email_key, phone)
 WHERE c.group_id = $1 AND c.id = given.id
"""
_CLEAR = """
UPDATE customer SET email = NULL, email_key = NULL, updated_at = $3 WHERE group_id = $1 AND id = ANY ($2)
"""
_ATTACH = """
INSERT INTO customer_identity (group_id, created_at, project_id, kind, value, customer_id, is_vouched, is_shared)
SELECT $1, $2, given.*
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::boolean[], $8::boolean[]) AS given
ON CONFLICT (group_id, project_id, kind, value) DO NOTHING
RETURNING id, project_id, kind, value
"""
_CHANGE = """
UPDATE customer_identity i
   SET customer_id = given.customer_id, is_vouched = given.is_vouched, is_shared = given.is_shared,
       is_pinned = given.is_pinned, said_with = given.said_with::bigint[], claimed_with = given.claimed_with::bigint[]
  FROM unnest($2::bigint[], $3::bigint[], $4::boolean[], $5::boolean[], $6::boolean[], $7::text[], $8::text[])
    AS given (id, customer_id, is_vouched, is_shared, is_pinned, said_with, claimed_with)
 WHERE i.group_id = $1 AND i.id = given.id
"""
_DOUBT = """
INSERT INTO customer_doubt (group_id, created_at, customer_id, other_id, reason, kind, value)
SELECT $1, $2, given.*
  FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[]) AS given
"""
_CLAIM = """
UPDATE interaction i SET customer_id = given.customer_id, identity_id = given.identity_id
  FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
    AS given (project_id, tracker_id, customer_id, identity_id)
 WHERE i.group_id = $1 AND i.project_id = given.project_id AND i.tracker_id = given.tracker_id
   AND i.customer_id IS NULL
"""


async def write(tx: Transaction, decided: Decisions, *, now: datetime) -> dict[int, int]:
    """Write what is new. Returns the real ids of customers that were made, by number."""
    group_id = tx.scope.group_id
    if decided.cleared:
        await tx.execute(_CLEAR, group_id, sorted(decided.cleared), now)
    ids = await _make(tx, decided, now=now)
    gone = {one.id for one in decided.customers.values() if one.is_gone}
    back = sorted(gone & decided.back)
    if back:
        await tx.execute(_REVIVE, group_id, back, now)
    new = await _attach(tx, decided, ids, now=now)
    moved = [(ident, one, ids.get(into, into)) for ident, one, into in decided.moved]
    if moved:
        await move_by_keys(tx, moved, now=now)
    if decided.cleared:
        await move_said(
            tx, [(one, ids.get(into, into), email) for one, (into, email) in sorted(decided.cleared.items())]
        )
    merges = {one: ids.get(into, into) for one, into in decided.merged.items()}
    if merges:
        found = await join_customers(tx, merges, now=now)
        await log_merges(
            tx, list(merges.items()), [found[one] for one in merges], reason=MergeReason.KEY, now=now
        )
    if decided.doubts:
        doubts = decided.doubts
        customers = [ids.get(one.customer, one.customer) for one in doubts]
        others = [None if one.other is None else ids.get(one.other, one.other) for one in doubts]
        await tx.execute(
            _DOUBT, group_id, now, customers, others, [one.reason for one in doubts],
            [one.key[1] for one in doubts], [one.key[2] for one in doubts],
        )  # fmt: skip
    # What was said of writing to an address goes with it. Of customers who are new the worker looks for it.
    told = {*merges.values(), *(one for one in decided.fresh if one > 0), *decided.cleared}
    await settle(tx, told | {ids.get(into, into) for into, _ in decided.cleared.values()}, now=now)
    if ids or decided.fresh or merges or back or moved:
        await note_audience_change(tx)
    trackers = [row for row in decided.rows.values() if row.key[1] == TRACKER]
    if trackers:
        await tx.execute(
            _CLAIM, group_id, [row.key[0] for row in trackers], [row.key[2] for row in trackers],
            [_owner(decided, ids, row) for row in trackers], [row.id for row in trackers],
        )  # fmt: skip
    # Whoever is merged, or has a tracker's visits now, has another journey.
    changed = {*merges, *merges.values(), *(row.owner for row in new)}
    await note_sales(tx, changed | {one for _, *both in moved for one in both})
    return ids


async def _make(tx: Transaction, decided: Decisions, *, now: datetime) -> dict[int, int]:
    """Customers to be made, and what others lack."""
    ids: dict[int, int] = {}
    # In the order of the unique keys, so that two requests that make the same customers cannot deadlock.
    made = sorted((n for n in decided.fresh if n < 0), key=lambda n: (decided.fresh[n].email_key or "", -n))
    if made:
        rows = [decided.fresh[n] for n in made]
        inserted = await tx.fetch(
            _MAKE, tx.scope.group_id, now, [row.store_id for row in rows], [row.name or "" for row in rows],
            [row.email for row in rows], [row.email_key for row in rows], [row.phone for row in rows],
        )  # fmt: skip
        ids = {n: row["id"] for n, row in zip(made, inserted, strict=True)}
    lacking = sorted(n for n in decided.fresh if n > 0)
    if lacking:
        told = [decided.fresh[n] for n in lacking]
        await tx.execute(
            _FILL, tx.scope.group_id, now, lacking, [one.name for one in told], [one.email for one in told],
            [one.email_key for one in told], [one.phone for one in told],
        )  # fmt: skip
    return ids


async def _attach(
    tx: Transaction, decided: Decisions, ids: Mapping[int, int], *, now: datetime
) -> list[Held]:
    """Write identities: the new ones, which are returned, and what changed of others."""
    new = [decided.rows[key] for key in sorted(decided.rows) if not decided.rows[key].id]
    if new:
        for row in new:
            home = decided.home_of(row.key)
            row.owner = ids.get(home, home)
        keys = [row.key for row in new]
        rows = await tx.fetch(
            _ATTACH, tx.scope.group_id, now, *columns_of(keys), [row.owner for row in new],
            [row.is_vouched for row in new], [row.is_shared for row in new],
        )  # fmt: skip
        if len(rows) < len(new):
            raise Taken
        for row in rows:
            decided.rows[row["project_id"], row["kind"], row["value"]].id = row["id"]
    for key, noted in decided.links.items():
        row = decided.rows[key]
        into = row.said_with if decided.is_vouched_link(key) else row.claimed_with
        into |= {-int(one[2]) if one[1] == ROW else decided.rows[one].id for one in noted}
        row.is_changed = row.is_changed or bool(noted)
    made = {row.id for row in new}
    rest = [row for row in decided.rows.values() if row.is_changed and row.id not in made]
    linked = [row for row in new if row.said_with or row.claimed_with or row.is_pinned]
    changed = sorted([*rest, *linked], key=lambda row: row.id)
    for row in rest:
        home = decided.home_of(row.key)
        if decided.merged.get(row.owner) != home:  # Else it goes with all the rest, and that is written down.
            row.owner = ids.get(home, home)
    if changed:
        await tx.execute(
            _CHANGE, tx.scope.group_id, [row.id for row in changed], [row.owner for row in changed],
            [row.is_vouched for row in changed], [row.is_shared for row in changed],
            [row.is_pinned for row in changed], [_array(row.said_with) for row in changed],
            [_array(row.claimed_with) for row in changed],
        )  # fmt: skip
    return new


def _owner(decided: Decisions, ids: Mapping[int, int], row: Held) -> int:
    home = decided.home_of(row.key)
    return ids.get(home, home)


def _array(ids: Iterable[int]) -> str:
    return "{" + ",".join(str(one) for one in sorted(ids)) + "}"


__all__ = ["write"]
