"""What the Marketing & CRM API's document prints, as rows imported with their old ids."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from app.db.database import Database
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.external_ids.giving import set_ids
from app.domain.metrics.entries import MetricEntry
from app.domain.metrics.operations import Measured, count_measured, record_metrics
from app.tables.metrics import Source
from app.values.scope import Scope


async def segment(
    db: Database,
    group_id: int,
    *,
    name: str = "All Customers",
    external_id: str | None = None,
    kind: str = "static",
    criteria: str | None = None,
    size: int = 0,
    sized_at: datetime | None = None,
    created_at: datetime | None = None,
) -> int:
    """A segment as it was imported, counted or not; its id."""
    async with db.transaction(Scope(group_id)) as tx:
        found = await tx.fetchval(
            "INSERT INTO segment (group_id, name, type, criteria, size, sized_at, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now())) RETURNING id",
            group_id, name, kind, criteria, size, sized_at, created_at,
        )  # fmt: skip
        if external_id is not None:
            await set_ids(tx, "seg", {found: {"crm": external_id}})
    return int(found)


async def campaign(
    db: Database, scope: Scope, *, now: datetime, external_id: str | None = None, **fields: Any
) -> int:
    """A campaign as it was imported; `now` decides its status. Its id."""
    async with db.transaction(scope) as tx:
        made = await create_campaign(tx, CampaignFields(**fields), now=now)
        if external_id is not None:
            await set_ids(tx, "camp", {made: {"crm": external_id}})
        return made


async def figures(
    db: Database,
    scope: Scope,
    campaign_id: int,
    figures: dict[str, Any],
    *,
    day: str = "2026-01-31",
    channel: str = "email",
) -> None:
    """Metrics of one day and channel, as its platform reports them, and its revenue, as orders carry it."""
    said: dict[str, Any] = {
        n: Decimal(v) if n in ("conversions", "spend") else v for n, v in figures.items() if n != "revenue"
    }
    entry = MetricEntry(campaign_id=campaign_id, day=date.fromisoformat(day), channel=channel, **said)
    carried = Measured(
        campaign_id=campaign_id,
        day=entry.day,
        channel=channel,
        numbers={"revenue": figures.get("revenue", 0)},
    )
    async with db.transaction(scope) as tx:
        await record_metrics(tx, [entry], now=datetime(2027, 1, 1, tzinfo=UTC))
        if "revenue" in figures:
            await count_measured(tx, [carried], source=Source.ORDERS, now=datetime(2027, 1, 1, tzinfo=UTC))
