"""Changing a campaign: what was sent changes, the rest stays."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales_of_campaign
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.campaigns.due import tell_worker
from app.domain.campaigns.fields import WINDOW, CampaignFields, check_budget
from app.domain.campaigns.history import note_status
from app.domain.campaigns.operations import check_slug
from app.domain.campaigns.references import KINDS, check_references, settled_project
from app.domain.campaigns.windows import AskedWindow, window_of
from app.domain.rows import update_row
from app.domain.segments.fitting import check_fits
from app.domain.settable import path_of, written
from app.errors import Conflict, NotFound
from app.tables.campaigns import CampaignStatus
from app.values.changes import Unset, sent
from app.values.instants import zone_of

# The row stays locked until COMMIT, so nobody changes it after it was read here.
_LOCK = f"""
SELECT campaign.*, coalesce(store.time_zone, customer_group.time_zone) AS zone
  FROM campaign
  JOIN store ON store.group_id = campaign.group_id AND store.id = campaign.store_id
  JOIN customer_group ON customer_group.id = campaign.group_id
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
   FOR NO KEY UPDATE OF campaign
"""


async def update_campaign(tx: Transaction, campaign_id: int, given: CampaignFields, *, now: datetime) -> int:
    """Change what was sent and nothing else; the id.

    The store and the currency stay: metrics and spend are counted under them. A scheduled campaign that loses
    its start becomes a draft; otherwise only moves and time change the status.
    """
    values = written(given, without=WINDOW)
    row = await tx.fetchrow(_LOCK, *borders(tx.scope), campaign_id)
    if row is None:
        raise NotFound("campaign", campaign_id, path=["id"])
    check_budget(values, row["currency"])
    check_slug({"slug": row["slug"], "integration_id": row["integration_id"], **values})
    if values.get("is_template") and row["status"] not in ("draft", "completed"):
        raise Conflict(
            f"A campaign that is {row['status']} cannot become a template; complete it first.",
            path=path_of(CampaignFields, "is_template"),
            code="WRONG_STATUS",
        )
    await _settle_references(tx, values, row)
    if "segment_id" in values or "channels" in values:
        aimed = {"segment_id": row["segment_id"], "channels": row["channels"], **values}
        await check_fits(tx, aimed["segment_id"], aimed["channels"])
    _settle_window(given, values, row, now=now)
    if values:
        values["updated_at"] = now
        await update_row(tx, "campaign", campaign_id, values)
        if "status" in values:
            await note_status(tx, campaign_id, values["status"], since=now, now=now)
        if "channels" in values and list(values["channels"]) != list(row["channels"]):
            await note_sales_of_campaign(tx, campaign_id)
        if not WINDOW.isdisjoint(values):
            await tell_worker(tx)
    return campaign_id


@dataclass(slots=True)
class _Edge:
    """One edge of a stored window while it is being changed: a day, or an instant, or neither."""

    day: date | None
    instant: datetime | None

    def change(self, day: date | Unset | None, instant: datetime | Unset | None) -> bool:
        """Apply what was sent; returns whether anything was."""
        if isinstance(day, Unset) and isinstance(instant, Unset):
            return False
        self.day, self.instant = sent(day), sent(instant)
        return True


def _settle_window(given: CampaignFields, values: dict[str, Any], row: Any, *, now: datetime) -> None:
    """Merge the edges that were sent with the stored ones, and check the result as a whole."""
    start = _Edge(row["starts_on"], None if row["starts_on"] else row["starts_at"])
    end = _Edge(row["ends_on"], None if row["ends_on"] else row["ends_at"])
    moved = start.change(given.starts_on, given.starts_at)
    ended = end.change(given.ends_on, given.ends_at)
    period = sent(given.period_type)
    if not moved and not ended and period is None:
        return
    if period is not None and not ended:
        end = _Edge(None, None)  # A new period moves the end, unless an end was sent with it.
    asked = AskedWindow(
        starts_on=start.day, starts_at=start.instant, ends_on=end.day, ends_at=end.instant, period_type=period
    )
    window = window_of(asked, zone=zone_of(row["zone"]), now=now)
    values.update({"starts_at": window.starts_at, "ends_at": window.ends_at})
    values.update({"starts_on": window.starts_on, "ends_on": window.ends_on})
    if row["status"] == CampaignStatus.SCHEDULED and window.starts_at is None:
        values["status"] = CampaignStatus.DRAFT


async def _settle_references(tx: Transaction, values: dict[str, Any], row: Any) -> None:
    asked = {column: values[column] for column in KINDS if column in values}
    if values.get("partner_id") is not None:
        asked.setdefault("partnership_id", row["partnership_id"])
    brought = await check_references(tx, asked, store_id=row["store_id"], kept=row)
    if values.get("partnership_id") is not None and values.get("partner_id") is None:
        values["partner_id"] = brought.partner_id
    if brought.currency not in (None, row["currency"]):
        raise Conflict(
            f"The integration counts in {brought.currency}, the campaign in {row['currency']}.",
            path=path_of(CampaignFields, "integration_id"),
            code="WRONG_CURRENCY",
        )
    if "project_id" in values:
        values["project_id"] = settled_project(tx, values["project_id"])
