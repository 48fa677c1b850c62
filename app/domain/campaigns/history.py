"""What a campaign's status was at any moment: every change of it is written down."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.tables.campaigns import CampaignStatus

History = Sequence[tuple[datetime, str]]
"""From when it had which status, oldest first."""

_NOTE = """
INSERT INTO campaign_status_change (group_id, campaign_id, status, at, created_at)
SELECT $1, $2, given.status, given.at, $3
  FROM unnest($4::text[], $5::timestamptz[]) WITH ORDINALITY AS given (status, at, place) ORDER BY place
"""
_LATEST = """
SELECT status FROM campaign_status_change
 WHERE group_id = $1 AND campaign_id = $2 ORDER BY at DESC, id DESC LIMIT 1
"""
_HISTORIES = """
SELECT campaign_id, at, status FROM campaign_status_change
 WHERE group_id = $1 AND campaign_id = ANY ($2) ORDER BY campaign_id, at, id
"""


async def note_beginning(tx: Transaction, campaign_id: int, row: Mapping[str, Any], *, now: datetime) -> None:
    """Write down how a campaign begins that is made now, and what its window says it was before."""
    status, starts_at, ends_at = row["status"], row.get("starts_at"), row.get("ends_at")
    began = min(starts_at or now, now)
    lived = [(CampaignStatus.ACTIVE, began)]
    if status == CampaignStatus.COMPLETED:
        lived.append((CampaignStatus.COMPLETED, min(ends_at or now, now)))
    elif status != CampaignStatus.ACTIVE:
        lived = [(CampaignStatus(status), now)]
    await _note(tx, campaign_id, lived, now=now)


async def note_status(
    tx: Transaction, campaign_id: int, status: CampaignStatus, *, since: datetime, now: datetime
) -> None:
    """Write down that it has this status since then, unless that is known."""
    if await tx.fetchval(_LATEST, tx.scope.group_id, campaign_id) != status:
        await _note(tx, campaign_id, [(status, since)], now=now)


async def histories_of(tx: Transaction, campaigns: Collection[int]) -> dict[int, list[tuple[datetime, str]]]:
    """What is written down of these campaigns."""
    found: dict[int, list[tuple[datetime, str]]] = {ident: [] for ident in campaigns}
    for row in await tx.fetch(_HISTORIES, tx.scope.group_id, sorted(campaigns)):
        found[row["campaign_id"]].append((row["at"], row["status"]))
    return found


async def _note(
    tx: Transaction,
    campaign_id: int,
    changes: Sequence[tuple[CampaignStatus, datetime]],
    *,
    now: datetime,
) -> None:
    await tx.execute(
        _NOTE,
        tx.scope.group_id,
        campaign_id,
        now,
        [one.value for one, _ in changes],
        [at for _, at in changes],
    )


def status_at(row: Mapping[str, Any], history: History, moment: datetime) -> str:
    """What the campaign's status was. `row`: its `status` and `activated_at` as they are now.

    A scheduled campaign is active from its start on, also before a worker has noticed.
    """
    if not history:
        return str(row["status"])
    then = [status for at, status in history if at <= moment]
    if then:
        status = then[-1]
        begun = row["starts_at"] is not None and row["starts_at"] <= moment
        return CampaignStatus.ACTIVE.value if status == CampaignStatus.SCHEDULED and begun else status
    known_active = row["activated_at"] is not None and row["activated_at"] <= moment
    return (CampaignStatus.ACTIVE if known_active else CampaignStatus.DRAFT).value


def completed_at(history: History) -> datetime | None:
    """When it was completed, if that is what it is; by its end or by somebody."""
    if history and history[-1][1] == CampaignStatus.COMPLETED:
        return history[-1][0]
    return None


__all__ = ["History", "completed_at", "histories_of", "note_beginning", "note_status", "status_at"]
