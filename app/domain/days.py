"""Days alone, given where an instant can be: which moment they mean depends on where the thing lives."""

from collections.abc import Collection
from datetime import datetime, tzinfo
from typing import Any

from app.db.database import Transaction
from app.domain.inputs import Path
from app.errors import Invalid
from app.values.changes import Unset
from app.values.instants import DayAlone, ending, starting, zone_of

# A campaign's zone is its store's; of nothing named it is the group's.
_ZONE = """
SELECT coalesce(store.time_zone, customer_group.time_zone)
  FROM customer_group
  LEFT JOIN campaign ON campaign.group_id = customer_group.id AND campaign.id = $2
  LEFT JOIN store ON store.group_id = customer_group.id AND store.id = coalesce($3, campaign.store_id)
 WHERE customer_group.id = $1
"""


async def zone_where(
    tx: Transaction, *, campaign_id: int | None = None, store_id: int | None = None
) -> tzinfo:
    """The zone of a store, or of a campaign's; else the group's."""
    return zone_of(str(await tx.fetchval(_ZONE, tx.scope.group_id, campaign_id, store_id)))


async def settle_days(
    tx: Transaction,
    values: dict[str, Any],
    *,
    starts: Collection[str] = (),
    ends: Collection[str] = (),
    campaign_id: int | None = None,
    store_id: int | None = None,
) -> None:
    """Let the days alone among these values be moments: of a start its first one, of an end the one after it."""
    if not any(isinstance(values.get(name), DayAlone) for name in (*starts, *ends)):
        return
    zone = await zone_where(tx, campaign_id=campaign_id, store_id=store_id)
    for name in (*starts, *ends):
        value = values.get(name)
        if isinstance(value, DayAlone):
            values[name] = edge(value, zone, [name], ends=name in ends)


async def settled_end(tx: Transaction, value: datetime | Unset | None, path: Path) -> Any:
    """The end of something that belongs to the group as a whole; what is no day alone stays as it is."""
    return edge(value, await zone_where(tx), path, ends=True) if isinstance(value, DayAlone) else value


def edge(value: datetime, zone: tzinfo, path: Path, *, ends: bool) -> datetime:
    """The moment that an edge means there."""
    try:
        return ending(value, zone) if ends else starting(value, zone)
    except (ValueError, OverflowError):
        raise Invalid("The day must lie between 0001-01-02 and 9999-12-30.", path=path) from None
