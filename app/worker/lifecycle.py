"""Starts and ends campaigns on time."""

import logging
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.campaigns.operations import advance_due_campaigns
from app.worker.punctual import Punctual

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lifecycle(Punctual):
    """Moves campaigns scheduled → active → completed."""

    # The next moment at which time moves a campaign of the group; two looks into partial indexes.
    NEXT_DUE = """
    SELECT least(
      (SELECT min(starts_at) FROM campaign
        WHERE group_id = $1 AND status = 'scheduled' AND deleted_at IS NULL AND NOT is_template),
      (SELECT min(ends_at) FROM campaign
        WHERE group_id = $1 AND status IN ('active', 'paused') AND deleted_at IS NULL AND NOT is_template))
    """

    name: str = "campaign life cycle"

    async def move(self, tx: Transaction, now: datetime) -> None:
        """Make the moves that are due."""
        for moved in await advance_due_campaigns(tx, now):
            log.info("campaign %s: %s → %s", moved.campaign_id, moved.origin, moved.target)
