"""What of authentic deliveries could not be taken: kept with its reason, and taken again when something has changed.

The same text is kept once, however often a provider sends it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.webhooks.elements import Refused
from app.domain.webhooks.operations import Ingested, ingest
from app.domain.webhooks.reading import Delivered, Happened, read_delivery
from app.errors import MAX_TOLD, Failure, Invalid, NotFound, Several, TooLarge
from app.tables.webhooks import Provider

MAX_KEPT = 262_144
"""Characters of a refused text that are kept. One that is longer can be read, but not taken again."""
MAX_AT_ONCE = 500

_KEEP = """
INSERT INTO webhook_refusal AS r
       (group_id, provider, connection_id, fingerprint, reason, message, body, size, is_whole, content_type, query,
        received_at, last_received_at)
SELECT $1, $2, $3, given.*, $4, $5, $6, $6
  FROM unnest($7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::boolean[])
    AS given (fingerprint, reason, message, body, size, is_whole)
 ORDER BY given.fingerprint
ON CONFLICT (group_id, provider, fingerprint) DO UPDATE
   SET times = r.times + 1, last_received_at = greatest(r.last_received_at, excluded.last_received_at)
"""


async def keep_refused(
    tx: Transaction,
    provider: Provider,
    refused: Sequence[Refused],
    *,
    connection_id: int | None,
    content_type: str = "",
    query: str = "",
    now: datetime,
) -> None:
    """Keep these, before anything else of the delivery: their rows are locked first by whoever takes them again."""
    found = {_fingerprint(one, content_type, query): one for one in refused}
    if not found:
        return
    texts = [one.text[:MAX_KEPT] for one in found.values()]
    await tx.execute(
        _KEEP,
        tx.scope.group_id,
        provider,
        connection_id,
        content_type[:200],
        query[:MAX_KEPT],
        now,
        list(found),
        [one.reason for one in found.values()],
        [one.message for one in found.values()],
        texts,
        [len(one.text.encode()) for one in found.values()],
        [len(one.text) <= MAX_KEPT for one in found.values()],
    )


def _fingerprint(refused: Refused, content_type: str, query: str) -> str:
    return hashlib.sha256("\n".join((content_type, query, refused.text)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TakenAgain:
    """What became of refused elements that were looked at again."""

    taken: int
    """Can be read now, and were let in."""
    refused: int
    """Still cannot."""
    before: int
    """Had been taken already."""
    ingested: Ingested
    """What their events came to."""


# Held until the end, in one order: of two at once the second finds that it was taken.
_LOCK = "SELECT * FROM webhook_refusal WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
_TAKEN = "UPDATE webhook_refusal SET taken_at = $3 WHERE group_id = $1 AND id = ANY ($2) AND taken_at IS NULL"
_STILL = """
UPDATE webhook_refusal r SET reason = given.reason, message = given.message
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS given (id, reason, message)
 WHERE r.group_id = $1 AND r.id = given.id
"""


async def take_again(tx: Transaction, ids: Sequence[int], *, now: datetime) -> TakenAgain:
    """Look at these again, each once: what can be read now is let in as if it had come in when it did."""
    if len(ids) > MAX_AT_ONCE:
        raise TooLarge(f"There are {len(ids)} ids; at most {MAX_AT_ONCE} are taken at once.", path=["ids"])
    rows = {row["id"]: row for row in await tx.fetch(_LOCK, tx.scope.group_id, sorted(set(ids)))}
    missing: list[Failure] = [
        NotFound("webhook refusal", ident, path=["ids", at])
        for at, ident in enumerate(ids)
        if ident not in rows
    ]
    if missing:
        raise Several(missing[:MAX_TOLD])
    open_ones = [row for row in rows.values() if row["taken_at"] is None]
    events: dict[Provider, list[Happened]] = {}
    taken: list[int] = []
    still: list[tuple[int, str, str]] = []
    for row in open_ones:
        read = _read(row)
        if isinstance(read, Refused):
            still.append((row["id"], read.reason, read.message))
            continue
        taken.append(row["id"])
        events.setdefault(Provider(row["provider"]), []).extend(
            one if one.at is not None else replace(one, at=row["received_at"]) for one in read
        )
    await tx.execute(_TAKEN, tx.scope.group_id, taken, now)
    if still:
        await tx.execute(_STILL, tx.scope.group_id, *map(list, zip(*still, strict=True)))
    done = [await ingest(tx, provider, events[provider], now=now) for provider in sorted(events)]
    total = Ingested(
        sum(one.received for one in done), sum(one.applied for one in done), sum(one.ignored for one in done)
    )
    return TakenAgain(len(taken), len(still), len(rows) - len(open_ones), total)


def _read(row: Any) -> Delivered | Refused:
    if not row["is_whole"]:
        return Refused("", row["reason"], f"Only the first {MAX_KEPT} characters are kept.")
    try:
        read = read_delivery(
            Provider(row["provider"]), row["body"], content_type=row["content_type"], query=row["query"]
        )
    except (Invalid, TooLarge) as why:
        return Refused("", why.reason, why.message)
    # A whole body whose parts are refused now stays as it is: nothing of it is taken twice, or forgotten.
    return read.refused[0] if read.refused else read
