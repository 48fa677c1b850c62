"""Media campaigns: the campaign and its internal project are made together, or not at all."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.media import MediaCampaign, MediaCampaignIds, create_media_campaign
from app.errors import Failure, Forbidden, Invalid, NotFound
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

ORDER: dict[str, Any] = {
    "name": "Google Ads – June",
    "channels": ["google_ads"],
    "period_type": "1_month",
    "budget_total": Decimal(1200),
    "starts_on": date(2025, 6, 1),
    "ends_on": date(2025, 6, 30),
}


async def order(db: Database, scope: Scope, **fields: Any) -> MediaCampaignIds:
    async with db.transaction(scope) as tx:
        return await create_media_campaign(tx, MediaCampaign(**{**ORDER, **fields}), now=given.NOON)


async def test_an_order_makes_a_campaign_and_its_internal_project(db: Database) -> None:
    group = await groups.group(db)
    made = await order(db, group.scope, beacon_key=group.beacon_key)
    async with db.transaction(group.scope) as tx:
        campaign = await tx.fetchrow("SELECT * FROM campaign WHERE id = $1", made.campaign_id)
        project = await tx.fetchrow("SELECT * FROM project WHERE id = $1", made.project_id)
    assert campaign is not None
    assert project is not None
    assert (campaign["name"], campaign["channels"]) == ("Google Ads – June", ["google_ads"])
    assert (campaign["period_type"], campaign["budget_total"]) == ("1_month", 1200)
    assert (campaign["starts_on"], campaign["ends_on"]) == (date(2025, 6, 1), date(2025, 6, 30))
    assert (campaign["project_id"], campaign["store_id"]) == (made.project_id, group.store_id)
    assert (project["is_internal"], project["name"]) == (True, "Google Ads – June")
    assert (project["store_id"], made.store_id) == (group.store_id, group.store_id)


async def test_dates_may_be_left_out_when_the_period_is_known(db: Database) -> None:
    group = await groups.group(db)
    made = await order(db, group.scope, beacon_key=group.beacon_key, starts_on=None, ends_on=None)
    async with db.transaction(group.scope) as tx:
        row = await tx.fetchrow("SELECT starts_on, ends_on FROM campaign WHERE id = $1", made.campaign_id)
    assert row == (date(2025, 6, 15), date(2025, 7, 14))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"channels": []}, ["channels"]),
        ({"beacon_key": ""}, ["beaconKey"]),
        ({"beacon_key": "\0"}, ["beaconKey"]),
        ({"beacon_key": None}, ["storeId"]),
        ({"store_id": 1}, ["storeId"]),
        ({"budget_total": Decimal(-1)}, ["budgetTotal"]),
        ({"starts_on": None, "period_type": "forever"}, ["startsOn"]),
        ({"ends_on": None, "period_type": None}, ["endsOn"]),
        ({"ends_on": date(2025, 5, 31)}, ["endsOn"]),
    ],
)
async def test_a_wrong_order_leaves_neither(db: Database, fields: dict[str, Any], path: list[str]) -> None:
    group = await groups.group(db)
    with pytest.raises(Invalid) as wrong:
        await order(db, group.scope, **{"beacon_key": group.beacon_key, **fields})
    assert wrong.value.path == path
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign") == 0
        assert await tx.fetchval("SELECT count(*) FROM project") == 0


async def test_the_beacon_names_a_store_of_this_group_and_of_this_scope(db: Database) -> None:
    group, other = await groups.group(db), await groups.group(db)
    second = await groups.store(db, group.group_id)
    with pytest.raises(NotFound) as foreign:
        await order(db, group.scope, beacon_key=other.beacon_key)
    assert foreign.value.path == ["beaconKey"]
    narrowed = Scope(group.group_id, store_id=second.store_id)
    refusals: list[Failure] = []
    for beacon in (group.beacon_key, other.beacon_key, "unknown"):
        with pytest.raises(Forbidden) as refused:
            await order(db, narrowed, beacon_key=beacon)
        refusals.append(refused.value)
    assert len({failure.message for failure in refusals}) == 1
    assert (await order(db, narrowed, beacon_key=second.beacon_key)).store_id == second.store_id


async def test_a_store_is_named_by_its_id_as_well(db: Database) -> None:
    group, other = await groups.group(db), await groups.group(db)
    second = await groups.store(db, group.group_id)
    assert (await order(db, group.scope, store_id=second.store_id)).store_id == second.store_id
    for scope, ident in (
        (group.scope, other.store_id),
        (Scope(group.group_id, store_id=second.store_id), group.store_id),
    ):
        with pytest.raises(NotFound) as foreign:
            await order(db, scope, store_id=ident)
        assert list(foreign.value.path) == ["storeId"]


async def test_a_credential_for_projects_cannot_make_another_project(db: Database) -> None:
    group = await groups.group(db)
    with pytest.raises(Forbidden):
        await order(db, Scope(group.group_id, project_ids=(1,)), beacon_key=group.beacon_key)
