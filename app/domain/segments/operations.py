"""Making, changing and deleting segments, keeping the lists of static and imported ones, counting dynamic ones."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any

from app.db.database import Database, Transaction
from app.domain.heirs import heirs_of
from app.domain.rows import insert_row, update_row
from app.domain.segments.attributes import customer_criteria
from app.domain.segments.counting import size_inside, size_of
from app.domain.segments.fields import SegmentFields
from app.domain.segments.predicates import CODE, Predicate, depends_on_time
from app.domain.segments.reach import Size, count_among, recount_lists
from app.domain.segments.sizes import note_sizes
from app.domain.settable import path_of, written
from app.errors import MAX_TOLD, Conflict, Forbidden, Invalid, NotFound, Several, TooLarge
from app.tables.segments import SegmentType
from app.values.json_text import read_json, write_json
from app.values.scope import ScopeShape

MAX_CRITERIA = 65_536
MAX_MEMBERS = 5_000


async def create_segment(tx: Transaction, kind: SegmentType, given: SegmentFields, *, now: datetime) -> int:
    """A new segment; its id. A dynamic one has criteria and is counted at once, the others start empty."""
    _whole_group(tx)
    values = written(given)
    if not values.get("name"):
        raise Invalid("A segment needs a name.", path=path_of(SegmentFields, "name"))
    predicate = _settle_criteria(kind, values)
    size = Size(0, 0, 0) if predicate is None else await size_inside(tx, predicate, now=now)
    row = {**values, **_sized(size, now=now), "type": kind, "created_at": now, "updated_at": now}
    ident = await insert_row(tx, "segment", row)
    await note_sizes(tx, [ident])
    return ident


async def update_segment(tx: Transaction, segment_id: int, given: SegmentFields, *, now: datetime) -> int:
    """Change what was sent; the id. Its type stays. New criteria are counted at once."""
    _whole_group(tx)
    values = written(given)
    row = await _locked(tx, segment_id)
    kind = SegmentType(row["type"])
    if "criteria" in values:
        predicate = _settle_criteria(kind, values)
        if predicate is not None:
            values |= _sized(await size_inside(tx, predicate, now=now), now=now)
    if values.get("source") is not None and kind is not SegmentType.IMPORTED:
        raise Invalid("Only imported segments have a source.", path=["source"])
    values["updated_at"] = now
    await update_row(tx, "segment", segment_id, values)
    if "size" in values:
        await note_sizes(tx, [segment_id])
    return segment_id


# Aiming a campaign at it afterwards fails; one that was aimed at it before prevents the deletion.
_DELETE = """
UPDATE segment SET deleted_at = $3, updated_at = $3
 WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL
   AND NOT EXISTS (SELECT FROM campaign c
                    WHERE c.group_id = $1 AND c.segment_id = $2 AND c.deleted_at IS NULL
                      AND c.status IN ('scheduled', 'active'))
"""


async def delete_segment(tx: Transaction, segment_id: int, *, now: datetime) -> int:
    """Take a segment out of every list; the id. Conflict while a scheduled or active campaign is aimed at it."""
    _whole_group(tx)
    if not await tx.execute(_DELETE, tx.scope.group_id, segment_id, now):
        await _locked(tx, segment_id)
        raise Conflict(
            "A scheduled or active campaign speaks to this segment; end it or give it another one first.",
            path=["id"],
            code="SEGMENT_IN_USE",
        )
    return segment_id


# ── members ───────────────────────────────────────────────────────────────────

_CUSTOMERS = """
SELECT id FROM customer WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL
"""
_ADD = """
INSERT INTO segment_member (group_id, segment_id, customer_id, created_at)
SELECT $1, $2, id, $4 FROM unnest($3::bigint[]) AS given (id)
ON CONFLICT (group_id, segment_id, customer_id) DO NOTHING
RETURNING customer_id
"""
_REMOVE = """
DELETE FROM segment_member WHERE group_id = $1 AND segment_id = $2 AND customer_id = ANY ($3) RETURNING customer_id
"""
# Who cannot be reached any more since the last count is still in it, so it may be off until the worker counts again.
_RESIZE = """
UPDATE segment
   SET size = size + $3, reach_email = greatest(0, reach_email + $5), reach_sms = greatest(0, reach_sms + $6),
       sized_at = $4, reached_at = $4, updated_at = $4
 WHERE group_id = $1 AND id = $2
