"""What is known of keys, read and held, so that it can be decided who is who."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.db.database import Transaction
from app.domain.identities.deciding import Decisions
from app.domain.identities.moving import COUNTED
from app.domain.identities.people import EMAIL, EVERYWHERE, PHONE, Held, Key, Known, Person, Project


class Taken(Exception):
    """Another request took one of the keys at the same moment, or these customers have to be locked as well."""

    def __init__(self, customers: Iterable[int] = ()) -> None:
        self.customers = set(customers)


_HELD = """
i.id, i.project_id, i.kind, i.value, i.customer_id, i.is_vouched, i.said_with, i.claimed_with, i.is_shared, i.is_pinned
"""
_COLUMN = "NULL, NULL, '{given}', given.key, c.id, true, NULL, NULL, NULL, NULL"
# One by one through the keys' indexes (LIMIT keeps it so): a join would read all identities of the group each time,
# while many are being made and nothing has been analyzed. Of those who share a number in their columns a few do.
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
   SELECT coalesce(c.merged_into_id, c.id) AS id FROM customer c
    WHERE c.group_id = $1 AND c.phone_key = given.key AND c.is_phone_told
      AND (c.merged_into_id IS NOT NULL
           OR c.deleted_at IS NULL AND num_nonnulls(c.email_key, c.external_id) > 0)
    ORDER BY c.id LIMIT 3) AS c
"""
_LOCK = """
SELECT id, deleted_at IS NOT NULL AS is_gone, external_id IS NOT NULL AS has_own_id, name, email, email_key, phone_key,
       is_phone_told
  FROM customer WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_ALL_OF = f"SELECT {_HELD} FROM customer_identity i WHERE i.group_id = $1 AND i.customer_id = ANY ($2)"
_BY_ID = f"SELECT {_HELD} FROM customer_identity i WHERE i.group_id = $1 AND i.id = ANY ($2)"
_COUNTED = f"""
SELECT c.id FROM customer c
 WHERE c.group_id = $1 AND c.id = ANY ($2)
   AND ({" OR ".join(f"EXISTS (SELECT 1 FROM {t} x WHERE x.group_id = $1 AND x.customer_id = c.id)" for t in COUNTED)})
"""


async def decided_of(
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
            raise Taken
    told_columns = [row for row in rows if row["id"] is None]
    phones: dict[str, list[int]] = {}
    for row in told_columns:
        if row["kind"] == PHONE:
            phones.setdefault(row["value"], []).append(row["customer_id"])
    decided = Decisions(
        projects, people, _held(rows), known, phones,
        emails={row["value"]: row["customer_id"] for row in told_columns if row["kind"] == EMAIL},
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
        raise Taken(lacking)
    decided.add(others)


async def _read(tx: Transaction, keys: Sequence[Key]) -> list[Any]:
    own = [key for key in keys if key[1] not in EVERYWHERE]
    of = {kind: sorted({value for _, name, value in keys if name == kind}) for kind in EVERYWHERE}
    return list(await tx.fetch(_KNOWN, tx.scope.group_id, *columns_of(own), of[EMAIL], of[PHONE]))


def _held(rows: Iterable[Any]) -> list[Held]:
    return [
        Held(
            row["id"], (row["project_id"], row["kind"], row["value"]), row["customer_id"], row["is_vouched"],
            set(row["said_with"]), set(row["claimed_with"]), row["is_shared"], row["is_pinned"],
        )
        for row in rows
        if row["id"] is not None
    ]  # fmt: skip


def columns_of(keys: Sequence[Key]) -> tuple[list[int], list[str], list[str]]:
    """Projects, kinds and values."""
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]


__all__ = ["Taken", "columns_of", "decided_of"]
