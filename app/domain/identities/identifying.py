"""Whose events and interactions these are: finds customers by trackers and identity fields.

The values given are tried in the order of the project's identity fields, the tracker last; the first known one
decides (an e-mail or phone is also looked up in the customers' own columns), and those not yet known are attached to
that customer. If none is known, a new customer is made. If the tracker belongs to an anonymous customer (known only
by trackers) and the other values to somebody else, the anonymous customer's events, metrics, interactions and touches
go over to that one, and it is deleted; unless it has orders, rewards, promos or a place on a list: they count per
customer. What strangers say decides less: see `deciding.py`.

Identifying holds the customers' rows, locked in the order of ids. Source: Webmarketer API 1.0.0, "Create an event
asynchronously" (trackerId) and "Create offline interaction" (userData).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import asyncpg

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.funnels.touches import PATHS
from app.domain.identities.deciding import TRACKER, Decisions, Key, Person, Project, keys_of
from app.domain.segments.changes import note_audience_change
from app.errors import Conflict

TRIES = 10
"""Retries when another request created the same customers."""

MOVED = ("event", "event_metric", "interaction", "customer_identity", "reward_evaluation")
"""What goes over when an anonymous customer turns out to be a known one. So do touches, and their days' paths are made
again."""
COUNTED = (
    "customer_order", "promo_redemption", "promo_usage", "segment_member", "reward_balance", "reward_entry",
    "reward_participant",
)  # fmt: skip
"""Tables on which limits and balances count per customer: whoever has a row in one is not merged."""


async def load_projects(tx: Transaction, ids: Collection[int]) -> dict[int, Project]:
    """The group's projects with these ids."""
    rows = await tx.fetch(_PROJECTS, tx.scope.group_id, list(ids))
    return {r["id"]: Project(r["id"], r["store_id"], tuple(r["identity_fields"])) for r in rows}


async def identify(
    tx: Transaction, people: Sequence[Person], *, projects: Mapping[int, Project], now: datetime
) -> list[int | None]:
    """The customers, in the order of the people; None where nothing identifies. About ten statements in all.

    As if they came one after the other: the second may be known by values that the first brought.
    """
    asked = sorted({key for person in people for key in keys_of(person, projects)})
    if not asked:
        return [None] * len(people)
    for _ in range(TRIES):
        try:
            # What was written with a key that another request has just taken is undone and tried again; locks are
            # released with it, since further ones could not be taken in the order of ids after those held.
            async with tx.savepoint():
                decided = await _look(tx, projects, asked)
                numbers = [decided.decide(person) for person in people]
                ids = await _write(tx, decided, now=now)
                return [None if one is None else ids[decided.final(one)] for one in numbers]
        except (_Taken, asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
            continue
    raise Conflict("These people are being identified by somebody else; try again.")


class _Taken(Exception):
    """Another request took one of the keys at the same moment."""


_PROJECTS = "SELECT id, store_id, identity_fields FROM project WHERE group_id = $1 AND id = ANY ($2)"
# A phone number that several customers share counts as the first one's. One by one through the keys' indexes: a join
# would read all identities of the group each time, while many are being made and nothing has been analyzed.
KNOWN = """
SELECT i.project_id, i.kind, i.value, i.customer_id, i.is_vouched
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS given (project_id, kind, value)
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.project_id = given.project_id AND i.kind = given.kind AND i.value = given.value
    LIMIT 1) AS i
UNION ALL
SELECT NULL, 'email', given.email, c.id, true
  FROM (SELECT DISTINCT unnest($5::text[]) AS email) AS given
 CROSS JOIN LATERAL (SELECT c.id FROM customer c WHERE c.group_id = $1 AND c.email_key = given.email LIMIT 1) AS c
UNION ALL
SELECT NULL, 'phone', given.phone, c.id, true
  FROM (SELECT DISTINCT unnest($6::text[]) AS phone) AS given
 CROSS JOIN LATERAL (
   SELECT c.id FROM customer c WHERE c.group_id = $1 AND c.phone = given.phone AND c.deleted_at IS NULL
    ORDER BY c.id LIMIT 1) AS c
"""
_LOCK = """
SELECT id, deleted_at IS NOT NULL AS is_gone FROM customer
 WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
# A deleted customer who comes back is restored, as in an upsert.
_REVIVE = "UPDATE customer SET deleted_at = NULL, updated_at = $3 WHERE group_id = $1 AND id = ANY ($2)"
_COUNTED = f"""
SELECT c.id FROM customer c
 WHERE c.group_id = $1 AND c.id = ANY ($2)
   AND ({" OR ".join(f"EXISTS (SELECT 1 FROM {t} x WHERE x.group_id = $1 AND x.customer_id = c.id)" for t in COUNTED)})
"""
_NAMED = """
SELECT id FROM customer
 WHERE group_id = $1 AND id = ANY ($2) AND num_nonnulls(email, phone, external_id) > 0
"""
_HELD = """
SELECT customer_id, project_id, kind, value, is_vouched FROM customer_identity
 WHERE group_id = $1 AND customer_id = ANY ($2) AND (is_vouched OR kind <> 'tracker')
"""
_MAKE = """
INSERT INTO customer (group_id, created_at, updated_at, store_id, name, email, phone)
SELECT $1, $2, $2, given.store_id, given.name, given.email, given.phone
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[])
    WITH ORDINALITY AS given (store_id, name, email, phone, place)
 ORDER BY place