"""


async def add_members(tx: Transaction, segment_id: int, customer_ids: Sequence[int], *, now: datetime) -> int:
    """Put customers on the list of a static or imported segment; how many were not on it yet."""
    _check_list(tx, customer_ids)
    heirs = await heirs_of(tx, customer_ids, holds=True)
    await _lock_list(tx, segment_id)
    ids = sorted(set(heirs.values()))
    customers = {row["id"] for row in await tx.fetch(_CUSTOMERS, tx.scope.group_id, ids)}
    missing = [
        NotFound("customer", ident, path=["customerIds", at])
        for at, ident in enumerate(customer_ids)
        if heirs[ident] not in customers
    ]
    if missing:
        raise Several(missing[:MAX_TOLD])
    added = [row["customer_id"] for row in await tx.fetch(_ADD, tx.scope.group_id, segment_id, ids, now)]
    await _resize(tx, segment_id, added, by=1, now=now)
    return len(added)


async def remove_members(
    tx: Transaction, segment_id: int, customer_ids: Sequence[int], *, now: datetime
) -> int:
    """Take customers off the list; how many were on it."""
    _check_list(tx, customer_ids)
    heirs = await heirs_of(tx, customer_ids, holds=True)
    await _lock_list(tx, segment_id)
    ids = sorted(set(heirs.values()))
    removed = [row["customer_id"] for row in await tx.fetch(_REMOVE, tx.scope.group_id, segment_id, ids)]
    await _resize(tx, segment_id, removed, by=-1, now=now)
    return len(removed)


async def _resize(
    tx: Transaction, segment_id: int, customer_ids: Sequence[int], *, by: int, now: datetime
) -> None:
    """`by`: 1 where these came onto the list, -1 where they left it."""
    some = await count_among(tx, customer_ids)
    await tx.execute(
        _RESIZE, tx.scope.group_id, segment_id, by * len(customer_ids), now, by * some.email, by * some.sms
    )
    await note_sizes(tx, [segment_id])


def _check_list(tx: Transaction, customer_ids: Sequence[int]) -> None:
    _whole_group(tx)
    if len(customer_ids) > MAX_MEMBERS:
        raise TooLarge(
            f"There are {len(customer_ids)} customers; at most {MAX_MEMBERS} are taken at once.",
            path=["customerIds"],
        )


async def _lock_list(tx: Transaction, segment_id: int) -> None:
    """The lock makes the size and the list change together."""
    row = await _locked(tx, segment_id)
    if row["type"] == SegmentType.DYNAMIC:
        raise Conflict(
            "A dynamic segment holds whoever fits its criteria; it has no list to change.",
            path=["id"],
            code="SEGMENT_IS_DYNAMIC",
        )


# ── counting ──────────────────────────────────────────────────────────────────

_DYNAMIC = """
SELECT id, criteria::text AS criteria, sized_at FROM segment
 WHERE group_id = $1 AND type = 'dynamic' AND deleted_at IS NULL ORDER BY id
"""
_ANYBODY = "SELECT EXISTS (SELECT FROM customer WHERE group_id = $1)"
# Criteria that were changed meanwhile were counted by the change.
_SETTLE = """
UPDATE segment s
   SET size = given.size, sized_at = $2, reach_email = given.email, reach_sms = given.sms, reached_at = $2
  FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
    AS given (id, criteria, size, email, sms)
 WHERE s.group_id = $1 AND s.id = given.id AND s.criteria::text = given.criteria AND s.deleted_at IS NULL
   AND (s.sized_at IS NULL OR s.sized_at <= $2)
"""


async def recount_segments(
    db: Database, tx: Transaction, *, now: datetime, zone: tzinfo, all_of_them: bool
) -> int:
    """Count the group's dynamic segments again, or only those that a new day may have changed; how many. `zone`: the
    group's, whose days they are.

    Where no customers have come in yet, sizes that were told stand.
    """
    if not await tx.fetchval(_ANYBODY, tx.scope.group_id):
        return 0
    if all_of_them:
        await recount_lists(tx, now=now)
    counted: list[tuple[int, str, int, int, int]] = []
    for row in await tx.fetch(_DYNAMIC, tx.scope.group_id):
        predicate = kept_predicate(row)
        if predicate is None:
            continue
        last: datetime | None = row["sized_at"]
        if all_of_them or last is None or (depends_on_time(predicate) and _day(last, zone) < _day(now, zone)):
            size = await size_of(db, tx.scope, predicate, now=now)
            counted.append((row["id"], row["criteria"], size.customers, size.email, size.sms))
    if counted:
        ids, *rest = map(list, zip(*counted, strict=True))
        await tx.execute(_SETTLE, tx.scope.group_id, now, ids, *rest)
        await note_sizes(tx, ids)
    return len(counted)


def _day(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def kept_predicate(row: Mapping[str, Any]) -> Predicate | None:
    """The predicate of a stored segment (`criteria` as text); None where it has none that can be read.

    Criteria stored before this language existed may be anything; such a segment holds nobody.
    """
    if row["criteria"] is None:
        return None
    try:
        return customer_criteria(read_json(row["criteria"].encode()))
    except (Invalid, ValueError):
        return None


# ── checks ────────────────────────────────────────────────────────────────────


async def _locked(tx: Transaction, segment_id: int) -> Any:
    row = await tx.fetchrow(
        "SELECT type FROM segment WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
        tx.scope.group_id,
        segment_id,
    )
    if row is None:
        raise NotFound("segment", segment_id, path=["id"])
    return row


def _settle_criteria(kind: SegmentType, values: dict[str, Any]) -> Predicate | None:
    """Check criteria against the type and turn them into the text that is stored."""
    criteria = values.get("criteria")
    if kind is not SegmentType.DYNAMIC:
        if criteria is not None:
            raise Invalid(
                f"A segment of type {kind} is a list; only dynamic ones have criteria.",
                path=["criteria"],
                code=CODE,
            )
        if values.get("source") is not None and kind is not SegmentType.IMPORTED:
            raise Invalid("Only imported segments have a source.", path=["source"])
        return None
    if criteria is None:
        raise Invalid("A dynamic segment needs criteria.", path=["criteria"], code=CODE)
    if values.get("source") is not None:
        raise Invalid("Only imported segments have a source.", path=["source"])
    predicate = customer_criteria(criteria)
    text = write_json(criteria).decode()
    if len(text) > MAX_CRITERIA:
        raise Invalid(
            f"`criteria` has {len(text)} bytes; at most {MAX_CRITERIA} are allowed.",
            path=["criteria"],
            code=CODE,
        )
    values["criteria"] = text
    return predicate


def _sized(size: Size, *, now: datetime) -> dict[str, Any]:
    return {
        "size": size.customers,
        "sized_at": now,
        "reach_email": size.email,
        "reach_sms": size.sms,
        "reached_at": now,
    }


def _whole_group(tx: Transaction) -> None:
    """Segments belong to the group: narrower credentials can only read them."""
    if tx.scope.shape is not ScopeShape.GROUP:
        raise Forbidden("Segments are the whole group's; this credential is for a part of it.")
