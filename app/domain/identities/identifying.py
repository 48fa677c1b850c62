"""Whose events and interactions these are: finds customers by trackers and identity fields, and makes new ones.

Who is who follows from what was said, in whatever order it came: see `deciding.py`. Where a key turns out to be somebody
else's than it was, what is known by it goes along; where a whole customer turns out to be another one, all of it does,
unless it has orders, rewards, promos or a place on a list: they count per customer, and are joined by hand.

Identifying holds the customers' rows, locked in the order of ids. Source: Webmarketer API 1.0.0, "Create an event
asynchronously" (trackerId) and "Create offline interaction" (userData).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.groups.regions import region
from app.domain.identities.deciding import (
    EMAIL,
    EVERYWHERE,
    PHONE,
    ROW,
    TRACKER,
    Decisions,
    Held,
    Key,
    Known,
    Person,
    Project,
    keys_of,
)
from app.domain.identities.moving import COUNTED, join_customers, log_merges, move_by_keys
from app.domain.segments.changes import note_audience_change
from app.errors import Conflict
from app.tables.people import MergeReason

TRIES = 10
"""Retries when another request created the same customers."""


PATIENCE = 3
"""Those who were disturbed so often take turns from then on."""
_IN_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('identify', $1))"


@dataclass(frozen=True, slots=True)
class Found:
    """Whose something is, and the identity that says so."""

    customer_id: int
    identity_id: int | None


async def load_projects(tx: Transaction, ids: Collection[int]) -> dict[int, Project]:
    """The group's projects with these ids."""
    rows = await tx.fetch(_PROJECTS, tx.scope.group_id, list(ids))
    return {
        r["id"]: Project(r["id"], r["store_id"], tuple(r["identity_fields"]), region(r["country"], r["zone"]))
        for r in rows
    }


async def identify(
    tx: Transaction, people: Sequence[Person], *, projects: Mapping[int, Project], now: datetime
) -> list[int | None]:
    """The customers, in the order of the people; None where nothing identifies."""
    return [
        None if one is None else one.customer_id for one in await find(tx, people, projects=projects, now=now)
    ]


async def find(
    tx: Transaction, people: Sequence[Person], *, projects: Mapping[int, Project], now: datetime
) -> list[Found | None]:
    """The same with the identities that say so. About ten statements in all, however many people."""
    keys = sorted({key for person in people for key in keys_of(person, projects)})
    return await _find(tx, people, keys, projects=projects, now=now)


async def settle_columns(tx: Transaction, customers: Sequence[int], *, now: datetime) -> None:
    """These customers were told by name: where others are known by their addresses or numbers, it follows who is who."""
    if customers:
        rows = await tx.fetch(_KNOWN_OTHERWISE, tx.scope.group_id, customers)
        await _find(tx, (), [(0, row["kind"], row["value"]) for row in rows], projects={}, now=now)


async def _find(
    tx: Transaction,
    people: Sequence[Person],
    keys: Sequence[Key],
    *,
    projects: Mapping[int, Project],
    now: datetime,
) -> list[Found | None]:
    if not keys:
        return [None] * len(people)
    also: set[int] = set()
    for attempt in range(TRIES):
        if attempt == PATIENCE:
            await tx.execute(_IN_TURN, tx.scope.group_id)
        try:
            # What was written with a key that another request has just taken is undone and tried again; locks are
            # released with it, since further ones could not be taken in the order of ids after those held.
            async with tx.savepoint():
                decided = await _look(tx, projects, people, keys, also)
                ids = await _write(tx, decided, now=now)
                return [_found(decided, ids, person) for person in people]
        except _Taken as taken:
            also |= taken.customers
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
            continue
    raise Conflict("These people are being identified by somebody else; try again.")


def _found(decided: Decisions, ids: Mapping[int, int], person: Person) -> Found | None:
    known = decided.customer_of(person)
    if known is None:
        return None
    row = decided.rows.get(known[1])
    return Found(ids.get(known[0], known[0]), row.id if row is not None else None)


class _Taken(Exception):
    """Another request took one of the keys at the same moment, or these customers have to be locked as well."""

    def __init__(self, customers: Iterable[int] = ()) -> None:
        self.customers = set(customers)


