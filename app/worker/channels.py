"""Tells interactions their channel anew, where a group's rules changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.database import Database, Transaction
from app.domain.interactions.retelling import retell_channels
from app.worker.jobs import Report, groups, visit

MAX_TURNS = 100
"""In a run, of every group; after that the other jobs have theirs first."""


@dataclass(slots=True)
class Channels:
    """A thousand at a time, in a transaction each, so that nobody waits for their locks."""

    name: str = "channels"
    every_s: int = 60

    def hint(self, group_id: int) -> bool:
        """Nobody waits for it."""
        return False

    def forget(self) -> None:
        """It remembers nothing."""

    async def run(self, db: Database, now: datetime) -> Report:
        """Visit every group, and those again that have more."""
        errors: list[str] = []
        waiting = await groups(db)
        for _ in range(MAX_TURNS):
            more: set[int] = set()

            async def retell(tx: Transaction, more: set[int] = more) -> None:
                if (await retell_channels(tx, now=now)).left:
                    more.add(tx.scope.group_id)

            visited = await visit(db, waiting, retell)
            errors += visited.errors
            waiting = sorted(more & visited.done)
            if not waiting:
                return Report(errors=errors)
        return Report(next_at=now + timedelta(seconds=1), errors=errors)
