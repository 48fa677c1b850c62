"""Before a person's statements go: what refuses of their addresses is kept by a digest, so that nothing lifts it.

A block stays a block; all else that is in force is `erased`. See `contacts/remembered.py` for what becomes of it.
"""

from collections.abc import Collection
from datetime import datetime

from app.db.database import Transaction
from app.domain.contacts.remembered import digest_of
from app.domain.contacts.saying import counts

_THEIRS = "({s}.customer_id = $2 OR {s}.address_key = ANY ($3))"
_FORGET = f"""
DELETE FROM contact_statement
 WHERE group_id = $1 AND subject IN (SELECT {digest_of("key")} FROM unnest($2::text[]) AS key)
"""
_KEEP = f"""
INSERT INTO contact_statement (group_id, channel, subject, list, kind, allows, of_address, source, first_said_at,
                               said_at, recorded_at)
SELECT s.group_id, s.channel, {digest_of("a.key")}, s.list,
       CASE WHEN s.kind = 'blocked' THEN 'blocked' ELSE 'erased' END, false, true, 'erasing', min(s.first_said_at),
       max(s.said_at), $4
  FROM contact_statement s
  JOIN unnest($3::text[]) AS a (key)
    ON CASE WHEN s.address_key IS NULL THEN (s.channel = 'email') = (position('@' IN a.key) > 0)
            ELSE s.address_key = a.key END
 WHERE s.group_id = $1 AND {_THEIRS.format(s="s")} AND NOT s.allows AND {counts("s")}
   AND (s.kind = 'blocked' OR NOT EXISTS (
        SELECT FROM contact_statement l
         WHERE l.group_id = $1 AND l.channel = s.channel AND {_THEIRS.format(s="l")} AND l.allows
           AND l.said_at > s.said_at AND l.list IN ('', s.list)))
 GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 3, 4, 5
"""


async def keep_refusals(tx: Transaction, customer_id: int, keys: Collection[str], *, now: datetime) -> None:
    """Keep them of these addresses, folded, which are nobody else's. Once more is anew: what was lifted is lifted."""
    addresses = sorted(keys)
    await tx.execute(_FORGET, tx.scope.group_id, addresses)
    await tx.execute(_KEEP, tx.scope.group_id, customer_id, addresses, now)


__all__ = ["keep_refusals"]
