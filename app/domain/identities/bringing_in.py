"""Users of another system, as it tells who is who: customers are found by the id they have there, or made.

Who has no such id yet is known by the project's identity fields, the surest first, unless that customer is somebody
else there. What the other system says of them counts as vouched for: whoever brings it in has its word.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.db.database import Transaction
from app.domain.contacts.saying import settle
from app.domain.external_ids.finding import rows_known_as, rows_with_ids
from app.domain.external_ids.giving import note_ids, set_ids
from app.domain.external_ids.kinds import Ids, RowId
from app.domain.external_ids.room import make_room
from app.domain.heirs import heirs_of
from app.domain.identities.identifying import identify
from app.domain.identities.people import TRACKER, Key, Person, Project
from app.domain.segments.changes import note_audience_change
from app.values.systems import WEBMARKETER

MAX_NAME = 255


@dataclass(slots=True)
class PastUser:
    """A user as another system knows them."""

    project_id: int
    system: str
    id: str
    identities: dict[str, str] = field(default_factory=dict)
    """In comparable form (`values.identity_of`); `name` becomes a new customer's name."""
    trackers: set[str] = field(default_factory=set)
    since: datetime | None = None
    """When they came up first, as far as is known."""
    customer_id: int | None = None
    """Whose events these were taken for here."""


async def bring_in_users(
    tx: Transaction, users: Sequence[PastUser], *, projects: Mapping[int, Project], now: datetime
) -> dict[tuple[str, str], int]:
    """By system and id there, their customers. Each is there once in `users`."""
    if not users:
        return {}
    found: dict[tuple[str, str], int] = {}
    for system in {user.system for user in users}:
        ids = [user.id for user in users if user.system == system]
        known = await rows_with_ids(tx, "cust", system, ids)
        found |= {(system, ident): int(row) for ident, row in known.items() if isinstance(row, int)}
    strangers = [user for user in users if (user.system, user.id) not in found]
    if strangers:
        found |= await _meet(tx, strangers, projects=projects, now=now)
        await note_audience_change(tx)
    heirs = await heirs_of(tx, set(found.values()))
    found = {user: heirs[row] for user, row in found.items()}
    people = [
        Person(
            user.project_id,
            tracker,
            {} if at else {name: value for name, value in user.identities.items() if name != "name"},
            customer_id=found[user.system, user.id],
        )
        for user in users
        for at, tracker in enumerate(sorted(user.trackers) or [None])
    ]
    await identify(tx, people, projects=projects, now=now)
    return found


async def attach(
    tx: Transaction, trackers: Mapping[Key, int], *, projects: Mapping[int, Project], now: datetime
) -> None:
    """Let customers be known by these trackers, unless others are; their interactions become theirs."""
    people = [Person(key[0], key[2], customer_id=trackers[key]) for key in sorted(trackers)]
    await identify(tx, people, projects=projects, now=now)


_KNOWN = """
SELECT i.project_id, i.kind, i.value, i.customer_id
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS given (project_id, kind, value)
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.project_id = given.project_id AND i.kind = given.kind AND i.value = given.value
      AND i.is_vouched AND NOT i.is_shared
    LIMIT 1) AS i
UNION ALL
SELECT NULL, 'email', given.key, c.id
  FROM (SELECT DISTINCT unnest($5::text[]) AS key) AS given
 CROSS JOIN LATERAL (
   SELECT coalesce(c.merged_into_id, c.id) AS id FROM customer c
    WHERE c.group_id = $1 AND c.email_key = given.key LIMIT 1) AS c
UNION ALL
SELECT NULL, 'phone', given.key, c.id
  FROM (SELECT DISTINCT unnest($6::text[]) AS key) AS given
 CROSS JOIN LATERAL (
   SELECT min(few.id) AS id FROM (
     SELECT c.id FROM customer c
      WHERE c.group_id = $1 AND c.phone_key = given.key AND c.deleted_at IS NULL ORDER BY c.id LIMIT 2) AS few
   HAVING count(*) = 1) AS c
"""
_NAMED_THERE = """
SELECT id, known_as_system FROM customer
 WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
"""
_MAKE = """
INSERT INTO customer (group_id, created_at, updated_at, store_id, name, email, email_key, phone, phone_key,
                      known_as_system, known_as_id)
SELECT $1, coalesce(given.since, $2), coalesce(given.since, $2), given.store_id, given.name, given.email, given.email,
       given.phone, given.phone,
       ARRAY[given.system], ARRAY[given.ident]
  FROM unnest($3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    WITH ORDINALITY AS given (since, store_id, name, email, phone, system, ident, place)
 ORDER BY place
RETURNING id
"""


