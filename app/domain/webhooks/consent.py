"""Customers' consent, as the providers report it.

Consent is what the latest event about it says, by the moment it happened and not by when it came in. The event store
has them all, so a late delivery of an old subscription does not undo a newer unsubscribing; nor does it undo what was
set in other ways since then (a form, an import). A moment after the delivery counts as the delivery's: a sender's clock
may be ahead.
"""

from collections.abc import Collection
from datetime import datetime

from app.db.database import Transaction
from app.domain.segments.changes import note_audience_change
from app.domain.webhooks.providers import CONSENT, CONSENT_COLUMN

_KINDS = ", ".join(f"'{kind}'" for kind in CONSENT)
# At the same moment unsubscribing wins. Customers whose consent is right already are not touched.
_SETTLE = """
UPDATE customer c SET {column} = latest.agrees, updated_at = $4
  FROM (SELECT DISTINCT ON (e.customer_id) e.customer_id, e.kind = 'subscribed' AS agrees,
               least(e.occurred_at, e.received_at) AS at
          FROM event e
         WHERE e.group_id = $1 AND e.customer_id = ANY ($2) AND e.channel = ANY ($3)
           AND e.source LIKE 'webhook.%' AND e.outcome = 'applied' AND e.kind IN ({kinds})
         ORDER BY e.customer_id, least(e.occurred_at, e.received_at) DESC, e.kind = 'unsubscribed' DESC) AS latest
 WHERE c.group_id = $1 AND c.id = latest.customer_id AND c.{column} <> latest.agrees
   AND (c.{column}_at IS NULL OR latest.at > c.{column}_at)
"""


async def settle_consent(tx: Transaction, who: Collection[tuple[int, str]], *, now: datetime) -> int:
    """Bring consent up to date for these customers and channels; how many changed.

    The caller holds the customers' locks, so that of two events at once the second one to settle sees both.
    """
    by_column: dict[str, set[int]] = {}
    for customer_id, channel in who:
        if column := CONSENT_COLUMN.get(channel):
            by_column.setdefault(column, set()).add(customer_id)
    group_id = tx.scope.group_id
    changed = 0
    for column, ids in sorted(by_column.items()):
        channels = [name for name, its in CONSENT_COLUMN.items() if its == column]
        changed += await tx.execute(
            _SETTLE.format(column=column, kinds=_KINDS), group_id, sorted(ids), channels, now
        )
    if changed:
        await note_audience_change(tx)
    return changed
