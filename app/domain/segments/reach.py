"""How many customers of a segment can be written to, by channel: counted with its size.

That is whoever agreed, whatever the list, and has an address; `customer.email_consent` and `sms_consent` are kept
agreeing with all that was said (`domain/contacts/saying.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction

REACHED = {
    "email": "(customer.email_consent AND customer.email IS NOT NULL)",
    "sms": "(customer.sms_consent AND customer.phone IS NOT NULL)",
}
"""SQL, by channel: whether a row of `customer` can be reached there. The deleted are left out elsewhere."""
COUNTED = ", ".join(["count(*)", *(f"count(*) FILTER (WHERE {reached})" for reached in REACHED.values())])
"""SQL: how many customers there are, and how many of them can be reached in each channel."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a segment is."""

    customers: int
    email: int
    sms: int


_AMONG = f"SELECT {COUNTED} FROM customer WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL"
_LISTS = f"""
UPDATE segment s SET reach_email = found.email, reach_sms = found.sms, reached_at = $2
  FROM (SELECT l.id, counted.* FROM segment l
         CROSS JOIN LATERAL (
               SELECT {COUNTED} FROM segment_member m
                 JOIN customer ON customer.group_id = m.group_id AND customer.id = m.customer_id
                WHERE m.group_id = l.group_id AND m.segment_id = l.id AND customer.deleted_at IS NULL
               ) AS counted (size, email, sms)
         WHERE l.group_id = $1 AND l.type <> 'dynamic' AND l.deleted_at IS NULL) AS found
 WHERE s.group_id = $1 AND s.id = found.id
"""


async def count_among(tx: Transaction, customer_ids: Sequence[int]) -> Size:
    """How many of these customers can be reached."""
    row = await tx.fetchrow(_AMONG, tx.scope.group_id, customer_ids)
    assert row is not None
    return Size(*row)


async def recount_lists(tx: Transaction, *, now: datetime) -> None:
    """Count anew how many on each list of the group can be reached."""
    await tx.execute(_LISTS, tx.scope.group_id, now)
