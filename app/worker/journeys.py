"""Visits whose tracker belonged to nobody when they came, and now belongs to a customer."""

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Database, Transaction
from app.domain.interactions.claiming import claim_latecomers
from app.worker.jobs import Report, groups, visit


@dataclass(slots=True)
class Journeys:
    """Gives interactions their customer where recording and identifying happened at the same moment."""

    name: str = "journeys"
    every_s: int = 60

    def hint(self, group_id: int) -> bool:
        """Nothing to hint at: the cause is transactions that overlap."""
        return False

    def forget(self) -> None:
        """It remembers nothing."""

    async def run(self, db: Database, now: datetime) -> Report:
        """Look at every group's latest visits."""

        async def claim(tx: Transaction) -> None:
            await claim_latecomers(tx, now=now)

        return Report(errors=(await visit(db, await groups(db), claim)).errors)
