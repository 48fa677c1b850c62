"""Outlays of another system, with the past they had there; their days are booked like those of any other."""

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.campaigns.bringing_in import CampaignPast, bring_in_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.outlays.fields import OutlayFields
from app.domain.outlays.operations import create_outlay, delete_outlay, update_outlay
from app.domain.rows import update_row
from app.errors import Conflict
from app.values.changes import sent

_STORED = "SELECT deleted_at, updated_at, currency FROM outlay WHERE group_id = $1 AND id = $2"
_CURRENCY = "SELECT currency FROM campaign WHERE group_id = $1 AND id = $2"
_BACK = "UPDATE outlay SET deleted_at = NULL WHERE group_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlayPast:
    """What became of it. None: not known, or of `deleted_at`: it lives."""

    currency: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None


async def bring_in_outlay(
    tx: Transaction, known: int | None, given: OutlayFields, past: OutlayPast, *, now: datetime
) -> int:
    """Make it, or let the one that is there be like it; the id. Its campaign takes its currency if nothing counts there
    yet."""
    if known is None:
        await _let_count_in(tx, sent(given.campaign_id), past.currency, now=now)
        known = await create_outlay(tx, given, now=past.created_at or now)
        stored = await tx.fetchrow(_STORED, tx.scope.group_id, known)
    else:
        stored = await tx.fetchrow(_STORED, tx.scope.group_id, known)
        assert stored is not None
        if stored["deleted_at"] is not None:
            # What is deleted cannot be changed.
            await tx.execute(_BACK, tx.scope.group_id, known)
        if past.currency not in (None, stored["currency"]):
            raise Conflict(f"This outlay is in {stored['currency']} and stays so.", path=["currency"])
        await update_outlay(tx, known, given, now=past.updated_at or now)
    assert stored is not None
    if past.deleted_at is not None:
        await delete_outlay(tx, known, now=past.deleted_at)
    told = {"created_at": past.created_at, "updated_at": past.updated_at}
    kept = {name: value for name, value in told.items() if value is not None}
    await update_row(tx, "outlay", known, {**kept, "deleted_at": past.deleted_at})
    return known


async def _let_count_in(
    tx: Transaction, campaign_id: int | None, currency: str | None, *, now: datetime
) -> None:
    if campaign_id is None or currency is None:
        return
    if await tx.fetchval(_CURRENCY, tx.scope.group_id, campaign_id) not in (None, currency):
        await bring_in_campaign(tx, campaign_id, CampaignFields(), CampaignPast(currency=currency), now=now)
