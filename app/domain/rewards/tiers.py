"""Tiers of a group: what somebody has to have earned, in how many days, to be in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.groups.operations import LOCK_GROUP, whole_group
from app.domain.inputs import MAX_CODE, Path
from app.domain.settable import SmallInt, needed, optional, written
from app.errors import Invalid, NotFound

MAX_TIERS = 50
LONGEST_DAYS = 3_650

_SAVE = """
INSERT INTO reward_tier AS t (group_id, name, threshold, window_days, created_at)
SELECT $1, given.*, $2 FROM unnest($3::text[], $4::bigint[], $5::int[]) AS given (name, threshold, days)
 ORDER BY given.name
ON CONFLICT (group_id, name) DO UPDATE SET threshold = excluded.threshold, window_days = excluded.window_days
"""
_REMOVE = "DELETE FROM reward_tier WHERE group_id = $1 AND name = ANY ($2) RETURNING name"
_ALL = "SELECT id FROM reward_tier WHERE group_id = $1 ORDER BY threshold, id"


def _called(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_CODE, blank=False).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardTierFields:
    """A tier; its name says which."""

    name: str = needed("What it is called, such as gold; the same name is the same tier.", check=_called)
    threshold: int = needed(
        "What has to be earned for it, in the smallest unit of the group's currency: points, where one is paid as 1.",
        check=inputs.count,
    )
    window_days: SmallInt = optional(
        f"In how many days up to now, 1 to {LONGEST_DAYS}; 365 unless said.",
        default=365,
        null=365,
        check=inputs.within(1, LONGEST_DAYS),
    )


async def save_tiers(
    tx: Transaction, tiers: Sequence[RewardTierFields], *, remove: Sequence[str] = (), now: datetime
) -> list[int]:
    """Make or change these tiers and remove others, by name; all tiers' ids, the lowest first. Others stay."""
    whole_group(tx)
    rows = [written(one, ["tiers", at]) for at, one in enumerate(tiers)]
    names = [row["name"] for row in rows]
    for at, name in enumerate(names):
        if name in names[:at] or name in remove:
            raise Invalid(f"The tier {name!r} is named twice.", path=["tiers", at, "name"])
    await tx.fetchval(LOCK_GROUP, tx.scope.group_id)
    gone = {row["name"] for row in await tx.fetch(_REMOVE, tx.scope.group_id, list(remove))}
    for at, name in enumerate(remove):
        if name not in gone:
            raise NotFound("tier", name, path=["remove", at])
    with refusals():
        await tx.execute(
            _SAVE, tx.scope.group_id, now, names, [row["threshold"] for row in rows],
            [row["window_days"] for row in rows],
        )  # fmt: skip
    found = [row["id"] for row in await tx.fetch(_ALL, tx.scope.group_id)]
    if len(found) > MAX_TIERS:
        raise Invalid(f"A group has {MAX_TIERS} tiers at most.", path=["tiers"])
    return found
