"""Whose clock is doubted: an event whose own date lies far from when it came in.

It is taken all the same, with its date, and marked: `event.is_clock_doubtful`; one that is in the trash for another
reason has that beside it. Behind, only strangers are doubted: who is vouched for may tell of the past. So may files: of
theirs only what is dated after its coming in is marked (`past_rows.py`).

Where something is the latest because of an event's date (a visit, a stage of a funnel) a date ahead counts as the
moment the event came in: `believed`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from app.db.database import Transaction
from app.domain.events.validating import EventFault, FaultCode
from app.tables.projects import DEFAULT_CLOCK_AHEAD_S, DEFAULT_CLOCK_BEHIND_S, LEAST_CLOCK_S


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far from its coming in an event may be dated."""

    ahead: timedelta = timedelta(seconds=DEFAULT_CLOCK_AHEAD_S)
    behind: timedelta = timedelta(seconds=DEFAULT_CLOCK_BEHIND_S)
    """Of strangers' events."""


class Dated(Protocol):
    """An event, as far as its clock is concerned."""

    @property
    def id(self) -> UUID: ...
    @property
    def project_id(self) -> int: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def is_vouched(self) -> bool: ...


def is_doubtful(event: Dated, tolerance: Tolerance) -> bool:
    """Whether the event's own date lies too far from when it came in."""
    skew = event.occurred_at - event.received_at
    return skew > tolerance.ahead or (not event.is_vouched and -skew > tolerance.behind)


def believed(occurred_at: datetime, *, received_at: datetime) -> datetime:
    """When it happened, as far as what is latest depends on it: nothing happens after it was told."""
    return min(occurred_at, received_at)


def fault_of(event: Dated) -> EventFault:
    """What is said of it in the trash, beside why it is there."""
    skew = event.occurred_at - event.received_at
    side = "after" if skew > timedelta() else "before"
    message = f"eventDate lies {_told(abs(skew))} {side} the event came in: the sender's clock may be wrong."
    return EventFault(FaultCode.CLOCK_DOUBTFUL, "eventDate", message)


def _told(skew: timedelta) -> str:
    return f"{skew.days:,} days" if skew.days > 1 else f"{int(skew.total_seconds()) // 60:,} minutes"


_TOLERANCES = "SELECT id, clock_ahead_s, clock_behind_s FROM project WHERE group_id = $1 AND id = ANY ($2)"
_LEAST = timedelta(seconds=LEAST_CLOCK_S)


async def doubtful_of(tx: Transaction, events: Sequence[Dated]) -> Collection[UUID]:
    """Those of these events whose clock is doubted. Where no date is far off nothing is asked."""
    odd = [event for event in events if abs(event.occurred_at - event.received_at) > _LEAST]
    if not odd:
        return ()
    rows = await tx.fetch(_TOLERANCES, tx.scope.group_id, sorted({event.project_id for event in odd}))
    tolerances = {
        row["id"]: Tolerance(
            timedelta(seconds=row["clock_ahead_s"] or DEFAULT_CLOCK_AHEAD_S),
            timedelta(seconds=row["clock_behind_s"] or DEFAULT_CLOCK_BEHIND_S),
        )
        for row in rows
    }
    return {event.id for event in odd if is_doubtful(event, tolerances[event.project_id])}


__all__ = ["Tolerance", "believed", "doubtful_of", "fault_of", "is_doubtful"]