async def _meet(
    tx: Transaction, users: Sequence[PastUser], *, projects: Mapping[int, Project], now: datetime
) -> dict[tuple[str, str], int]:
    """Users who have no row yet that has their id: customers that turn out to be them, and new ones."""
    owners, columns = await _owners(tx, [key for user in users for key in _keys(user, projects)], users)
    asked = {
        *owners.values(),
        *columns.values(),
        *(u.customer_id for u in users if u.customer_id is not None),
    }
    rows = await tx.fetch(_NAMED_THERE, tx.scope.group_id, sorted(asked)) if asked else []
    systems = {row["id"]: set(row["known_as_system"]) for row in rows}
    found: dict[tuple[str, str], int] = {}
    told: dict[RowId, Ids] = {}
    new: list[PastUser] = []
    for user in users:
        keys = _keys(user, projects)
        candidates = [user.customer_id, *(owners.get(key, columns.get(key[1:])) for key in keys)]
        mine = next((one for one in candidates if one in systems and user.system not in systems[one]), None)
        if mine is None:
            new.append(user)
            continue
        systems[mine].add(user.system)
        told[mine] = {user.system: user.id}
        found[user.system, user.id] = mine
    await _step_aside(tx, users, set(found.values()))
    if told:
        await set_ids(tx, "cust", told)
    return found | await _make(tx, new, columns, projects=projects, now=now)


async def _step_aside(tx: Transaction, users: Sequence[PastUser], found: set[int]) -> None:
    """Customers of ours whose number is a user's id there are shown otherwise from now on: nobody was told it there."""
    for system in {user.system for user in users} & {WEBMARKETER}:
        known = await rows_known_as(tx, "cust", system, [u.id for u in users if u.system == system])
        others = {row for row in known.values() if isinstance(row, int)} - found
        await set_ids(tx, "cust", {row: {system: f"f{secrets.token_hex(12)[1:]}"} for row in others})


async def _make(
    tx: Transaction,
    users: Sequence[PastUser],
    columns: Mapping[tuple[str, str], int],
    *,
    projects: Mapping[int, Project],
    now: datetime,
) -> dict[tuple[str, str], int]:
    if not users:
        return {}
    for system in {user.system for user in users}:
        await make_room(tx, "cust", system, [user.id for user in users if user.system == system])
    taken = {value for kind, value in columns if kind == "email"}
    emails: list[str | None] = []
    for user in users:
        email = user.identities.get("email")
        emails.append(None if email in taken else email)
        taken |= {email} if email else set()
    rows = await tx.fetch(
        _MAKE, tx.scope.group_id, now, [user.since for user in users],
        [projects[user.project_id].store_id for user in users],
        [user.identities.get("name", "")[:MAX_NAME] for user in users], emails,
        [user.identities.get("phone") for user in users], [user.system for user in users],
        [user.id for user in users],
    )  # fmt: skip
    made = {(user.system, user.id): int(row["id"]) for user, row in zip(users, rows, strict=True)}
    await note_ids(tx, "cust", [(system, ident, row) for (system, ident), row in made.items()])
    # The worker looks for who was made lately, and these count as made when they came up there.
    await settle(tx, made.values(), now=now)
    return made


async def _owners(
    tx: Transaction, keys: Sequence[Key], users: Iterable[PastUser]
) -> tuple[dict[Key, int], dict[tuple[str, str], int]]:
    of = {
        kind: [value for user in users if (value := user.identities.get(kind))] for kind in ("email", "phone")
    }
    rows = await tx.fetch(
        _KNOWN, tx.scope.group_id, [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys],
        of["email"], of["phone"],
    )  # fmt: skip
    owners = {(r["project_id"], r["kind"], r["value"]): r["customer_id"] for r in rows if r["project_id"]}
    columns = {(r["kind"], r["value"]): r["customer_id"] for r in rows if not r["project_id"]}
    return owners, columns


def _keys(user: PastUser, projects: Mapping[int, Project]) -> list[Key]:
    """What they are known by in the project, the surest first."""
    names = [name for name in projects[user.project_id].identity_fields if name != TRACKER]
    return [(user.project_id, name, user.identities[name]) for name in names if user.identities.get(name)]


__all__ = ["PastUser", "attach", "bring_in_users"]