_PROJECTS = """
SELECT p.id, p.store_id, p.identity_fields, coalesce(s.country, g.country) AS country,
       coalesce(s.time_zone, g.time_zone) AS zone
  FROM project p JOIN customer_group g ON g.id = p.group_id
  LEFT JOIN store s ON s.group_id = p.group_id AND s.id = p.store_id
 WHERE p.group_id = $1 AND p.id = ANY ($2)
"""
_HELD = """
i.id, i.project_id, i.kind, i.value, i.customer_id, i.is_vouched, i.said_with, i.claimed_with, i.is_shared, i.is_pinned
"""
_COLUMN = "NULL, NULL, '{given}', given.key, c.id, true, NULL, NULL, NULL, NULL"
# One by one through the keys' indexes (LIMIT keeps it so): a join would read all identities of the group each time,
# while many are being made and nothing has been analyzed. Of those who share a number in their columns a few are enough.
_KNOWN = f"""
SELECT {_HELD}
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS given (project_id, kind, value)
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.project_id = given.project_id AND i.kind = given.kind AND i.value = given.value
    LIMIT 1) AS i
UNION ALL
SELECT {_HELD}
  FROM (SELECT DISTINCT unnest($5::text[]) AS key) AS given
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.kind = 'email' AND i.value = given.key LIMIT 100) AS i
UNION ALL
SELECT {_HELD}
  FROM (SELECT DISTINCT unnest($6::text[]) AS key) AS given
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.kind = 'phone' AND i.value = given.key LIMIT 100) AS i
UNION ALL
SELECT {_COLUMN.format(given="email")}
  FROM (SELECT DISTINCT unnest($5::text[]) AS key) AS given
 CROSS JOIN LATERAL (
   SELECT coalesce(c.merged_into_id, c.id) AS id FROM customer c
    WHERE c.group_id = $1 AND c.email_key = given.key LIMIT 1) AS c
UNION ALL
SELECT {_COLUMN.format(given="phone")}
  FROM (SELECT DISTINCT unnest($6::text[]) AS key) AS given
 CROSS JOIN LATERAL (
   SELECT c.id FROM customer c
    WHERE c.group_id = $1 AND c.phone_key = given.key AND c.deleted_at IS NULL
      AND c.is_phone_told AND num_nonnulls(c.email_key, c.external_id) > 0
    ORDER BY c.id LIMIT 3) AS c
"""
# Of addresses and numbers of these customers those that somebody else is known by.
_KNOWN_OTHERWISE = """
SELECT DISTINCT i.kind, i.value
  FROM customer c
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.kind = 'email' AND i.value = c.email_key LIMIT 100) AS i
 WHERE c.group_id = $1 AND c.id = ANY ($2) AND (i.customer_id <> c.id OR NOT i.is_vouched)
UNION
SELECT DISTINCT i.kind, i.value
  FROM customer c
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.kind = 'phone' AND i.value = c.phone_key LIMIT 100) AS i
 WHERE c.group_id = $1 AND c.id = ANY ($2) AND (i.customer_id <> c.id OR NOT i.is_vouched)
"""
_LOCK = """
SELECT id, deleted_at IS NOT NULL AS is_gone, external_id IS NOT NULL AS has_own_id, name, email, email_key, phone_key,
       is_phone_told
  FROM customer WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_ALL_OF = f"SELECT {_HELD} FROM customer_identity i WHERE i.group_id = $1 AND i.customer_id = ANY ($2)"
_BY_ID = f"SELECT {_HELD} FROM customer_identity i WHERE i.group_id = $1 AND i.id = ANY ($2)"
# A deleted customer who comes back is restored, as in an upsert.
_REVIVE = "UPDATE customer SET deleted_at = NULL, updated_at = $3 WHERE group_id = $1 AND id = ANY ($2)"
_COUNTED = f"""
SELECT c.id FROM customer c
 WHERE c.group_id = $1 AND c.id = ANY ($2)
   AND ({" OR ".join(f"EXISTS (SELECT 1 FROM {t} x WHERE x.group_id = $1 AND x.customer_id = c.id)" for t in COUNTED)})
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
       phone_key = CASE WHEN c.phone IS NULL THEN given.phone ELSE c.phone_key END, updated_at = $2
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


