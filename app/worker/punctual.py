"""Jobs for work that is due at a certain moment: they sleep until the next such moment in any group."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from app.db.database import Database, Transaction
from app.worker.jobs import Patience, Report, groups, visit

SHARE_OF_TIME = 100
"""Visits to all groups may take 1 % of the time between two rounds of them."""
MIN_GAP = timedelta(seconds=5)
MAX_GAP = timedelta(seconds=60)
RETRY = timedelta(seconds=1)
"""After a failure in a group, doubling up to MAX_GAP; or where something is due that could not be moved."""


@dataclass(slots=True)
class Punctual(ABC):
    """Does `move` in a group when something is due there, as `next_due` says.

    Remembers when each group is next due and sleeps until then. All groups are visited at the start and every so
    often (a hint can get lost), a single one when a hint names it.
    """

    NEXT_DUE: ClassVar[str]
    """A statement: when something is next due in group `$1`, or NULL."""

    name: str
    every_s: int = int(MAX_GAP.total_seconds())
    _due: dict[int, datetime] = field(default_factory=dict)
    _hinted: set[int] = field(default_factory=set)
    _round_at: datetime | None = None
    _patience: Patience = field(default_factory=lambda: Patience(first=RETRY, longest=MAX_GAP))

    @abstractmethod
    async def move(self, tx: Transaction, now: datetime) -> None:
        """Do all that is due in the transaction's group."""

    def hint(self, group_id: int) -> bool:
        """Something in this group is due at another time now."""
        self._hinted.add(group_id)
        return True

    def forget(self) -> None:
        """Start again with a visit to all groups."""
        self._due.clear()
        self._round_at = None

    async def run(self, db: Database, now: datetime) -> Report:
        """Move what is due, in the groups where something is."""
        started = time.monotonic()
        full_round = self._round_at is None or self._round_at <= now
        if full_round:
            targets = set(await groups(db))
            self._due.clear()
        else:
            targets = {g for g, due in self._due.items() if due <= now} | self._hinted
        # A hint that comes in after this leads to another run.
        self._hinted.clear()
        next_due: dict[int, datetime | None] = {}

        async def advance(tx: Transaction) -> None:
            group_id = tx.scope.group_id
            await self.move(tx, now)
            next_due[group_id] = await tx.fetchval(self.NEXT_DUE, group_id)

        visited = await visit(db, self._patience.last(targets), advance)
        for group_id in targets:
            if group_id not in visited.done:
                self._due[group_id] = self._patience.failed(group_id, now)
                continue
            self._patience.passed(group_id)
            due = next_due[group_id]
            if due is None:
                self._due.pop(group_id, None)
            else:
                self._due[group_id] = max(due, now + RETRY) if due <= now else due
        if full_round:
            taken = timedelta(seconds=time.monotonic() - started)
            self._round_at = now + min(max(taken * SHARE_OF_TIME, MIN_GAP), MAX_GAP)
        assert self._round_at is not None
        return Report(next_at=min([self._round_at, *self._due.values()]), errors=visited.errors)
