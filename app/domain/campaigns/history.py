"""What a campaign's status was at any moment: every change of it is written down."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.db.database import Transaction
from app.tables.campaigns import CampaignStatus


class Change(NamedTuple):
    """From when it had which status."""

    at: datetime
    status: str
    by_clock: bool = False
    """Whether that followed from its window."""


History = Sequence[Change]
"""Oldest first."""
_AT_REST = (CampaignStatus.COMPLETED, CampaignStatus.DRAFT)

_NOTE = """
INSERT INTO campaign_status_change (group_id, campaign_id, status, at, created_at, by_clock)
SELECT $1, $2, given.status, given.at, $3, $6
  FROM unnest($4::text[], $5::timestamptz[]) WITH ORDINALITY AS given (status, at, place) ORDER BY place
"""
_LATEST = """
SELECT status FROM campaign_status_change
 WHERE group_id = $1 AND campaign_id = $2 ORDER BY at DESC, id DESC LIMIT 1
"""
_HISTORIES = """
SELECT campaign_id, at, status, by_clock FROM campaign_status_change
 WHERE group_id = $1 AND campaign_id = ANY ($2) ORDER BY campaign_id, at, id
"""


async def note_beginning(tx: Transaction, campaign_id: int, row: Mapping[str, Any], *, now: datetime) -> None:
    """Write down how a campaign begins that is made now, and what its window says it was before.

    Only a draft is somebody's decision.
    """
    status, starts_at, ends_at = row["status"], row.get("starts_at"), row.get("ends_at")
    began = min(starts_at or now, now)
    lived = [(CampaignStatus.ACTIVE, began)]
    if status == CampaignStatus.COMPLETED:
        ended = min(ends_at or now, now)
        lived = [(CampaignStatus.ACTIVE, min(began, ended)), (CampaignStatus.COMPLETED, ended)]
    elif status != CampaignStatus.ACTIVE:
        lived = [(CampaignStatus(status), now)]
    await _note(tx, campaign_id, lived, by_clock=status != CampaignStatus.DRAFT, now=now)


async def note_status(
    tx: Transaction,
    campaign_id: int,
    status: CampaignStatus,
    *,
    since: datetime,
    by_clock: bool = False,
    now: datetime,
) -> None:
    """Write down that it has this status since then, unless that is known."""
    if await tx.fetchval(_LATEST, tx.scope.group_id, campaign_id) != status:
        await _note(tx, campaign_id, [(status, since)], by_clock=by_clock, now=now)


async def histories_of(tx: Transaction, campaigns: Collection[int]) -> dict[int, list[Change]]:
    """What is written down of these campaigns."""
    found: dict[int, list[Change]] = {ident: [] for ident in campaigns}
    for row in await tx.fetch(_HISTORIES, tx.scope.group_id, sorted(campaigns)):
        found[row["campaign_id"]].append(Change(row["at"], row["status"], row["by_clock"]))
    return found


async def _note(
    tx: Transaction,
    campaign_id: int,
    changes: Sequence[tuple[CampaignStatus, datetime]],
    *,
    by_clock: bool,
    now: datetime,
) -> None:
    await tx.execute(
        _NOTE,
        tx.scope.group_id,
        campaign_id,
        now,
        [one.value for one, _ in changes],
        [at for _, at in changes],
        by_clock,
    )


def status_at(row: Mapping[str, Any], history: History, moment: datetime) -> str:
    """What the campaign's status was at a moment inside its window. `row`: the campaign as it is now.

    What the clock did follows from the window, and the window counts as it is now: only what people decided has a date
    of its own. So a campaign that is scheduled or active is active from its start on, wherever that was meanwhile, and
    one that its end completed and that runs again was active all the while. The table is in `docs/rewards.md`.
    """
    if not history:
        return str(row["status"])
    decided = _decided(history)
    then = [one.status for one in decided if one.at <= moment]
    if then:
        status = then[-1]
    elif history[0].by_clock or history[0].status == CampaignStatus.SCHEDULED:
        status = CampaignStatus.SCHEDULED.value  # It was made to follow its window.
    else:
        known_active = row["activated_at"] is not None and row["activated_at"] <= moment
        status = (CampaignStatus.ACTIVE if known_active else CampaignStatus.DRAFT).value
    if status == CampaignStatus.SCHEDULED and _begun(row, history, moment):
        return CampaignStatus.ACTIVE.value
    return status


def _begun(row: Mapping[str, Any], history: History, moment: datetime) -> bool:
    """Whether what follows its window had begun. One whose start was taken away has begun if it ever ran."""
    if row["starts_at"] is not None:
        return bool(row["starts_at"] <= moment)
    return any(one.by_clock and one.status != CampaignStatus.SCHEDULED for one in history)


def _decided(history: History) -> list[Change]:
    """The changes with a date of their own: those that people made.

    That its end completed a campaign is one while nobody lets it run again; then neither the end nor reopening it is.
    """
    found: list[Change] = []
    ended = False
    for at, one in enumerate(history):
        runs_again = any(later.status not in _AT_REST for later in history[at + 1 :])
        follows_end = ended and one.status == CampaignStatus.DRAFT
        ended = one.by_clock and one.status == CampaignStatus.COMPLETED
        if runs_again and (ended or follows_end):
            continue
        if not one.by_clock or ended:
            found.append(one)
    return found


def completed_at(history: History) -> datetime | None:
    """When it was completed, if that is what it is; by its end or by somebody."""
    if history and history[-1].status == CampaignStatus.COMPLETED:
        return history[-1].at
    return None


__all__ = ["Change", "History", "completed_at", "histories_of", "note_beginning", "note_status", "status_at"]