async def _look(
    tx: Transaction,
    projects: Mapping[int, Project],
    people: Sequence[Person],
    keys: Sequence[Key],
    also: set[int],
) -> Decisions:
    """Find and lock who is known. Read again once they are locked: somebody may just have been merged."""
    group_id = tx.scope.group_id
    rows: Sequence[Any] = await _read(tx, keys)
    told = {person.customer_id for person in people if person.customer_id is not None}
    customers = sorted({*(row["customer_id"] for row in rows), *told, *also})
    known: dict[int, Known] = {}
    if customers:
        known = {row["id"]: Known(*row.values()) for row in await tx.fetch(_LOCK, group_id, customers)}
        rows = await _read(tx, keys)
        if not {row["customer_id"] for row in rows} <= set(customers):
            raise _Taken
    columns = [row for row in rows if row["id"] is None]
    phones: dict[str, list[int]] = {}
    for row in columns:
        if row["kind"] == PHONE:
            phones.setdefault(row["value"], []).append(row["customer_id"])
    decided = Decisions(
        projects, people, _held(rows), known, phones,
        emails={row["value"]: row["customer_id"] for row in columns if row["kind"] == EMAIL},
    )  # fmt: skip
    await _add_unknown(tx, decided)
    decided.collect()
    if decided.opened:
        decided.add(_held(await tx.fetch(_ALL_OF, group_id, sorted(decided.opened))))
        await _add_unknown(tx, decided)
    decided.decide()
    if decided.candidates:
        counted = await tx.fetch(_COUNTED, group_id, sorted(decided.candidates))
        if counted:
            decided.decide({row["id"] for row in counted})
    return decided


async def _add_unknown(tx: Transaction, decided: Decisions) -> None:
    """Rows that others were said with. Their customers have to be held as well."""
    if not decided.unknown:
        return
    others = _held(await tx.fetch(_BY_ID, tx.scope.group_id, sorted(decided.unknown)))
    lacking = {one.owner for one in others} - set(decided.customers)
    if lacking:
        raise _Taken(lacking)
    decided.add(others)


async def _read(tx: Transaction, keys: Sequence[Key]) -> list[Any]:
    own = [key for key in keys if key[1] not in EVERYWHERE]
    of = {kind: sorted({value for _, name, value in keys if name == kind}) for kind in EVERYWHERE}
    return list(await tx.fetch(_KNOWN, tx.scope.group_id, *_columns(own), of[EMAIL], of[PHONE]))


def _held(rows: Iterable[Any]) -> list[Held]:
    return [
        Held(
            row["id"], (row["project_id"], row["kind"], row["value"]), row["customer_id"], row["is_vouched"],
            set(row["said_with"]), set(row["claimed_with"]), row["is_shared"], row["is_pinned"],
        )
        for row in rows
        if row["id"] is not None
    ]  # fmt: skip


async def _write(tx: Transaction, decided: Decisions, *, now: datetime) -> dict[int, int]:
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
    merges = {one: ids.get(into, into) for one, into in decided.merged.items()}
    if merges:
        found = await join_customers(tx, merges, now=now)
        await log_merges(
            tx, list(merges.items()), [found[one] for one in merges], reason=MergeReason.KEY, now=now
        )
    if decided.doubts:
        doubts = decided.doubts
        customers = [ids.get(one.customer, one.customer) for one in doubts]
        others = [
            None if one.other is None or ids.get(one.other, one.other) == customer else one.other
            for one, customer in zip(doubts, customers, strict=True)
        ]
        await tx.execute(
            _DOUBT, group_id, now, customers, others, [one.reason for one in doubts],
            [one.key[1] for one in doubts], [one.key[2] for one in doubts],
        )  # fmt: skip
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
            _ATTACH, tx.scope.group_id, now, *_columns(keys), [row.owner for row in new],
            [row.is_vouched for row in new], [row.is_shared for row in new],
        )  # fmt: skip
        if len(rows) < len(new):
            raise _Taken
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


def _columns(keys: Sequence[Key]) -> tuple[list[int], list[str], list[str]]:
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]


__all__ = ["Found", "Person", "Project", "find", "identify", "load_projects", "settle_columns"]