RETURNING id
"""
_FILL = """
UPDATE customer c
   SET name = CASE WHEN c.name = '' THEN coalesce(given.name, '') ELSE c.name END,
       email = coalesce(c.email, given.email), phone = coalesce(c.phone, given.phone), updated_at = $2
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) AS given (id, name, email, phone)
 WHERE c.group_id = $1 AND c.id = given.id
"""
_ATTACH = """
INSERT INTO customer_identity (group_id, created_at, project_id, kind, value, customer_id, is_vouched)
SELECT $1, $2, given.* FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::boolean[]) AS given
ON CONFLICT (group_id, project_id, kind, value) DO NOTHING
"""
# What only strangers said gives way to what somebody vouches for.
_TAKE_OVER = """
UPDATE customer_identity i SET customer_id = given.customer_id, is_vouched = true
  FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[]) AS given (project_id, kind, value, customer_id)
 WHERE i.group_id = $1 AND i.project_id = given.project_id AND i.kind = given.kind AND i.value = given.value
   AND NOT i.is_vouched
"""
_OF_MERGED = "SET customer_id = m.into_id FROM unnest($2::bigint[], $3::bigint[]) AS m (from_id, into_id)"
_MOVE = tuple(
    f"UPDATE {table} t {_OF_MERGED} WHERE t.group_id = $1 AND t.customer_id = m.from_id" for table in MOVED
)
_MOVE_TOUCHES = f"""
UPDATE funnel_touch t {_OF_MERGED} WHERE t.group_id = $1 AND t.customer_id = m.from_id
RETURNING t.customer_id, (t.occurred_at AT TIME ZONE 'UTC')::date AS day
"""
_DROP_PATHS = "DELETE FROM funnel_day WHERE group_id = $1 AND customer_id = ANY ($2)"
_RETIRE = "UPDATE customer SET deleted_at = $3, updated_at = $3 WHERE group_id = $1 AND id = ANY ($2)"
_CLAIM = """
UPDATE interaction i SET customer_id = given.customer_id
  FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS given (project_id, tracker_id, customer_id)
 WHERE i.group_id = $1 AND i.project_id = given.project_id AND i.tracker_id = given.tracker_id
   AND i.customer_id IS NULL
