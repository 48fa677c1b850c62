"""The life of a campaign: which named move leads from which status to which.

    draft ⇄ scheduled → active ⇄ paused → completed → draft

The worker makes the two moves that time makes: scheduled → active at the start, active or paused → completed
at the end. All others are somebody's decision, and have a name here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.errors import Conflict
from app.tables.campaigns import CampaignStatus


class Move(StrEnum):
    """What somebody can do with a campaign."""

    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class Rule:
    """One move: from which statuses, to which, and what must hold besides."""

    origins: tuple[CampaignStatus, ...]
    target: CampaignStatus
    start_ahead: bool = False
    """The campaign must start in the future."""
    end_ahead: bool = False
    """The campaign must not be over."""
    no_template: bool = False
    """Templates are copied, they do not run."""


_S = CampaignStatus
RULES: dict[Move, Rule] = {
    Move.SCHEDULE: Rule((_S.DRAFT,), _S.SCHEDULED, start_ahead=True, end_ahead=True, no_template=True),
    Move.UNSCHEDULE: Rule((_S.SCHEDULED,), _S.DRAFT),
    Move.ACTIVATE: Rule((_S.DRAFT, _S.SCHEDULED), _S.ACTIVE, end_ahead=True, no_template=True),
    Move.PAUSE: Rule((_S.ACTIVE,), _S.PAUSED),
    Move.RESUME: Rule((_S.PAUSED,), _S.ACTIVE, end_ahead=True),
    Move.COMPLETE: Rule((_S.ACTIVE, _S.PAUSED), _S.COMPLETED),
    Move.REOPEN: Rule((_S.COMPLETED,), _S.DRAFT),
}


def move_refusal(
    move: Move,
    *,
    status: CampaignStatus,
    starts_at: datetime | None,
    ends_at: datetime | None,
    is_template: bool,
    now: datetime,
) -> Conflict | None:
    """Why this campaign cannot make the move now; None when it can."""
    rule = RULES[move]
    if status not in rule.origins:
        possible = ", ".join(rule.origins)
        return Conflict(
            f"A campaign that is {status} cannot {move}; it would have to be {possible}.",
            path=["move"],
            code="WRONG_STATUS",
        )
    if rule.no_template and is_template:
        return Conflict("A template does not run; clone it first.", path=["move"], code="TEMPLATE")
    if rule.end_ahead and ends_at is not None and ends_at <= now:
        return Conflict(
            "The campaign's end has passed; give it a later end first.", path=["move"], code="WINDOW_OVER"
        )
    if rule.start_ahead and (starts_at is None or starts_at <= now):
        return Conflict(
            "Only a campaign that starts in the future can be scheduled; set its start, or activate it.",
            path=["move"],
            code="NO_START_AHEAD",
        )
    return None
