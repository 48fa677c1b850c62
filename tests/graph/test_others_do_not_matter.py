"""What lies outside a scope cannot change a byte inside it: no count, no sum, no page, no cursor."""

import asyncpg

from app.db.database import Database
from app.values.scope import Scope
from tests.given.asking import Asker
from tests.given.everything import Everything, everything
from tests.given.questions import edges

WHOSE = """
SELECT customer_id FROM event WHERE group_id = $1 AND customer_id IS NOT NULL
UNION SELECT customer_id FROM interaction WHERE group_id = $1 AND customer_id IS NOT NULL
"""
"""Customers of events and interactions that are left: their ids are shown also where they are out of sight."""
OTHER_STORES = f"""
UPDATE funnel_touch SET campaign_id = NULL WHERE group_id = $1 AND campaign_id IN (
    SELECT c.id FROM campaign c WHERE c.group_id = $1 AND c.store_id <> $2);
DELETE FROM customer_order WHERE group_id = $1 AND store_id <> $2;
UPDATE customer_order SET promo_id = NULL WHERE group_id = $1 AND promo_id IN (
    SELECT p.id FROM promo p JOIN campaign c ON c.id = p.campaign_id WHERE p.group_id = $1 AND c.store_id <> $2);
UPDATE customer_order SET campaign_id = NULL WHERE group_id = $1 AND campaign_id IN (
    SELECT c.id FROM campaign c WHERE c.group_id = $1 AND c.store_id <> $2);
UPDATE event SET campaign_id = NULL WHERE group_id = $1 AND campaign_id IN (
    SELECT c.id FROM campaign c WHERE c.group_id = $1 AND c.store_id <> $2);
UPDATE interaction SET campaign_id = NULL WHERE group_id = $1 AND campaign_id IN (
    SELECT c.id FROM campaign c WHERE c.group_id = $1 AND c.store_id <> $2);
UPDATE campaign SET template_id = NULL WHERE group_id = $1 AND store_id = $2;
DELETE FROM attributed_share WHERE group_id = $1 AND campaign_id IN (
    SELECT c.id FROM campaign c WHERE c.group_id = $1 AND c.store_id <> $2);
DELETE FROM campaign WHERE group_id = $1 AND store_id <> $2;
DELETE FROM metric_rollup WHERE group_id = $1 AND store_id <> $2;
DELETE FROM order_rollup WHERE group_id = $1 AND store_id <> $2;
DELETE FROM metric_fact_rollup WHERE group_id = $1 AND store_id <> $2;
DELETE FROM asset WHERE group_id = $1 AND store_id <> $2;
DELETE FROM event e WHERE group_id = $1 AND NOT EXISTS (
    SELECT 1 FROM project p WHERE p.group_id = $1 AND p.id = e.project_id AND (p.store_id = $2 OR p.store_id IS NULL));
DELETE FROM project WHERE group_id = $1 AND store_id <> $2;
UPDATE promo_redemption SET customer_id = NULL WHERE group_id = $1 AND customer_id IN (
    SELECT c.id FROM customer c WHERE c.group_id = $1 AND c.store_id IS DISTINCT FROM $2);
DELETE FROM reward_balance b USING customer c
 WHERE b.group_id = $1 AND c.group_id = $1 AND c.id = b.customer_id AND c.store_id IS DISTINCT FROM $2;
DELETE FROM customer_merge m USING customer c
 WHERE m.group_id = $1 AND c.group_id = $1 AND c.id = m.into_id AND c.store_id IS DISTINCT FROM $2;
UPDATE customer_doubt d SET other_id = NULL FROM customer c
 WHERE d.group_id = $1 AND c.group_id = $1 AND c.id = d.other_id AND c.store_id IS DISTINCT FROM $2;
DELETE FROM customer WHERE group_id = $1 AND store_id IS DISTINCT FROM $2 AND id NOT IN ({WHOSE})
    AND id NOT IN (SELECT from_id FROM customer_merge WHERE group_id = $1);
UPDATE customer SET store_id = NULL WHERE group_id = $1 AND store_id <> $2;
DELETE FROM promo_redemption WHERE group_id = $1 AND store_id <> $2;
DELETE FROM partnership WHERE group_id = $1 AND store_id <> $2;
DELETE FROM store WHERE group_id = $1 AND id <> $2
"""
CROSSING = """
DELETE FROM promo_redemption WHERE group_id = $1 AND promo_id IN (
    SELECT p.id FROM promo p JOIN campaign c ON c.group_id = $1 AND c.id = p.campaign_id
     WHERE p.group_id = $1 AND c.store_id <> $2)
"""
"""A redemption dies with its promo, so one here of another store's promo would not outlive that store."""
OTHER_PROJECTS = f"""
DELETE FROM funnel_touch WHERE group_id = $1;
DELETE FROM customer_order WHERE group_id = $1;
DELETE FROM reward_evaluation WHERE group_id = $1;
DELETE FROM reward_participant WHERE group_id = $1;
DELETE FROM reward_balance WHERE group_id = $1;
UPDATE event SET campaign_id = NULL WHERE group_id = $1 AND campaign_id IN (
    SELECT c.id FROM campaign c WHERE c.group_id = $1 AND c.project_id IS DISTINCT FROM $2);
UPDATE interaction SET campaign_id = NULL WHERE group_id = $1 AND campaign_id IN (
    SELECT c.id FROM campaign c WHERE c.group_id = $1 AND c.project_id IS DISTINCT FROM $2);
DELETE FROM interaction WHERE group_id = $1 AND project_id <> $2;
UPDATE campaign SET template_id = NULL WHERE group_id = $1 AND project_id = $2;
DELETE FROM attributed_share WHERE group_id = $1;
DELETE FROM campaign WHERE group_id = $1 AND project_id IS DISTINCT FROM $2;
DELETE FROM event WHERE group_id = $1 AND project_id IS DISTINCT FROM $2;
DELETE FROM metric_rollup WHERE group_id = $1;
DELETE FROM order_rollup WHERE group_id = $1;
DELETE FROM metric_fact_rollup WHERE group_id = $1;
UPDATE promo_redemption SET customer_id = NULL WHERE group_id = $1;
DELETE FROM customer_merge WHERE group_id = $1;
DELETE FROM customer_doubt WHERE group_id = $1;
DELETE FROM customer WHERE group_id = $1 AND id NOT IN ({WHOSE})
"""


