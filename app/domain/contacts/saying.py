"""Keeping what was said about writing to somebody, and bringing customers' consent up to date with it.

`customer.email_consent` and `sms_consent` are what the rows of `contact_statement` come to. Whoever adds rows holds the
customers they may concern, so that of two at once the second one to settle sees both; locks are taken customers first,
by id, then statements, by key. A customer who is made at the very moment when something about its address comes in is
seen by neither; the worker looks once more (`spoken_of`).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.contacts.remembered import say_again
from app.domain.contacts.statements import Said, gathered
from app.domain.segments.changes import note_audience_change
from app.tables.contacts import ContactChannel

PHONE_KEY = "phone_key"
"""The column that a telephone number is looked up by."""
KEY_COLUMN = {
    ContactChannel.EMAIL: "email_key",
    ContactChannel.SMS: PHONE_KEY,
    ContactChannel.WHATSAPP: PHONE_KEY,
}
CONSENT_COLUMN = {ContactChannel.EMAIL: "email_consent", ContactChannel.SMS: "sms_consent"}
"""Where a channel's consent is kept with the customer, for whoever knows of no lists."""

# Rows only move on to later moments, so it does not matter which of two comes first.
_RECORD = """
INSERT INTO contact_statement AS s
       (group_id, channel, subject, address_key, customer_id, list, kind, allows, of_address, source, first_said_at,
        said_at, detail, recorded_at)
SELECT $1, given.*, $2
  FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::boolean[],
              $10::boolean[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[])
    AS given (channel, subject, address_key, customer_id, list, kind, allows, of_address, source, first_said_at,
              said_at, detail)
ON CONFLICT (group_id, channel, subject, list, kind, source) DO UPDATE
   SET customer_id = CASE WHEN excluded.said_at >= s.said_at THEN coalesce(excluded.customer_id, s.customer_id)
                          ELSE coalesce(s.customer_id, excluded.customer_id) END,
       detail = CASE WHEN excluded.said_at > s.said_at THEN excluded.detail
                     WHEN excluded.said_at < s.said_at THEN s.detail
                     ELSE greatest(excluded.detail, s.detail) END,
       first_said_at = least(s.first_said_at, excluded.first_said_at),
       said_at = greatest(s.said_at, excluded.said_at),
       recorded_at = greatest(s.recorded_at, excluded.recorded_at)
RETURNING id
"""


async def record(tx: Transaction, said: Iterable[Said], *, now: datetime) -> list[int]:
    """Keep what was said; the rows' ids. The caller holds the customers they are about, and settles them after it."""
    rows = gathered(said)
    if not rows:
        return []
    all_of = [row.latest for row in rows]
    found = await tx.fetch(
        _RECORD,
        tx.scope.group_id,
        now,
        [one.channel for one in all_of],
        [one.subject for one in all_of],
        [one.address for one in all_of],
        [one.customer_id for one in all_of],
        [one.list for one in all_of],
        [one.kind for one in all_of],
        [one.allows for one in all_of],
        [one.of_address for one in all_of],
        [one.source for one in all_of],
        [row.first_at for row in rows],
        [one.at for one in all_of],
        [one.detail for one in all_of],
    )
    ids = [row["id"] for row in found]
    await tx.execute(_CLAIM_FOR_HEIRS, tx.scope.group_id, ids)
    return ids


# What is said of the address of somebody who was merged is the word of who they are now.
_CLAIM_FOR_HEIRS = f"""
UPDATE contact_statement s SET customer_id = heir.id
  FROM customer c JOIN customer heir ON heir.group_id = c.group_id AND heir.id = c.merged_into_id
 WHERE s.group_id = $1 AND s.id = ANY ($2) AND s.customer_id IS NULL AND s.channel = '{ContactChannel.EMAIL}'
   AND c.group_id = $1 AND c.email_key = s.address_key AND heir.deleted_at IS NULL
"""
# Who was merged is who they were merged into.
_OWNERS = f"""
SELECT k.id FROM (
       SELECT coalesce(merged_into_id, id) AS id FROM customer WHERE group_id = $1 AND email_key = ANY ($2)
        UNION
       SELECT coalesce(merged_into_id, id) FROM customer WHERE group_id = $1 AND {PHONE_KEY} = ANY ($3)) AS found
  JOIN customer k ON k.group_id = $1 AND k.id = found.id
 WHERE k.deleted_at IS NULL
"""


