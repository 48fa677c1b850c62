"""Where a promo's campaigns stand at a moment, and which of them counts then. Pure.

`graph/lists/promo_lives.py` says the same in SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from app.tables.campaigns import CampaignStatus

_EVER = datetime.min.replace(tzinfo=UTC)
_MAX_TOLD = 3


class Phase(IntEnum):
    """What a campaign means for its promos, the one that counts most first."""

    LIVE = 0
    AHEAD = 1
    HALTED = 2
    """A draft, or paused."""
    OVER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLife:
    """A campaign as its promos need to know it."""

    id: int
    name: str
    status: str
    starts_at: datetime | None
    ends_at: datetime | None
    """Exclusive."""
    is_deleted: bool = False

    def phase(self, now: datetime) -> Phase:
        """Where it stands. One that is due counts as started, before anybody moved it on; so does an end."""
        has_ended = self.ends_at is not None and self.ends_at <= now
        if self.is_deleted or has_ended or self.status == CampaignStatus.COMPLETED:
            return Phase.OVER
        if self.status in (CampaignStatus.DRAFT, CampaignStatus.PAUSED):
            return Phase.HALTED
        if self.starts_at is not None:
            return Phase.AHEAD if self.starts_at > now else Phase.LIVE
        return Phase.HALTED if self.status == CampaignStatus.SCHEDULED else Phase.LIVE

    def holds(self, moment: datetime) -> bool:
        """Whether its window does, whatever its status."""
        return (self.starts_at or _EVER) <= moment and (self.ends_at is None or moment < self.ends_at)

    def told(self, now: datetime) -> str:
        """Why its promos do not hold, in words."""
        name = f"its campaign {self.name[:80]!r}"
        if self.is_deleted:
            return f"{name} was deleted"
        if self.ends_at is not None and self.ends_at <= now:
            return f"{name} ended at {self.ends_at:%Y-%m-%d %H:%M:%S} UTC"
        if self.phase(now) is Phase.AHEAD:
            return f"{name} starts at {self.starts_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"{name} is {'a draft' if self.status == CampaignStatus.DRAFT else self.status}"


def foremost(campaigns: Sequence[CampaignLife], *, now: datetime) -> CampaignLife | None:
    """The campaign that says where its promo stands: one that runs, the latest started first; else the next one."""

    def rank(one: CampaignLife) -> tuple[object, ...]:
        phase = one.phase(now)
        moment = (one.ends_at if phase is Phase.OVER else one.starts_at) or _EVER
        since = (moment - _EVER).total_seconds()
        return phase, since if phase is Phase.AHEAD else -since, -one.id

    return min(campaigns, key=rank, default=None)


def credited(campaigns: Sequence[CampaignLife], moment: datetime) -> int | None:
    """The campaign that an order of this moment counts for: whose window holds it, the latest started where several do.

    Without such a one the latest that had started, else the first one the promo was given.
    """
    alive = [one for one in campaigns if not one.is_deleted]

    def started(one: CampaignLife) -> tuple[datetime, int]:
        return one.starts_at or _EVER, one.id

    for possible in (
        [one for one in alive if one.holds(moment)],
        [one for one in alive if one.starts_at is not None and one.starts_at <= moment],
    ):
        if possible:
            return max(possible, key=started).id
    return alive[0].id if alive else None


def reasons_told(campaigns: Sequence[CampaignLife], *, now: datetime) -> str:
    """Why none of them lets the promo be used."""
    if not campaigns:
        return "The promo holds while one of its campaigns runs, and it has none here."
    told = "; ".join(one.told(now) for one in campaigns[:_MAX_TOLD])
    return f"The promo holds while its campaign runs: {told}."


__all__ = ["CampaignLife", "Phase", "credited", "foremost", "reasons_told"]
