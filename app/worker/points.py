"""Books points that become usable or expire, when they do."""

import logging
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.rewards.lots import ACCOUNTS_AT_ONCE, book_due
from app.worker.punctual import Punctual

log = logging.getLogger(__name__)

ROUNDS = 20
"""In one transaction; the rest has its turn a second later."""


@dataclass(slots=True)
class Points(Punctual):
    """Releases what has waited long enough, and lets expire what has expired."""

    NEXT_DUE = """
    SELECT least(
      (SELECT min(available_at) FROM reward_lot WHERE group_id = $1 AND released_at IS NULL AND remaining > 0),
      (SELECT min(expires_at) FROM reward_lot WHERE group_id = $1 AND released_at IS NOT NULL AND remaining > 0))
    """

    name: str = "reward points"

    async def move(self, tx: Transaction, now: datetime) -> None:
        """Book what is due."""
        booked = 0
        for _ in range(ROUNDS):
            some = await book_due(tx, now=now)
            booked += some
            if some < ACCOUNTS_AT_ONCE:
                break
        if booked:
            log.info("group %s: points of %d accounts were booked", tx.scope.group_id, booked)
