"""Which value of a state or statistic stands: the one that is latest by its own date, in whatever order they are told.

Of two of one moment the greater stands (1 over 0), which does not depend on what came first either. What came with the
event has no date of its own: anything that is told stands over it. A date may lie ahead, since what is agreed on may be
told before it is so. One that lies further ahead than a year is a wrong clock or a slip, and counts as the moment it
was told; so nothing is decided for good by a year 2999.

Source: Webmarketer API 1.0.0, "Update an event state" ("each event state is described with a date"), and "Get an event
by ID", whose sample has a statistic that is dated before its event.
"""

from datetime import datetime, timedelta
from decimal import Decimal

FURTHEST_AHEAD = timedelta(days=366)
"""How far ahead of being told a value's date may lie to count as it is."""

Rank = tuple[bool, datetime, Decimal]
"""What values are compared by: whether it was told, the moment, the value."""

NEWER = """(excluded.is_told, coalesce(excluded.decided_at, excluded.metric_date), excluded.value)
          > (m.is_told, coalesce(m.decided_at, m.metric_date), m.value)"""
"""In an upsert of `event_metric AS m`: whether what is told stands over what is there. The same as comparing ranks."""


def decided_at(date: datetime, *, told_at: datetime) -> datetime | None:
    """The moment that stands in for a value's date where values are compared; None: that date itself."""
    return told_at if date > told_at + FURTHEST_AHEAD else None


__all__ = ["FURTHEST_AHEAD", "NEWER", "Rank", "decided_at"]
