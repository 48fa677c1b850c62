"""Puts spend limits that wait for a period into effect when it begins."""

import logging
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.spend.operations import apply_due_limits
from app.worker.punctual import Punctual

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SpendLimits(Punctual):
    """Makes pending limits the current ones."""

    NEXT_DUE = (
        "SELECT min(effective_from) FROM spend_limit WHERE group_id = $1 AND effective_from IS NOT NULL"
    )

    name: str = "spend limits"

    async def move(self, tx: Transaction, now: datetime) -> None:
        """Put into effect what is due."""
        for applied in await apply_due_limits(tx, now):
            log.info(
                "campaign %s: the spend limit is %s now, was %s",
                applied.campaign_id, applied.amount, applied.former,
            )  # fmt: skip
