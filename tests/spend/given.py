"""Spend as it is reported."""

from datetime import date, datetime
from decimal import Decimal

from app.db.database import Database
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import record_metrics
from app.values.scope import Scope


async def spend(
    db: Database, scope: Scope, campaign_id: int, amount: str, *, now: datetime, day: date | None = None
) -> None:
    """More spend of a day; of the moment's (UTC) unless given."""
    entry = MetricEntry(
        campaign_id=campaign_id, day=day or now.date(), channel="display", spend=Decimal(amount)
    )
    async with db.transaction(scope) as tx:
        await record_metrics(tx, [entry], mode=Mode.ADD, now=now)
