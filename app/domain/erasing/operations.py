"""Erasing a person: what identifies them goes from every table and file; facts, sums and ledgers stay.

The customer's row stays as what orders and ledgers point at, with `erased_at` and nothing in it. Everything in the
database is done in one transaction, by one statement for each table, so memory does not grow with what there is of a
person. Files come before it: whoever dies in between has lost no more than the person's rows in them, and asks again.

Locks come in the order of all writers: events, the customer, the rest. What is processed at the same moment either is
there before the customer is locked, and is erased with it, or finds nobody there any more, and is somebody new's.
"""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.db.auditing import Actor, record
from app.db.database import Transaction
from app.domain.erasing.refusals import keep_refusals
from app.domain.erasing.statements import erasing
from app.domain.erasing.texts import Texts
from app.domain.groups.regions import regions_of
from app.domain.metrics.recipients import digest
from app.domain.segments.changes import note_audience_change
from app.errors import Conflict, NotFound, Several
from app.tables.personal import BEFORE_CUSTOMER, PERSONAL
from app.values.contacts import fold_email, phone_key_of
from app.values.ids import show_id

TRIES = 5
"""How often it is begun where the person's events come in meanwhile."""
TAKES_AT_MOST_S = 900.0
"""A person of a hundred thousand events takes some seconds; texts are looked for in all rows of the group."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What erasing a person came to; the same for whoever asks again."""

    customer_id: int
    erased_at: datetime
    emptied: Mapping[str, int]
    """By table, how many of the person's rows were emptied."""
    deleted: Mapping[str, int]
    """How many were deleted."""
    cut: Mapping[str, int]
    """How many rows of others lost the person's texts, and nothing else."""
    files_rewritten: int
    files_removed: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was done to the files of imports before; see `files.py`."""

    rewritten: int = 0
    removed: int = 0


async def texts_of(tx: Transaction, customer_id: int) -> Texts | None:
    """What the customer is known by; None: there is none. NotFound is for the caller, who knows the path."""
    group_id = tx.scope.group_id
    rows = await tx.fetch(_KNOWN, group_id, customer_id)
    if not rows:
        return None
    emails = {row[key] for row in rows for key in ("email", "email_key")}
    phones = {row[key] for row in rows for key in ("phone", "phone_key")}
    stores = {row["store_id"] for row in rows}
    regions = {*(await regions_of(tx, stores)).values()}
    keys = {one for row in rows for one in (row["external_id"], *row["known_as_id"])}
    names = {row["name"] for row in rows}
    for kind, value in await tx.fetch(_IDENTITIES, group_id, customer_id):
        {"email": emails, "phone": phones, "name": names}.get(kind, keys).add(value)
    for told in await tx.fetch(_TOLD, group_id, customer_id):
        emails.add(told["email"])
        phones.add(told["phone"])
        keys.add(told["tracker"])
    # A number without its country stands with it elsewhere.
    phones |= {phone_key_of(one, region) for one in phones if one for region in regions}
    compared = {(one, key) for one in filter(None, emails | phones | keys) for key in _compared(one, regions)}
    texts, forms = [one for one, _ in sorted(compared)], [key for _, key in sorted(compared)]
    shared = {row["value"] for row in await tx.fetch(_SHARED, group_id, customer_id, texts, forms)}

    def own(values: set[Any]) -> frozenset[str]:
        return frozenset(one for one in values if one and one not in shared)

    names |= {word for name in names if name for word in re.split(r"\s+", name)}
    return Texts(
        emails=own(emails), phones=own(phones), keys=own(keys), names=frozenset(filter(None, names)),
        shared=frozenset(shared),
    )  # fmt: skip


def _compared(text: str, regions: Collection[str | None]) -> set[str]:
    """The keys by which an address or a number is compared."""
    if "@" in text:
        return {fold_email(text)}
    return {phone_key_of(text, region) or text for region in regions}


async def erase_customer(
    tx: Transaction, customer_id: int, *, cleaned: Cleaned, by: Actor, now: datetime
) -> Erased:
    """Erase the person; what that came to. Twice is once. NotFound where there is no such customer.

    Conflict where events of theirs keep coming in.
    """
    await tx.patiently(TAKES_AT_MOST_S)
    before = await tx.fetchrow(_DONE, tx.scope.group_id, customer_id)
    if before is None:
        raise NotFound("customer", show_id("cust", customer_id), path=["id"])
    if before["merged_into_id"] is not None and before["erased_at"] is None:
        heir = show_id("cust", before["merged_into_id"])
        raise Conflict(f"This customer turned out to be {heir}: erase that one.", path=["id"], code="MERGED")
    if before["erased_at"] is None:
        for _ in range(TRIES):
            try:
                async with tx.savepoint():
                    return await _erase(tx, customer_id, cleaned=cleaned, by=by, now=now)
            except _MoreCame:
                continue
        raise Conflict("Events of this customer keep coming in; try again.", path=["id"])
    return _again(customer_id, before)


async def refuse_erased(tx: Transaction, ids: Mapping[int, Sequence[str | int]]) -> None:
    """NotFound for each of these customers who is erased, at its path: nothing new is known of them."""
    rows = await tx.fetch(_ERASED, tx.scope.group_id, sorted(ids))
    if rows:
        raise Several([NotFound("row", show_id("cust", row["id"]), path=ids[row["id"]]) for row in rows])


class _MoreCame(Exception):
    """More of the person came in before the customer was locked."""


_KNOWN = """
SELECT name, email, email_key, phone, phone_key, external_id, known_as_id, store_id FROM customer
 WHERE group_id = $1 AND (id = $2 OR merged_into_id = $2) ORDER BY id = $2 DESC, id