async def owners(tx: Transaction, said: Collection[Said]) -> set[int]:
    """All customers whom these may concern: those named, and whoever has one of the addresses, or had it once."""
    emails = {one.address for one in said if one.channel is ContactChannel.EMAIL and one.address}
    phones = {one.address for one in said if one.channel is not ContactChannel.EMAIL and one.address}
    found = {one.customer_id for one in said if one.customer_id is not None}
    if emails or phones:
        rows = await tx.fetch(_OWNERS, tx.scope.group_id, list(emails), list(phones))
        found |= {row["id"] for row in rows}
    return found


# What was said of an address before its owner was known is theirs. A number that several share is nobody's own.
_CLAIM = f"""
UPDATE contact_statement s SET customer_id = c.id
  FROM customer c
 WHERE c.group_id = $1 AND c.id = ANY ($2) AND s.group_id = $1 AND s.customer_id IS NULL
   AND s.channel = '{ContactChannel.EMAIL}' AND s.address_key = c.email_key
"""
_CLAIM_PHONES = f"""
UPDATE contact_statement s SET customer_id = c.id
  FROM customer c
 WHERE c.group_id = $1 AND c.id = ANY ($2) AND s.group_id = $1 AND s.customer_id IS NULL
   AND s.channel <> '{ContactChannel.EMAIL}' AND s.address_key = c.{PHONE_KEY}
   AND NOT EXISTS (SELECT FROM customer o WHERE o.group_id = $1 AND o.{PHONE_KEY} = c.{PHONE_KEY} AND o.id <> c.id
                      AND o.deleted_at IS NULL)
"""


def about(statement: str, customer: str, key: str, channel: str) -> str:
    """SQL: whether a statement concerns a customer in a channel.

    A person's word is theirs whatever their address; what a former owner agreed to binds nobody else, what they
    refused does.
    """
    return (
        f"{statement}.group_id = {customer}.group_id AND {statement}.channel = {channel}"
        f" AND (({statement}.customer_id = {customer}.id AND NOT {statement}.of_address)"
        f" OR ({statement}.address_key = {customer}.{key}"
        f" AND (NOT {statement}.allows OR {statement}.customer_id IS NULL"
        f" OR {statement}.customer_id = {customer}.id)))"
    )


def counts(statement: str) -> str:
    """SQL: whether a statement still says something. What was said of an address can be taken back later."""
    return (
        f"{statement}.kind NOT IN ('moved', 'unblocked')"
        f" AND NOT ({statement}.of_address AND EXISTS ("
        f"SELECT FROM contact_statement u WHERE u.group_id = {statement}.group_id AND u.channel = {statement}.channel"
        f" AND u.subject = {statement}.subject AND u.kind = 'unblocked' AND u.list IN ('', {statement}.list)"
        f" AND u.said_at > {statement}.said_at))"
    )


def stands(statement: str, later: str, about_later: str) -> str:
    """SQL: whether a statement is in force. One that allows always is; a refusal until a later word lifts it.

    Of all the channel, and so of the address, only a word about all of the channel lifts it; of a list any later word
    does. A block is lifted by nothing that a person says. `about_later`: `about` of `later`.
    """
    return (
        f"({statement}.allows OR {statement}.kind = 'blocked' OR NOT EXISTS ("
        f"SELECT FROM contact_statement {later} WHERE {about_later} AND {later}.allows"
        f" AND {later}.said_at > {statement}.said_at AND ({later}.list = '' OR {statement}.list <> '')))"
    )


