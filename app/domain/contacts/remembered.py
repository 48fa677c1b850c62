"""What refuses of addresses whose owner was erased: kept by a digest, and said again once somebody has such an address.

The digest is of the group and the address, so that it tells nobody who it was. What is said again is of the address: it
is taken back as if it had been said of it, by `contactUnsuppress`.
"""

from collections.abc import Collection
from datetime import datetime

from app.db.database import Transaction

_KEYS = {"email_key": "'email'", "phone_key": "'sms', 'whatsapp'"}
"""By the column of an address, its channels."""


def digest_of(key: str) -> str:
    """SQL: what stands for an address of the group $1."""
    return f"'erased:' || encode(sha256(convert_to($1::bigint || ':' || {key}, 'UTF8')), 'hex')"


# First what is remembered at all, mostly nothing: a digest is made of it for each of these addresses.
_SAY_AGAIN = """
WITH remembered AS MATERIALIZED (
  SELECT * FROM contact_statement
   WHERE group_id = $1 AND channel IN ({channels}) AND subject >= 'erased:' AND subject < 'erased;')
INSERT INTO contact_statement (group_id, channel, subject, address_key, list, kind, allows, of_address, source,
                               first_said_at, said_at, recorded_at)
SELECT $1, e.channel, c.{key}, c.{key}, e.list, e.kind, false, true, e.source, e.first_said_at, e.said_at, $3
  FROM customer c JOIN remembered e ON e.subject = {digest}
 WHERE c.group_id = $1 AND c.id = ANY ($2) AND c.{key} IS NOT NULL
 ORDER BY e.channel, c.{key}, e.list, e.kind
ON CONFLICT (group_id, channel, subject, list, kind, source) DO NOTHING
"""
_SAYINGS = [
    _SAY_AGAIN.format(key=key, channels=channels, digest=digest_of(f"c.{key}"))
    for key, channels in _KEYS.items()
]


async def say_again(tx: Transaction, customer_ids: Collection[int], *, now: datetime) -> None:
    """Let what is remembered of the addresses of these customers be said of them."""
    for saying in _SAYINGS:
        await tx.execute(saying, tx.scope.group_id, sorted(customer_ids), now)


__all__ = ["digest_of", "say_again"]