"""
_DONE = """
SELECT erased_at, erasure::text AS erasure, merged_into_id FROM customer WHERE group_id = $1 AND id = $2
"""
_ERASED = (
    "SELECT id FROM customer WHERE group_id = $1 AND id = ANY ($2) AND erased_at IS NOT NULL ORDER BY id"
)
_IDENTITIES = """
SELECT kind, value FROM customer_identity WHERE group_id = $1 AND customer_id = $2
UNION SELECT 'external', id FROM external_id WHERE group_id = $1 AND kind = 'cust' AND row_id = $2
"""
# What was typed stands in what was sent: addresses as the providers spelled them, trackers of before a merge.
_TOLD = """
SELECT DISTINCT tracker_id AS tracker, NULL AS email, NULL AS phone FROM event
 WHERE group_id = $1 AND customer_id = $2 AND tracker_id IS NOT NULL
UNION SELECT DISTINCT tracker_id, NULL, NULL FROM interaction
 WHERE group_id = $1 AND customer_id = $2 AND tracker_id IS NOT NULL
UNION SELECT DISTINCT NULL, u.user_data ->> 'email', u.user_data ->> 'phone' FROM (
  SELECT user_data FROM event WHERE group_id = $1 AND customer_id = $2
  UNION ALL SELECT user_data FROM interaction WHERE group_id = $1 AND customer_id = $2) u
 WHERE json_typeof(u.user_data) = 'object'
"""
# What somebody else is known by as well is not this person's alone.
_SHARED = """
SELECT given.value FROM unnest($3::text[], $4::text[]) AS given (value, key)
  JOIN customer c ON c.group_id = $1 AND c.id <> $2 AND c.merged_into_id IS DISTINCT FROM $2
   AND (c.email_key = given.key OR c.phone_key = given.key)
UNION SELECT external_id FROM customer
 WHERE group_id = $1 AND id <> $2 AND merged_into_id IS DISTINCT FROM $2 AND external_id = ANY ($3)
UNION SELECT value FROM customer_identity WHERE group_id = $1 AND customer_id <> $2 AND value = ANY ($3)
"""
_LOCK = "SELECT erased_at, erasure::text AS erasure FROM customer WHERE group_id = $1 AND id = $2 FOR UPDATE"
_LEFT = """
SELECT EXISTS (SELECT FROM event WHERE group_id = $1 AND customer_id = $2
                  AND (body IS NOT NULL OR user_data IS NOT NULL OR tracker_id IS NOT NULL))
"""
_RECIPIENTS = """
WITH held AS (
  SELECT id FROM message_recipient WHERE group_id = $1 AND recipient = ANY ($2) ORDER BY id FOR UPDATE)