async def all_answers(asker: Asker, scope: Scope) -> dict[str, bytes]:
    """Every edge's answer by both executions."""
    answers: dict[str, bytes] = {}
    for edge in edges():
        planned, resolved = await asker.both(scope, edge.question())
        assert not planned.errors, planned.errors
        assert not resolved.errors, resolved.errors
        answers |= {f"{edge.name}, planned": planned.body, f"{edge.name}, resolved": resolved.body}
    return answers


async def run(url: str, script: str, *values: int) -> int:
    """Run statements as the owner; how many rows went away or changed."""
    owner = await asyncpg.connect(url)
    touched = 0
    for statement in script.split(";"):
        used = values[: 2 if "$2" in statement else 1]
        touched += int((await owner.execute(statement, *used)).rsplit(" ", 1)[-1])
    await owner.close()
    return touched


async def test_another_group_coming_changes_nothing(db: Database, asker: Asker, ours: Everything) -> None:
    before = await all_answers(asker, ours.scope)
    await everything(db, "later")
    assert await all_answers(asker, ours.scope) == before


async def test_other_stores_going_changes_nothing_in_one(
    database_url: str, db: Database, asker: Asker
) -> None:
    world = await everything(db, "stores")
    await run(database_url, CROSSING, world.group_id, world.store_ids[0])
    before = await all_answers(asker, world.store_scope)
    assert await run(database_url, OTHER_STORES, world.group_id, world.store_ids[0]) > 15
    assert await all_answers(asker, world.store_scope) == before


async def test_other_projects_going_changes_nothing_in_one(
    database_url: str, db: Database, asker: Asker
) -> None:
    world = await everything(db, "projects")
    before = await all_answers(asker, world.project_scope)
    assert await run(database_url, OTHER_PROJECTS, world.group_id, world.project_ids[0]) > 10
    assert await all_answers(asker, world.project_scope) == before
