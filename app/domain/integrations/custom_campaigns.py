"""Campaigns that an integration tracks: those that people make, and the one that traffic makes automatically.

Source: Webmarketer API 1.0.0, "Custom Ads", campaigns. `active` is a view of a campaign's life: whether it runs.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.lifecycle import Move
from app.domain.campaigns.operations import create_campaign, move_campaign
from app.domain.groups.finding import store_to_write
from app.domain.inputs import MAX_NAME
from app.domain.integrations.fields import CustomCampaign, CustomCampaignChange
from app.domain.integrations.operations import custom_integration
from app.errors import Conflict, NotFound
from app.tables.campaigns import CampaignStatus
from app.values.changes import UNSET

_S = CampaignStatus
TO_RUN: dict[CampaignStatus, tuple[Move, ...]] = {
    _S.DRAFT: (Move.ACTIVATE,),
    _S.SCHEDULED: (Move.ACTIVATE,),
    _S.PAUSED: (Move.RESUME,),
    _S.COMPLETED: (Move.REOPEN, Move.ACTIVATE),
    _S.ACTIVE: (),
}
"""The moves that lead to a running campaign."""
_LOCK = f"""
SELECT campaign.name, campaign.status, integration.wmkt_id
  FROM campaign JOIN integration ON integration.group_id = $1 AND integration.id = campaign.integration_id
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
   FOR NO KEY UPDATE OF campaign
"""
_IMPLICIT = """
SELECT integration_id, id, channels FROM campaign
 WHERE group_id = $1 AND integration_id = ANY ($2) AND NOT is_explicit AND deleted_at IS NULL
"""
_INTEGRATIONS = """
SELECT integration.id, integration.name, integration.kind, integration.currency, integration.project_id,
       project.store_id
  FROM integration JOIN project ON project.group_id = $1 AND project.id = integration.project_id
 WHERE integration.group_id = $1 AND integration.id = ANY ($2) ORDER BY integration.id
"""
# Of two at once the second waits for the first, and then has nothing to insert.
_MAKE_IMPLICIT = """
INSERT INTO campaign (group_id, created_at, updated_at, activated_at, name, status, type, objective, channels,
       store_id, project_id, integration_id, currency, is_explicit, is_template, total_rewards)
VALUES ($1, $2, $2, $2, $3, 'active', 'promotion', 'unspecified', $4, $5, $6, $7, $8, false, false, 0)
ON CONFLICT (group_id, integration_id) WHERE NOT is_explicit AND deleted_at IS NULL DO NOTHING
"""


class Implicit(NamedTuple):
    """An integration's campaign for traffic without a known slug, and its channels."""

    id: int
    channels: tuple[str, ...]


async def create_custom_campaign(tx: Transaction, given: CustomCampaign, *, now: datetime) -> int:
    """A campaign somebody makes; its id. Unless active it is a draft. Its slug is new in the integration."""
    integration = await custom_integration(tx, given.wmkt_id)
    fields = CampaignFields(
        name=given.name,
        slug=given.slug,
        integration_id=integration["id"],
        channels=[integration["kind"]],
    )
    try:
        made = await create_campaign(tx, fields, store_id=integration["store_id"], now=now)
    except Conflict as conflict:
        if conflict.reason == "SLUG_EXISTS":
            conflict.path = ["slug"]
        raise
    if given.active:
        await move_campaign(tx, made, Move.ACTIVATE, now=now)
    return made


async def update_custom_campaign(
    tx: Transaction,
    campaign_id: int,
    given: CustomCampaignChange,
    *,
    wmkt_id: str | None = None,
    now: datetime,
) -> bool:
    """Change what was sent; returns whether anything is different.

    Made active, it runs, whatever it was before; made inactive, it is paused if it runs. Conflict where its end has
    passed. `wmkt_id`: it counts as found only if this integration tracks it.
    """
    row = await tx.fetchrow(_LOCK, *borders(tx.scope), campaign_id)
    if row is None or wmkt_id not in (None, row["wmkt_id"]):
        raise NotFound("campaign", campaign_id, path=["id"])
    changed = False
    if given.name is not UNSET and given.name != row["name"]:
        await update_campaign(tx, campaign_id, CampaignFields(name=given.name), now=now)
        changed = True
    if given.active is UNSET:
        return changed
    status = CampaignStatus(row["status"])
    moves = TO_RUN[status] if given.active else (Move.PAUSE,) if status is _S.ACTIVE else ()
    for move in moves:
        try:
            await move_campaign(tx, campaign_id, move, now=now)
        except Conflict as conflict:
            conflict.path = ["active"]
            raise
    return changed or bool(moves)


async def implicit_campaigns(
    tx: Transaction, integration_ids: Collection[int], *, now: datetime | None
) -> dict[int, Implicit]:
    """By integration, the one campaign for traffic without a known slug; made where it is missing, unless `now` is
    None."""
    asked = sorted(set(integration_ids))
    campaigns = await _implicit(tx, asked)
    missing = [ident for ident in asked if ident not in campaigns]
    if not missing or now is None:
        return campaigns
    for row in await tx.fetch(_INTEGRATIONS, tx.scope.group_id, missing):
        store_id = row["store_id"] or (await store_to_write(tx, None)).id
        await tx.execute(
            _MAKE_IMPLICIT, tx.scope.group_id, now, _implicit_name(row["name"]), [row["kind"]], store_id,
            row["project_id"], row["id"], row["currency"],
        )  # fmt: skip
    return await _implicit(tx, asked)


async def _implicit(tx: Transaction, asked: list[int]) -> dict[int, Implicit]:
    rows: list[Any] = await tx.fetch(_IMPLICIT, tx.scope.group_id, asked) if asked else []
    return {row["integration_id"]: Implicit(row["id"], tuple(row["channels"])) for row in rows}


def _implicit_name(integration: str) -> str:
    mark = " (implicit)"
    return integration[: MAX_NAME - len(mark)] + mark