UPDATE message_recipient m SET recipient = 'erased:' || m.id FROM held WHERE m.group_id = $1 AND m.id = held.id
"""
_SAY_SO = "SELECT set_config('app.erasing', $1, true)"
_LIGHTER = "UPDATE customer_group SET event_bytes = greatest(0, event_bytes - $2) WHERE id = $1"
_KEEP = "UPDATE customer SET erasure = $3::json WHERE group_id = $1 AND id = $2"


async def _erase(tx: Transaction, customer_id: int, *, cleaned: Cleaned, by: Actor, now: datetime) -> Erased:
    group_id = tx.scope.group_id
    known = await texts_of(tx, customer_id)
    assert known is not None, "customers are never deleted for good"
    work = _Work(tx, customer_id, known, now)
    for table in BEFORE_CUSTOMER:
        await work.do(table)
    locked = await tx.fetchrow(_LOCK, group_id, customer_id)
    assert locked is not None
    if locked["erased_at"] is not None:  # By somebody else, a moment ago.
        return _again(customer_id, locked)
    if await tx.fetchval(_LEFT, group_id, customer_id) or _grew(known, await texts_of(tx, customer_id)):
        raise _MoreCame
    for table in BEFORE_CUSTOMER[1:]:
        if await work.do(table):
            raise _MoreCame
    await keep_refusals(tx, customer_id, await _addresses(tx, customer_id, known), now=now)
    # The audit trail lets nobody else change it; see migration 0035.
    await tx.fetchval(_SAY_SO, "yes")
    for table in PERSONAL:
        if table not in BEFORE_CUSTOMER:
            await work.do(table)
    await tx.fetchval(_SAY_SO, "no")
    emptied = await tx.execute(_RECIPIENTS, group_id, [digest(one) for one in known.recipients])
    work.count("emptied", "message_recipient", emptied)
    if work.bytes:
        await tx.execute(_LIGHTER, group_id, work.bytes)
    await note_audience_change(tx)
    report = {**work.report, "filesRewritten": cleaned.rewritten, "filesRemoved": cleaned.removed}
    await tx.execute(_KEEP, group_id, customer_id, msgspec.json.encode(report).decode())
    await record(
        tx, by, "customer.erase", subject=show_id("cust", customer_id), after={"erased": report}, now=now
    )
    return _erased(customer_id, now, report)


async def _addresses(tx: Transaction, customer_id: int, known: Texts) -> set[str]:
    """The person's own addresses, as they are compared."""
    rows = await tx.fetch(_KNOWN, tx.scope.group_id, customer_id)
    own = {fold_email(one) for one in known.emails} | {one for one in known.phones if one.startswith("+")}
    return own | {row[key] for row in rows for key in ("email_key", "phone_key") if row[key]} - known.shared


class _Work:
    """Emptying one table after the other, and what that came to."""

    def __init__(self, tx: Transaction, customer_id: int, known: Texts, now: datetime) -> None:
        self.tx, self.now, self.customer_id = tx, now, customer_id
        self.strong, self.told = known.strong, known.told([show_id("cust", customer_id)])
        self.cores, self.in_keys, self.addresses = known.cores, known.in_keys, known.addresses
        self.salt = secrets.token_hex(16)
        self.nobodys: list[UUID] = []
        self.bytes = 0
        self.report: dict[str, dict[str, int]] = {"emptied": {}, "deleted": {}, "cut": {}}

    async def do(self, table: str) -> int:
        """Empty a table; how many rows were the person's."""
        row = await self.tx.fetchrow(
            erasing(table, strong=len(self.strong), told=len(self.told), addresses=len(self.addresses)),
            self.tx.scope.group_id, self.customer_id, self.now, self.strong, self.told, self.salt, self.nobodys,
            self.cores, self.in_keys, self.addresses,
        )  # fmt: skip
        assert row is not None
        self.count("deleted" if PERSONAL[table].deleted else "emptied", table, row["mine"])
        self.count("cut", table, row["others"])
        self.bytes += row["bytes"]
        self.nobodys += row["nobodys"] or []
        return int(row["mine"])

    def count(self, what: str, table: str, rows: int) -> None:
        if rows:
            self.report[what][table] = rows


def _grew(before: Texts, after: Texts | None) -> bool:
    """Whether more is known of the person now; what their events were told by is gone from there."""
    assert after is not None
    return not (after.emails <= before.emails and after.phones <= before.phones and after.keys <= before.keys)


def _again(customer_id: int, row: Any) -> Erased:
    return _erased(customer_id, row["erased_at"], msgspec.json.decode(row["erasure"] or "{}"))


def _erased(customer_id: int, at: datetime, report: Mapping[str, Any]) -> Erased:
    return Erased(
        customer_id, at, report.get("emptied", {}), report.get("deleted", {}), report.get("cut", {}),
        report.get("filesRewritten", 0), report.get("filesRemoved", 0),
    )  # fmt: skip


__all__ = ["Cleaned", "Erased", "erase_customer", "refuse_erased", "texts_of"]
