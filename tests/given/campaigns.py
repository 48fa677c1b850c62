"""Campaigns and what they point at."""

from datetime import UTC, datetime
from typing import Any

from app.db.database import Database
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import Ids
from app.values.scope import Scope

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


async def campaign(
    db: Database,
    scope: Scope,
    *,
    name: str = "June",
    store_id: int | None = None,
    draft: bool = False,
    now: datetime = NOON,
    known_as: Ids | None = None,
    **fields: Any,
) -> int:
    """A campaign as `create_campaign` makes it, and what other systems call it; its id."""
    async with db.transaction(scope) as tx:
        given = CampaignFields(name=name, **fields)
        made = await create_campaign(tx, given, store_id=store_id, draft=draft, now=now)
        if known_as:
            await set_ids(tx, "camp", {made: known_as})
        return made


async def segment(db: Database, group_id: int, *, name: str = "Gold") -> int:
    """A static segment; its id."""
    return await _insert(db, group_id, "segment", name=name, type="static", criteria="{}", size=0)


async def project(db: Database, group_id: int, *, store_id: int | None = None, name: str = "Site") -> int:
    """A project; its id."""
    return await _insert(db, group_id, "project", name=name, store_id=store_id)


async def integration(db: Database, group_id: int, *, project_id: int, currency: str = "EUR") -> int:
    """A custom ads integration of a project; its id."""
    return await _insert(
        db, group_id, "integration", name="Ads", kind="custom_ads", project_id=project_id,
        wmkt_id=f"wmkt-{project_id}-{currency}", currency=currency,
    )  # fmt: skip


async def partner(db: Database, group_id: int, *, name: str = "Bank") -> int:
    """A partner; its id."""
    return await _insert(db, group_id, "partner", name=name)


async def partnership(db: Database, group_id: int, *, partner_id: int, store_id: int) -> int:
    """A partnership of a partner and a store; its id."""
    return await _insert(db, group_id, "partnership", name="Deal", partner_id=partner_id, store_id=store_id)


async def flow_tree(db: Database, group_id: int, campaign_id: int, *, partner_id: int) -> int:
    """Two flows (each two actions, a condition, a multiplier), a deleted flow, two goals, a spend limit.

    Returns the first flow's id.
    """
    first = 0
    for position in range(2):
        flow = await _insert(
            db, group_id, "flow", campaign_id=campaign_id, position=position, trigger_code=position + 1,
            is_active=position == 0,
        )  # fmt: skip
        first = first or flow
        for n in range(2):
            await _insert(
                db, group_id, "flow_action", flow_id=flow, position=n, action_code=n + 1,
                partner_id=partner_id, base_reward=100 * (n + 1), extra_data='{ "b": 1.50, "a": 1 }',
            )  # fmt: skip
        await _insert(
            db, group_id, "flow_condition", flow_id=flow, position=0, partner_id=partner_id, type_code=1,
            operator_code=2, joiner_code=1, attribute=7, value="[1, 2]",
        )  # fmt: skip
        await _insert(
            db, group_id, "flow_multiplier", flow_id=flow, position=0, partner_id=partner_id, type_code=3,
            attribute=9, amount=2, value="null",
        )  # fmt: skip
    gone = {"trigger_code": 9, "is_active": True, "deleted_at": NOON}
    await _insert(db, group_id, "flow", campaign_id=campaign_id, position=5, **gone)
    for n in range(2):
        await _insert(
            db, group_id, "goal", campaign_id=campaign_id, position=n, partner_id=partner_id, type_code=n,
            value=1000, operator_code=1,
        )  # fmt: skip
    await _insert(
        db, group_id, "spend_limit", campaign_id=campaign_id, type="capped", renewal="daily", amount=50,
        currency="EUR",
    )  # fmt: skip
    return first


async def _insert(db: Database, group_id: int, table: str, **values: Any) -> int:
    if table == "project":
        values["is_internal"] = False
    places = ", ".join(f"${n}" for n in range(2, len(values) + 2))
    async with db.transaction(Scope(group_id)) as tx:
        return int(
            await tx.fetchval(
                f"INSERT INTO {table} (group_id, {', '.join(values)}) VALUES ($1, {places}) RETURNING id",
                group_id,
                *values.values(),
            )
        )