# Consent that was there before anything was said of it: kept as said, at its moment or, where that is not known, before
# all others.
_BASELINE = """
INSERT INTO contact_statement (group_id, channel, subject, customer_id, kind, allows, of_address, source, first_said_at,
                               said_at, recorded_at)
SELECT k.group_id, '{channel}', 'cust_' || k.id, k.id, 'opted_in', true, false, 'earlier',
       coalesce(k.{consent}_at, '1970-01-01 00:00:00+00'), coalesce(k.{consent}_at, '1970-01-01 00:00:00+00'), $3
  FROM customer k
 WHERE k.group_id = $1 AND k.id = ANY ($2) AND k.{consent}
   AND EXISTS (SELECT FROM contact_statement x WHERE {about})
   AND NOT EXISTS (SELECT FROM contact_statement x WHERE {about} AND x.allows)
 ORDER BY k.id
ON CONFLICT (group_id, channel, subject, list, kind, source) DO NOTHING
RETURNING id
"""
# Whatever the list: who knows of no lists goes by all that was said. What was set in other ways since stands, but for a
# block.
_SETTLE = """
UPDATE customer c SET {consent} = found.allows, updated_at = $3
  FROM customer k
 CROSS JOIN LATERAL (
       SELECT x.allows, x.kind, x.said_at FROM contact_statement x WHERE {about} AND {counts} AND {stands}
        ORDER BY x.allows, x.kind = 'blocked' DESC, x.said_at DESC LIMIT 1) AS found
 WHERE k.group_id = $1 AND k.id = ANY ($2) AND c.group_id = $1 AND c.id = k.id AND c.{consent} <> found.allows
   AND (c.{consent}_at IS NULL OR found.said_at >= c.{consent}_at OR found.kind = 'blocked')
"""


def _per_channel(template: str) -> list[str]:
    return [
        template.format(
            channel=channel,
            consent=column,
            about=about("x", "k", KEY_COLUMN[channel], f"'{channel}'"),
            counts=counts("x"),
            stands=stands("x", "y", about("y", "k", KEY_COLUMN[channel], f"'{channel}'")),
        )
        for channel, column in CONSENT_COLUMN.items()
    ]


_BASELINES, _SETTLINGS = _per_channel(_BASELINE), _per_channel(_SETTLE)


async def settle(tx: Transaction, customer_ids: Collection[int], *, now: datetime) -> int:
    """Bring the consent of these customers, whom the caller holds, up to date; how many consents changed."""
    ids = sorted(customer_ids)
    if not ids:
        return 0
    group_id = tx.scope.group_id
    await say_again(tx, ids, now=now)
    for claim in (_CLAIM, _CLAIM_PHONES):
        await tx.execute(claim, group_id, ids)
    for baseline in _BASELINES:
        await tx.fetch(baseline, group_id, ids, now)
    changed = 0
    for statement in _SETTLINGS:
        changed += await tx.execute(statement, group_id, ids, now)
    if changed:
        await note_audience_change(tx)
    return changed


# Locked in the order of ids, before any statement: the order of all writers.
LOCK = "SELECT id FROM customer WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
_SPOKEN_OF = """
SELECT coalesce(c.merged_into_id, c.id) AS id FROM contact_statement s
  JOIN customer c ON c.group_id = s.group_id AND c.{key} = s.address_key
   AND (c.deleted_at IS NULL OR c.merged_into_id IS NOT NULL)
 WHERE s.group_id = $1 AND {when} >= $2 AND s.channel {sign} 'email'
"""
_RECENT = " UNION ".join(
    _SPOKEN_OF.format(key=key, sign=sign, when=when)
    for key, sign in (("email_key", "="), (PHONE_KEY, "<>"))
    for when in ("s.recorded_at", "c.created_at")
)


async def spoken_of(tx: Transaction, *, since: datetime) -> list[int]:
    """Whoever was made since then, or something was said about, by id."""
    return sorted({row["id"] for row in await tx.fetch(_RECENT, tx.scope.group_id, since)})


async def settle_page(tx: Transaction, ids: Sequence[int], *, now: datetime) -> int:
    """Hold these customers and settle them; how many consents changed."""
    return await settle(tx, await hold(tx, ids), now=now)


async def hold(tx: Transaction, customer_ids: Iterable[int]) -> set[int]:
    """Lock these customers; those that are there."""
    ids = sorted(set(customer_ids))
    return {row["id"] for row in await tx.fetch(LOCK, tx.scope.group_id, ids)} if ids else set()


async def say(tx: Transaction, said: Sequence[Said], *, now: datetime) -> list[int]:
    """Keep what was said, and let it take effect; the rows' ids."""
    held = await hold(tx, await owners(tx, said))
    ids = await record(tx, said, now=now)
    await settle(tx, held, now=now)
    return ids
