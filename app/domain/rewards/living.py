"""Whether a campaign paid at the moment something happened. Pure.

What counts is when it happened, not when it was told: the window as it is now, and the status it had then. What is
told long after the campaign's end is not looked at any more. What is dated ahead counts as of its arrival.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.domain.campaigns.history import History, completed_at, status_at
from app.tables.campaigns import CampaignStatus


def moment_of(occurred_at: datetime, *, told_at: datetime) -> datetime:
    """When it happened, as rewards see it: at the latest when it was told."""
    return min(occurred_at, told_at)


def closed(
    row: Mapping[str, Any],
    history: History,
    moment: datetime,
    *,
    told_at: datetime,
    lifts_pauses: bool = False,
) -> str | None:
    """Why this campaign pays nothing for what happened then and was told at `told_at`; None where it pays.

    `lifts_pauses`: as though it had not been paused.
    """
    if row["is_template"]:
        return "it is a template"
    if row["starts_at"] is not None and moment < row["starts_at"]:
        return "it had not started"
    if row["ends_at"] is not None and moment >= row["ends_at"]:
        return "it was over"
    status = status_at(row, history, moment)
    if status != CampaignStatus.ACTIVE and not (lifts_pauses and status == CampaignStatus.PAUSED):
        return f"it was {status}"
    end = ended_at(row, history)
    days = row["reward_late_days"]
    if end is not None and told_at >= end + timedelta(days=days):
        return f"it was told more than {days} days after the campaign's end"
    return None


def ended_at(row: Mapping[str, Any], history: History) -> datetime | None:
    """When it ended: by its window, or when somebody completed it."""
    ends = [end for end in (row["ends_at"], completed_at(history)) if end is not None]
    return min(ends) if ends else None
