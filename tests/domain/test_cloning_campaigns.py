"""A clone takes over the flow tree, goals and spend limit, and nothing of the original's life."""

from datetime import date
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.cloning import clone_campaign
from app.domain.campaigns.fields import CampaignFields
from app.errors import NotFound
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

NOW = given.NOON
TREE = """
SELECT json_agg(json_build_object('flow', json_build_array(position, trigger_code, is_active),
  'actions', (SELECT json_agg(json_build_array(a.position, action_code, partner_id, base_reward, extra_data)
                ORDER BY a.position) FROM flow_action a WHERE a.flow_id = flow.id),
  'conditions', (SELECT json_agg(json_build_array(partner_id, type_code, operator_code, joiner_code,
                attribute, value)) FROM flow_condition c WHERE c.flow_id = flow.id),
  'multipliers', (SELECT json_agg(json_build_array(partner_id, type_code, attribute, amount, value))
                FROM flow_multiplier m WHERE m.flow_id = flow.id)) ORDER BY position)::text
  FROM flow WHERE campaign_id = $1 AND deleted_at IS NULL
"""
REST = """
SELECT (SELECT json_agg(json_build_array(position, partner_id, type_code, value, operator_code)
          ORDER BY position) FROM goal WHERE campaign_id = $1)::text,
       (SELECT json_agg(json_build_array(type, renewal, amount, currency))
          FROM spend_limit WHERE campaign_id = $1)::text
"""


async def clone(db: Database, scope: Scope, source: int, store_id: int | None = None, **fields: Any) -> int:
    async with db.transaction(scope) as tx:
        return await clone_campaign(tx, source, CampaignFields(**fields), store_id=store_id, now=NOW)


async def test_a_clone_is_a_draft_with_the_same_insides(db: Database) -> None:
    group = await groups.group(db)
    partner = await given.partner(db, group.group_id)
    source = await given.campaign(
        db, group.scope, name="Template", is_template=True, partner_id=partner, channels=["email"],
        starts_on=date(2025, 6, 1), period_type="1_month", known_as={"crm": "old-1"}, reward_type=2,
    )  # fmt: skip
    await given.flow_tree(db, group.group_id, source, partner_id=partner)
    copy = await clone(db, group.scope, source, name="Copy")
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval(TREE, copy) == await tx.fetchval(TREE, source)
        assert "1.50" in await tx.fetchval(TREE, copy)  # kept as sent, digits and all
        assert await tx.fetchrow(REST, copy) == await tx.fetchrow(REST, source)
        assert await tx.fetchval("SELECT count(*) FROM flow WHERE campaign_id = $1", copy) == 2
        row = await tx.fetchrow("SELECT * FROM campaign WHERE id = $1", copy)
    assert row is not None
    assert (row["name"], row["status"], row["is_template"], row["template_id"]) == (
        "Copy", "draft", False, source,
    )  # fmt: skip
    assert (row["starts_at"], row["known_as_id"], row["reward_type"]) == (None, [], 2)
    assert (row["period_type"], row["channels"], row["partner_id"]) == ("1_month", ["email"], partner)


async def test_a_clone_with_a_window_is_scheduled_by_it(db: Database) -> None:
    scope = (await groups.group(db)).scope
    source = await given.campaign(db, scope, is_template=True)
    copy = await clone(db, scope, source, starts_on=date(2025, 7, 1), ends_on=date(2025, 7, 2))
    async with db.transaction(scope) as tx:
        assert await tx.fetchval("SELECT status FROM campaign WHERE id = $1", copy) == "scheduled"


async def test_a_clone_in_another_store_leaves_behind_what_belongs_to_the_first(db: Database) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    partner = await given.partner(db, group.group_id)
    deal = await given.partnership(db, group.group_id, partner_id=partner, store_id=group.store_id)
    project = await given.project(db, group.group_id, store_id=group.store_id)
    segment = await given.segment(db, group.group_id)
    source = await given.campaign(
        db, group.scope, partnership_id=deal, project_id=project, segment_id=segment
    )
    copy = await clone(db, group.scope, source, store_id=second.store_id)
    async with db.transaction(group.scope) as tx:
        row = await tx.fetchrow("SELECT * FROM campaign WHERE id = $1", copy)
        await tx.execute("UPDATE segment SET deleted_at = now()")
    assert row is not None
    assert (row["store_id"], row["partnership_id"], row["project_id"]) == (second.store_id, None, None)
    assert (row["partner_id"], row["segment_id"]) == (partner, segment)
    later = await clone(db, group.scope, source)
    async with db.transaction(group.scope) as tx:
        row = await tx.fetchrow("SELECT * FROM campaign WHERE id = $1", later)
    assert row is not None
    assert (row["partnership_id"], row["project_id"], row["segment_id"]) == (deal, project, None)


async def test_what_is_outside_the_scope_cannot_be_cloned(db: Database) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    source = await given.campaign(db, group.scope)
    for scope in [(await groups.group(db)).scope, Scope(group.group_id, second.store_id)]:
        with pytest.raises(NotFound) as missing:
            await clone(db, scope, source)
        assert missing.value.path == ["sourceId"]
    with pytest.raises(NotFound) as foreign:
        await clone(db, Scope(group.group_id, group.store_id), source, store_id=second.store_id)
    assert foreign.value.path == ["storeId"]