"""


async def _look(tx: Transaction, projects: Mapping[int, Project], keys: Sequence[Key]) -> Decisions:
    """Find and lock who is known. Read again once they are locked: somebody may just have been merged."""
    decided = await _read(tx, projects, keys)
    customers = _customers(decided)
    if not customers:
        return decided
    held = await tx.fetch(_LOCK, tx.scope.group_id, customers)
    decided = await _read(tx, projects, keys)
    if _customers(decided) != customers:
        raise _Taken
    decided.read = customers
    decided.gone = {row["id"] for row in held if row["is_gone"]}
    group_id = tx.scope.group_id
    decided.counted = {row["id"] for row in await tx.fetch(_COUNTED, group_id, customers)}
    decided.firm = {row["id"] for row in await tx.fetch(_NAMED, group_id, customers)}
    for row in await tx.fetch(_HELD, group_id, customers):
        decided.holds(
            row["customer_id"], (row["project_id"], row["kind"], row["value"]), is_vouched=row["is_vouched"]
        )
    return decided


async def _read(tx: Transaction, projects: Mapping[int, Project], keys: Sequence[Key]) -> Decisions:
    of = {name: [value for _, kind, value in keys if kind == name] for name in ("email", "phone")}
    rows = await tx.fetch(KNOWN, tx.scope.group_id, *_columns(keys), of["email"], of["phone"])
    decided = Decisions(projects)
    for row in rows:
        if row["project_id"]:
            key = (row["project_id"], row["kind"], row["value"])
            decided.owner[key] = row["customer_id"]
            if row["is_vouched"]:
                decided.vouched.add(key)
        else:
            decided.columns[row["kind"], row["value"]] = row["customer_id"]
    return decided


def _customers(decided: Decisions) -> list[int]:
    return sorted({*decided.owner.values(), *decided.columns.values()})


async def _write(tx: Transaction, decided: Decisions, *, now: datetime) -> dict[int, int]:
    """Write what is new. Returns the real ids of all customers, by number."""
    group_id = tx.scope.group_id
    ids = {customer: customer for customer in decided.read}
    # In the order of the unique keys, so that two requests that make the same customers cannot deadlock.
    made = sorted((n for n in decided.fresh if n < 0), key=lambda n: (decided.fresh[n].email or "", -n))
    if made:
        rows = [decided.fresh[n] for n in made]
        inserted = await tx.fetch(
            _MAKE, group_id, now, [row.store_id for row in rows], [row.name or "" for row in rows],
            [row.email for row in rows], [row.phone for row in rows],
        )  # fmt: skip
        ids |= {n: row["id"] for n, row in zip(made, inserted, strict=True)}
    lacking = sorted(n for n in decided.fresh if n > 0)
    if lacking:
        told = [decided.fresh[n] for n in lacking]
        await tx.execute(
            _FILL, group_id, now, lacking, [one.name for one in told], [one.email for one in told],
            [one.phone for one in told],
        )  # fmt: skip
    back = sorted(decided.gone & decided.back)
    if back:
        await tx.execute(_REVIVE, group_id, back, now)
    new = sorted(decided.attached)
    if new:
        owners = [ids[decided.final(decided.owner[key])] for key in new]
        vouched = [key in decided.vouched for key in new]
        if await tx.execute(_ATTACH, group_id, now, *_columns(new), owners, vouched) < len(new):
            raise _Taken
    over = sorted(decided.taken_over)
    if over:
        owners = [ids[decided.final(decided.owner[key])] for key in over]
        if await tx.execute(_TAKE_OVER, group_id, *_columns(over), owners) < len(over):
            raise _Taken
    merges = {gone: ids[decided.final(gone)] for gone in decided.merged if gone > 0}
    if merges:
        await _merge(tx, merges, now=now)
    if made or lacking or merges or back:
        await note_audience_change(tx)
    await _claim_interactions(tx, decided, ids)
    # Whoever is merged, or has a tracker's visits now, has another journey.
    await note_sales(
        tx, {*merges, *merges.values(), *(ids[decided.final(decided.owner[key])] for key in new)}
    )
    return ids


async def _merge(tx: Transaction, merges: Mapping[int, int], *, now: datetime) -> None:
    """Move everything of anonymous customers to those they turned out to be."""
    group_id, gone, into = tx.scope.group_id, list(merges), list(merges.values())
    for statement in _MOVE:
        await tx.execute(statement, group_id, gone, into)
    touched = sorted(
        {(r["customer_id"], r["day"]) for r in await tx.fetch(_MOVE_TOUCHES, group_id, gone, into)}
    )
    if touched:
        await tx.execute(_DROP_PATHS, group_id, gone)
        await tx.execute(PATHS, group_id, now, [c for c, _ in touched], [day for _, day in touched])
    await tx.execute(_RETIRE, group_id, gone, now)


async def _claim_interactions(tx: Transaction, decided: Decisions, ids: Mapping[int, int]) -> None:
    """Give interactions of these trackers that have no customer yet to the trackers' customers."""
    trackers = [key for key in decided.owner if key[1] == TRACKER]
    if trackers:
        projects, _, values = _columns(trackers)
        owners = [ids[decided.final(decided.owner[key])] for key in trackers]
        await tx.execute(_CLAIM, tx.scope.group_id, projects, values, owners)


def _columns(keys: Sequence[Key]) -> tuple[list[int], list[str], list[str]]:
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]


__all__ = ["KNOWN", "Person", "Project", "identify", "load_projects"]
