"""The campaigns a promo belongs to: one or several, each with its own time. Read when it is judged, never copied.

A promo that follows its campaigns holds while one of them runs. Which one an order with its code counts for is decided
by the order's moment.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.promos.lives import CampaignLife

RUNS = (
    "campaign.deleted_at IS NULL AND coalesce(campaign.ends_at > {now}, true)"
    " AND (campaign.status = 'active' AND coalesce(campaign.starts_at <= {now}, true)"
    " OR campaign.status = 'scheduled' AND campaign.starts_at <= {now})"
)
"""As `CampaignLife.phase` says of one that is live. One that is due is started by the worker within moments."""
ONE_RUNS = f"""
(NOT promo.follows_campaign OR EXISTS
  (SELECT 1 FROM promo_campaign link
     JOIN campaign ON campaign.id = link.campaign_id AND {CAMPAIGN_BORDERS}
    WHERE link.group_id = $1 AND link.promo_id = promo.id AND {RUNS}))
"""
"""With `{now}`: whether a promo's campaigns allow it, those that this scope reaches."""
_LIVES = f"""
SELECT link.promo_id, campaign.id, campaign.name, campaign.status, campaign.starts_at, campaign.ends_at,
       campaign.deleted_at IS NOT NULL AS is_deleted
  FROM promo_campaign link JOIN campaign ON campaign.id = link.campaign_id AND {CAMPAIGN_BORDERS}
 WHERE link.group_id = $1 AND link.promo_id = ANY ($4) ORDER BY link.id
"""
_LINK = """
INSERT INTO promo_campaign (group_id, created_at, promo_id, campaign_id) VALUES ($1, $4, $2, $3)
ON CONFLICT (group_id, promo_id, campaign_id) DO NOTHING
"""
_UNLINK = "DELETE FROM promo_campaign WHERE group_id = $1 AND promo_id = $2 AND campaign_id = $3"
_OLDEST = "SELECT campaign_id FROM promo_campaign WHERE group_id = $1 AND promo_id = $2 ORDER BY id LIMIT 1"


async def lives_of(tx: Transaction, promos: Sequence[int]) -> dict[int, list[CampaignLife]]:
    """The campaigns of these promos that this scope reaches, the oldest link first."""
    found: dict[int, list[CampaignLife]] = {one: [] for one in promos}
    for row in await tx.fetch(_LIVES, *borders(tx.scope), list(promos)):
        found[row["promo_id"]].append(_life(row))
    return found


async def link(tx: Transaction, promo_id: int, campaign_id: int, *, now: datetime) -> bool:
    """Let the promo belong to this campaign, too; whether that is news. The caller holds the promo."""
    with refusals():
        return bool(await tx.execute(_LINK, tx.scope.group_id, promo_id, campaign_id, now))


async def unlink(tx: Transaction, promo_id: int, campaign_id: int) -> bool:
    """Let it belong to this campaign no more; whether it did. The caller holds the promo."""
    return bool(await tx.execute(_UNLINK, tx.scope.group_id, promo_id, campaign_id))


async def oldest_of(tx: Transaction, promo_id: int) -> int | None:
    """The campaign it was given first, of those it belongs to."""
    found = await tx.fetchval(_OLDEST, tx.scope.group_id, promo_id)
    return None if found is None else int(found)


def _life(row: Any) -> CampaignLife:
    return CampaignLife(
        id=row["id"],
        name=row["name"],
        status=row["status"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        is_deleted=row["is_deleted"],
    )


__all__ = ["ONE_RUNS", "link", "lives_of", "oldest_of", "unlink"]
