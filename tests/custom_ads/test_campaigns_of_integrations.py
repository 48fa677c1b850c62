"""Campaigns an integration tracks: made, called otherwise, switched on and off; their slugs are unique there."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.db.database import Database
from app.domain.integrations.custom_campaigns import create_custom_campaign, update_custom_campaign
from app.domain.integrations.fields import CustomCampaign, CustomCampaignChange, IntegrationFields
from app.domain.integrations.operations import create_integration, update_integration
from app.errors import Conflict, Failure, Invalid, NotFound
from app.values.scope import Scope
from tests.given import custom_ads, groups
from tests.given.custom_ads import NOON, Site


async def create(db: Database, site: Site, slug: str = "metro", **more: Any) -> int:
    scope = more.pop("scope", site.scope)
    fields = {"wmkt_id": site.wmkt_id, "name": "Métro", **more}
    async with db.transaction(scope) as tx:
        return await create_custom_campaign(tx, CustomCampaign(slug=slug, **fields), now=NOON)


async def update(db: Database, site: Site, campaign_id: int, **more: Any) -> bool:
    wmkt_id = more.pop("wmkt_id", None)
    async with db.transaction(site.scope) as tx:
        return await update_custom_campaign(
            tx, campaign_id, CustomCampaignChange(**more), wmkt_id=wmkt_id, now=NOON
        )


async def row(db: Database, site: Site, campaign_id: int) -> dict[str, Any]:
    async with db.transaction(site.scope) as tx:
        found = await tx.fetchrow("SELECT * FROM campaign WHERE id = $1", campaign_id)
    assert found is not None
    return dict(found)


async def test_a_campaign_is_explicit_runs_and_counts_as_its_integration_does(db: Database) -> None:
    site = await custom_ads.site(db, currency="JPY")
    made = await row(db, site, await create(db, site))
    told = ("name", "slug", "is_explicit", "status", "currency", "project_id", "integration_id", "channels")
    assert [made[name] for name in told] == [
        "Métro", "metro", True, "active", "JPY", site.project_id, site.integration_id, ["custom_ads"]
    ]  # fmt: skip
    assert (await row(db, site, await create(db, site, "bus", active=False)))["status"] == "draft"


async def test_a_slug_is_unique_in_its_integration_alone(db: Database) -> None:
    site = await custom_ads.site(db)
    _, other = await custom_ads.integration(db, site.scope, site.project_id)
    await create(db, site)
    await create(db, site, wmkt_id=other)
    await create(db, site, "Metro")
    with pytest.raises(Conflict) as refused:
        await create(db, site)
    assert (refused.value.reason, refused.value.path) == ("SLUG_EXISTS", ["slug"])


async def test_of_many_at_once_one_gets_the_slug(db: Database) -> None:
    site = await custom_ads.site(db)
    outcomes = await asyncio.gather(*(create(db, site) for _ in range(10)), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, Failure)]
    assert len(refused) == 9
    assert {one.reason for one in refused} == {"SLUG_EXISTS"}


async def test_the_same_again_changes_nothing(db: Database) -> None:
    site = await custom_ads.site(db)
    made = await create(db, site)
    before = await row(db, site, made)
    assert not await update(db, site, made)
    assert not await update(db, site, made, name="Métro", active=True)
    assert await row(db, site, made) == before
    assert await update(db, site, made, name="Ligne 1", active=True)
    assert (await row(db, site, made))["name"] == "Ligne 1"


LIFE = [
    ("draft", True, "active"),
    ("scheduled", True, "active"),
    ("paused", True, "active"),
    ("completed", True, "active"),
    ("active", True, None),
    ("active", False, "paused"),
    ("draft", False, None),
    ("scheduled", False, None),
    ("paused", False, None),
    ("completed", False, None),
]


@pytest.mark.parametrize(("status", "active", "target"), LIFE)
async def test_active_is_a_view_of_its_life(
    db: Database, status: str, active: bool, target: str | None
) -> None:
    site = await custom_ads.site(db)
    made = await create(db, site)
    async with db.transaction(site.scope) as tx:
        await tx.execute("UPDATE campaign SET status = $1", status)
    assert await update(db, site, made, active=active) == (target is not None)
    assert (await row(db, site, made))["status"] == (target or status)


async def test_what_is_over_cannot_run(db: Database) -> None:
    site = await custom_ads.site(db)
    made = await create(db, site, active=False)
    async with db.transaction(site.scope) as tx:
        await tx.execute("UPDATE campaign SET ends_at = $1", NOON - timedelta(days=1))
    with pytest.raises(Conflict) as refused:
        await update(db, site, made, name="Other", active=True)
    assert (refused.value.reason, refused.value.path) == ("WINDOW_OVER", ["active"])
    assert (await row(db, site, made))["name"] == "Métro"


@pytest.mark.parametrize(
    ("wrong", "path"),
    [({"name": ""}, ["name"]), ({"name": "x" * 256}, ["name"]), ({"slug": " "}, ["tracking", "slug"])],
)
async def test_what_cannot_be_kept_is_refused(db: Database, wrong: dict[str, Any], path: list[str]) -> None:
    site = await custom_ads.site(db)
    with pytest.raises(Invalid) as refused:
        await create(db, site, **wrong)
    assert refused.value.path in (path, path[-1:])


async def test_out_of_reach_is_not_found(db: Database) -> None:
    site, foreign = await custom_ads.site(db), await custom_ads.site(db)
    made, theirs = await create(db, site), await create(db, foreign)
    with pytest.raises(NotFound):
        await create(db, site, wmkt_id=foreign.wmkt_id)
    with pytest.raises(NotFound):
        await update(db, site, theirs, name="x")
    with pytest.raises(NotFound):
        await update(db, site, made, name="x", wmkt_id=foreign.wmkt_id)
    _, other = await custom_ads.integration(db, site.scope, site.project_id)
    with pytest.raises(NotFound):
        await update(db, site, made, name="x", wmkt_id=other)
    with pytest.raises(NotFound):
        await create(db, site, "x", scope=Scope(site.group.group_id, project_ids=(site.project_id + 1,)))
    assert await create(db, site, "bus", scope=site.project_scope)


async def test_campaigns_are_made_for_custom_integrations(db: Database) -> None:
    site = await custom_ads.site(db)
    _, ads = await custom_ads.integration(db, site.scope, site.project_id, kind="google_ads")
    with pytest.raises(Conflict) as refused:
        await create(db, site, wmkt_id=ads)
    assert refused.value.reason == "NOT_CUSTOM"


async def test_integrations_are_made_and_called_otherwise(db: Database) -> None:
    site = await custom_ads.site(db, time_zone="UTC")
    async with db.transaction(site.scope) as tx:
        made = await create_integration(tx, IntegrationFields(name="Radio"), project=site.slug, now=NOON)
        told = await tx.fetchrow(
            "SELECT name, kind, currency, length(wmkt_id) FROM integration WHERE id = $1", made
        )
        assert told is not None
        assert tuple(told) == ("Radio", "custom_ads", "EUR", 24)
        assert await update_integration(tx, made, IntegrationFields(name="Radio FM"))
        assert not await update_integration(tx, made, IntegrationFields(name="Radio FM"))
        with pytest.raises(Invalid):
            await create_integration(
                tx, IntegrationFields(name="Radio", currency="euro"), project=site.slug, now=NOON
            )
        with pytest.raises(NotFound):
            await create_integration(tx, IntegrationFields(name="Radio"), project="nobody", now=NOON)
    foreign = await groups.group(db)
    async with db.transaction(foreign.scope) as tx:
        with pytest.raises(NotFound):
            await update_integration(tx, made, IntegrationFields(name="x"))
    with pytest.raises(Conflict) as refused:
        async with db.transaction(site.scope) as tx:
            await create_integration(
                tx,
                IntegrationFields(name="x", wmkt_id=site.wmkt_id),
                project=f"proj_{site.project_id}",
                now=NOON,
            )
    assert refused.value.reason == "WMKT_ID_EXISTS"
