"""What customers agreed to, as the providers report it.

Consent is what the latest event about it says, by the moment it happened and not by when it came in. The event store
has them all, so a late delivery of an old subscription does not undo a newer goodbye.
"""

from collections.abc import Collection
from datetime import datetime

from app.db.database import Transaction
from app.domain.webhooks.providers import CONSENT, CONSENT_COLUMN

_KINDS = ", ".join(f"'{kind}'" for kind in CONSENT)
_LOCK = """
SELECT 1 FROM customer WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
# At the same moment a goodbye wins. Customers whose consent already is so are not touched.
_SETTLE = """
UPDATE customer c SET {column} = latest.agrees, updated_at = $4
  FROM (SELECT DISTINCT ON (e.customer_id) e.customer_id, e.kind = 'subscribed' AS agrees
          FROM event e
         WHERE e.group_id = $1 AND e.customer_id = ANY ($2) AND e.channel = ANY ($3)
           AND e.source LIKE 'webhook.%' AND e.outcome = 'applied' AND e.kind IN ({kinds})
         ORDER BY e.customer_id, e.occurred_at DESC, e.kind = 'unsubscribed' DESC) AS latest
 WHERE c.group_id = $1 AND c.id = latest.customer_id AND c.{column} <> latest.agrees
"""
# Segments are made of consent too; the worker counts those of this group anew.
_TELL = "INSERT INTO audience_change (group_id) VALUES ($1)"


async def settle_consent(tx: Transaction, who: Collection[tuple[int, str]], *, now: datetime) -> int:
    """Bring consent up to date for these customers and channels; how many changed."""
    by_column: dict[str, set[int]] = {}
    for customer_id, channel in who:
        if column := CONSENT_COLUMN.get(channel):
            by_column.setdefault(column, set()).add(customer_id)
    if not by_column:
        return 0
    group_id = tx.scope.group_id
    await tx.fetch(_LOCK, group_id, sorted(set().union(*by_column.values())))
    changed = 0
    for column, ids in sorted(by_column.items()):
        channels = [name for name, its in CONSENT_COLUMN.items() if its == column]
        changed += await tx.execute(
            _SETTLE.format(column=column, kinds=_KINDS), group_id, sorted(ids), channels, now
        )
    if changed:
        await tx.execute(_TELL, group_id)
    return changed
