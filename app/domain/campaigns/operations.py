"""Making and deleting campaigns, and moving them through their life: by decision, and by time."""

from datetime import datetime
from typing import Any, NamedTuple

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.campaigns.closed import refuse_closed
from app.domain.campaigns.due import tell_worker
from app.domain.campaigns.fields import WINDOW, CampaignFields, check_budget
from app.domain.campaigns.history import note_beginning
from app.domain.campaigns.lifecycle import RULES, Move, move_refusal
from app.domain.campaigns.references import check_references, settled_project
from app.domain.campaigns.windows import AskedWindow, initial_status, window_of
from app.domain.groups.finding import StoreFacts, store_to_write
from app.domain.rows import insert_row
from app.domain.segments.fitting import check_fits
from app.domain.settable import path_of, written
from app.errors import Conflict, Invalid, NotFound
from app.tables.campaigns import CampaignStatus
from app.values.changes import sent

_DELETE = f"""
UPDATE campaign SET deleted_at = $5, updated_at = $5
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
"""
# The whole rule is in the WHERE, so of two moves at once only one finds the status it starts from.
_MOVE = f"""
WITH moved AS (
UPDATE campaign
   SET status = $6::text, updated_at = $7,
       activated_at = CASE WHEN $6::text = 'active' THEN coalesce(activated_at, $7) ELSE activated_at END
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND deleted_at IS NULL
   AND status = ANY ($5)
   AND (NOT $8 OR coalesce(starts_at > $7, false))
   AND (NOT $9 OR coalesce(ends_at > $7, true))
   AND (NOT $10 OR NOT is_template)
RETURNING campaign.group_id, campaign.id)
INSERT INTO campaign_status_change (group_id, campaign_id, status, at, created_at)
SELECT group_id, id, $6::text, $7, $7 FROM moved
"""
_WHY_NOT = f"""
SELECT status, starts_at, ends_at, is_template FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND deleted_at IS NULL
"""
# A campaign whose whole window passed while no worker ran goes straight to completed, once.
ADVANCE = """
WITH moved AS (
UPDATE campaign
   SET status = CASE WHEN ends_at <= $2 THEN 'completed' ELSE 'active' END,
       activated_at = coalesce(activated_at, $2), updated_at = $2
 WHERE group_id = $1 AND deleted_at IS NULL
   AND (status = 'scheduled' AND starts_at <= $2 OR status IN ('active', 'paused') AND ends_at <= $2)
RETURNING group_id, id, old.status AS origin, new.status AS target, starts_at, ends_at),
noted AS (
INSERT INTO campaign_status_change (group_id, campaign_id, status, at, created_at, by_clock)
SELECT group_id, id, 'active', starts_at, $2, true FROM moved WHERE origin = 'scheduled' AND starts_at IS NOT NULL
UNION ALL
SELECT group_id, id, 'completed', ends_at, $2, true FROM moved WHERE target = 'completed')
SELECT id, origin, target FROM moved
"""


class Advanced(NamedTuple):
    """A campaign that time moved."""

    campaign_id: int
    origin: CampaignStatus
    target: CampaignStatus


async def create_campaign(
    tx: Transaction,
    given: CampaignFields,
    *,
    store_id: int | None = None,
    draft: bool = False,
    now: datetime,
) -> int:
    """A new campaign; its id.

    Store: the one named, else the scope's, else the group's default. Status: as the schedule says, or a draft
    when asked for (templates always are). Currency: the integration's, else the group's.
    """
    values = written(given, without=WINDOW)
    return await insert_campaign(
        tx, values, asked_window(given), store=await store_to_write(tx, store_id), draft=draft, now=now
    )


async def insert_campaign(
    tx: Transaction,
    values: dict[str, Any],
    asked: AskedWindow,
    *,
    store: StoreFacts,
    draft: bool = False,
    now: datetime,
) -> int:
    """Store a campaign whose fields are within their bounds: check what it points at, settle what follows."""
    if not values.get("name"):
        raise Invalid("A campaign needs a name.", path=path_of(CampaignFields, "name"))
    window = window_of(asked, zone=store.zone, now=now)
    check_slug(values)
    brought = await check_references(tx, values, store_id=store.id)
    await check_fits(tx, values.get("segment_id"), values.get("channels") or ())
    project_id = values.get("project_id") or brought.project_id
    currency = brought.currency or store.currency
    check_budget(values, currency)
    row = {
        **values,
        "store_id": store.id,
        "project_id": settled_project(tx, project_id),
        "partner_id": values.get("partner_id") or brought.partner_id,
        "currency": currency,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "starts_on": window.starts_on,
        "ends_on": window.ends_on,
        "created_at": now,
        "updated_at": now,
    }
    is_draft = draft or bool(values.get("is_template"))
    row["status"] = CampaignStatus.DRAFT if is_draft else initial_status(window, now=now)
    row["activated_at"] = now if row["status"] == CampaignStatus.ACTIVE else None
    defaults = {"type": "promotion", "objective": "unspecified", "is_explicit": True, "is_template": False}
    row = {**defaults, "channels": [], "total_rewards": 0, **row}
    ident = await insert_row(tx, "campaign", row)
    await note_beginning(tx, ident, row, now=now)
    if row["status"] != CampaignStatus.DRAFT:
        await tell_worker(tx)
    return ident


async def delete_campaign(tx: Transaction, campaign_id: int, *, now: datetime) -> int:
    """Take a campaign out of every list; the id. Its metrics and spend stay in the sums: they are facts."""
    if not await tx.execute(_DELETE, *borders(tx.scope), campaign_id, now):
        raise NotFound("campaign", campaign_id, path=["id"])
    return campaign_id


async def move_campaign(tx: Transaction, campaign_id: int, move: Move, *, now: datetime) -> int:
    """Make a named move; the id. Conflict says what prevents it."""
    rule = RULES[move]
    moved = await tx.execute(
        _MOVE,
        *borders(tx.scope),
        campaign_id,
        list(rule.origins),
        rule.target,
        now,
        rule.start_ahead,
        rule.end_ahead,
        rule.no_template,
    )
    if moved:
        if move is Move.REOPEN:
            await refuse_closed(tx, campaign_id, path=["move"])
        await tell_worker(tx)
        return campaign_id
    row = await tx.fetchrow(_WHY_NOT, *borders(tx.scope), campaign_id)
    if row is None:
        raise NotFound("campaign", campaign_id, path=["id"])
    why = move_refusal(move, **{**row, "status": CampaignStatus(row["status"])}, now=now)
    raise why or Conflict("The campaign was moved at the same moment; look again.", path=["move"])


async def advance_due_campaigns(tx: Transaction, now: datetime) -> list[Advanced]:
    """Make the moves that are due in this group: start what starts, complete what ends.

    Each happens once, even if others do the same at once, and however late this runs.
    """
    rows = await tx.fetch(ADVANCE, tx.scope.group_id, now)
    return [Advanced(r["id"], CampaignStatus(r["origin"]), CampaignStatus(r["target"])) for r in rows]


def asked_window(given: CampaignFields) -> AskedWindow:
    """The window's edges as they were sent."""
    return AskedWindow(
        starts_on=sent(given.starts_on),
        starts_at=sent(given.starts_at),
        ends_on=sent(given.ends_on),
        ends_at=sent(given.ends_at),
        period_type=sent(given.period_type),
    )


def check_slug(values: dict[str, Any]) -> None:
    """A slug without an integration would be unique nowhere."""
    if values.get("slug") is not None and values.get("integration_id") is None:
        raise Invalid(
            "A slug is unique in an integration; name the integration too.",
            path=path_of(CampaignFields, "slug"),
        )
