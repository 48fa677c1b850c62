"""Creating, changing and deleting campaigns: what is stored, what is refused, and where."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign, delete_campaign
from app.errors import Conflict, Failure, Forbidden, Invalid, NotFound
from app.tables.campaigns import CampaignType
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

NOW = given.NOON


async def row_of(db: Database, scope: Scope, campaign_id: int) -> dict[str, Any]:
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow("SELECT * FROM campaign WHERE id = $1", campaign_id)
        assert row is not None
        return dict(row)


async def change(db: Database, scope: Scope, campaign_id: int, **fields: Any) -> dict[str, Any]:
    async with db.transaction(scope) as tx:
        await update_campaign(tx, campaign_id, CampaignFields(**fields), now=NOW)
    return await row_of(db, Scope(scope.group_id), campaign_id)


async def refused(db: Database, scope: Scope, store_id: int | None = None, **fields: Any) -> Failure:
    with pytest.raises(Failure) as failure:
        await given.campaign(db, scope, store_id=store_id, **fields)
    return failure.value


async def test_a_campaign_is_stored_as_told(db: Database) -> None:
    group = await groups.group(db)
    camp = await given.campaign(
        db, group.scope, name="  Été – 1 ", type=CampaignType.LOYALTY, channels=["email", "push", "email"],
        starts_on=date(2025, 6, 1), ends_on=date(2025, 6, 30), budget_total=Decimal("1200.5"),
        subject="Hi", cta_url="https://example.com/x?y=1", reward_type=3, owner_id=2**53 - 1,
    )  # fmt: skip
    row = await row_of(db, group.scope, camp)
    assert row["name"] == "  Été – 1 "
    assert row["channels"] == ["email", "push"]
    assert (row["status"], row["activated_at"]) == ("active", NOW)
    assert row["starts_at"] == datetime(2025, 5, 31, 22, tzinfo=UTC)
    assert row["ends_at"] == datetime(2025, 6, 30, 22, tzinfo=UTC)
    assert (row["budget_total"], row["currency"], row["store_id"]) == (
        Decimal("1200.5"), "EUR", group.store_id,
    )  # fmt: skip
    assert (row["type"], row["objective"], row["is_explicit"]) == ("loyalty", "unspecified", True)


async def test_the_store_is_the_named_one_else_the_scope_s_else_the_default(db: Database) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id, time_zone="Asia/Tokyo")
    of_store = Scope(group.group_id, store_id=second.store_id)
    named = await given.campaign(db, group.scope, store_id=second.store_id, starts_on=date(2025, 7, 1))
    own = await given.campaign(db, of_store)
    default = await given.campaign(db, group.scope)
    rows = [await row_of(db, group.scope, c) for c in (named, own, default)]
    assert [r["store_id"] for r in rows] == [second.store_id, second.store_id, group.store_id]
    assert rows[0]["starts_at"] == datetime(2025, 6, 30, 15, tzinfo=UTC)
    elsewhere = await groups.group(db)
    for scope, store in [(of_store, group.store_id), (group.scope, elsewhere.store_id), (of_store, 2**60)]:
        failure = await refused(db, scope, store)
        assert (type(failure), failure.path) == (NotFound, ["storeId"])


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"name": " \n"}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"name": "a\0b"}, ["name"]),
        ({"name": "a\ud800b"}, ["name"]),
        ({"description": "x" * 65_537}, ["description"]),
        ({"description": "a\0"}, ["description"]),
        ({"logo_url": "ftp://example.com"}, ["logoUrl"]),
        ({"logo_url": "https://" + "x" * 2_048}, ["logoUrl"]),
        ({"logo_url": "javascript:alert(1)"}, ["logoUrl"]),
        ({"cta_url": "https://user:secret@example.com"}, ["content", "ctaUrl"]),
        ({"cta_url": "https://a b"}, ["content", "ctaUrl"]),
        ({"channels": ["x"] * 51}, ["channels"]),
        ({"channels": ["ok", ""]}, ["channels", 1]),
        ({"channels": ["x" * 65]}, ["channels", 0]),
        ({"budget_total": Decimal("-0.01")}, ["budgetTotal"]),
        ({"budget_total": Decimal("1.00001")}, ["budgetTotal"]),
        ({"budget_total": Decimal("1.00000000000000000000000000000000001")}, ["budgetTotal"]),
        ({"budget_total": Decimal("1e14")}, ["budgetTotal"]),
        ({"budget_total": Decimal("1e400000")}, ["budgetTotal"]),
        ({"budget_total": Decimal("1e-400000")}, ["budgetTotal"]),
        ({"budget_total": Decimal("NaN")}, ["budgetTotal"]),
        ({"budget_total": Decimal("Infinity")}, ["budgetTotal"]),
        ({"owner_id": 2**53}, ["rewards", "ownerId"]),
        ({"reward_type": -1}, ["rewards", "type"]),
        ({"period_type": "x" * 65}, ["periodType"]),
        ({"slug": "summer"}, ["tracking", "slug"]),
        ({"type": None}, ["type"]),
        ({"starts_on": date(2025, 6, 2), "ends_on": date(2025, 6, 1)}, ["endsOn"]),
    ],
)
async def test_wrong_values_are_refused_by_name_and_nothing_is_stored(
    db: Database, fields: dict[str, Any], path: list[str | int]
) -> None:
    scope = (await groups.group(db)).scope
    failure = await refused(db, scope, **fields)
    assert (type(failure), failure.path) == (Invalid, path)
    async with db.transaction(scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign") == 0


async def test_the_largest_budget_is_kept_to_the_digit(db: Database) -> None:
    scope = (await groups.group(db)).scope
    most = Decimal("99999999999999.99")
    camp = await given.campaign(db, scope, budget_total=most)
    assert (await row_of(db, scope, camp))["budget_total"] == most


async def test_references_must_be_in_the_group_and_fit_the_store(db: Database) -> None:
    group, other = await groups.group(db), await groups.group(db)
    second = await groups.store(db, group.group_id)
    mine: dict[str, Any] = {
        "segment_id": await given.segment(db, group.group_id),
        "project_id": await given.project(db, group.group_id),
        "partner_id": await given.partner(db, group.group_id),
    }
    foreign = {
        "segment_id": await given.segment(db, other.group_id),
        "project_id": await given.project(db, other.group_id),
        "partner_id": await given.partner(db, other.group_id),
        "integration_id": await given.integration(
            db, other.group_id, project_id=await given.project(db, other.group_id)
        ),
    }
    camp = await given.campaign(db, group.scope, **mine)
    assert (await row_of(db, group.scope, camp)).items() >= mine.items()
    for column, value in foreign.items():
        for wrong in (value, 2**60):
            failure = await refused(db, group.scope, **{column: wrong})
            assert isinstance(failure, NotFound)
            assert failure.path[-1] == ("project" if column == "project_id" else column.replace("_id", "Id"))
    bound = await given.project(db, group.group_id, store_id=second.store_id)
    failure = await refused(db, group.scope, project_id=bound)
    assert (type(failure), failure.reason) == (Invalid, "WRONG_STORE")
    # Under a store scope the same project is as if it did not exist.
    assert isinstance(await refused(db, Scope(group.group_id, group.store_id), project_id=bound), NotFound)
    deal = await given.partnership(db, group.group_id, partner_id=mine["partner_id"], store_id=group.store_id)
    brought = await given.campaign(db, group.scope, partnership_id=deal)
    assert (await row_of(db, group.scope, brought))["partner_id"] == mine["partner_id"]
    another = await given.partner(db, group.group_id)
    failure = await refused(db, group.scope, partnership_id=deal, partner_id=another)
    assert (type(failure), failure.reason) == (Conflict, "WRONG_PARTNER")


async def test_an_integration_brings_its_currency_and_project_and_keeps_slugs_apart(db: Database) -> None:
    group = await groups.group(db)
    project = await given.project(db, group.group_id)
    dollars = await given.integration(db, group.group_id, project_id=project, currency="USD")
    camp = await given.campaign(db, group.scope, integration_id=dollars, slug="summer")
    row = await row_of(db, group.scope, camp)
    assert (row["currency"], row["project_id"]) == ("USD", project)
    failure = await refused(db, group.scope, integration_id=dollars, slug="summer")
    assert (type(failure), failure.reason, failure.path) == (
        Conflict, "SLUG_EXISTS", ["tracking", "slug"],
    )  # fmt: skip
    euros = await given.campaign(db, group.scope)
    with pytest.raises(Conflict) as wrong:
        await change(db, group.scope, euros, integration_id=dollars)
    assert wrong.value.reason == "WRONG_CURRENCY"


async def test_a_scope_of_projects_writes_into_its_own_alone(db: Database) -> None:
    group = await groups.group(db)
    first, second, third = [await given.project(db, group.group_id) for _ in range(3)]
    one, two = Scope(group.group_id, project_ids=(first,)), Scope(group.group_id, project_ids=(first, second))
    camp = await given.campaign(db, one)
    assert (await row_of(db, group.scope, camp))["project_id"] == first
    assert isinstance(await refused(db, two), Forbidden)
    assert isinstance(await refused(db, two, project_id=third), NotFound)
    with pytest.raises(NotFound):
        await change(db, one, camp, project_id=third)
    assert (await change(db, two, camp, project_id=second))["project_id"] == second
    with pytest.raises(NotFound):
        await change(db, one, camp, name="mine no more")


async def test_an_update_tells_absent_from_null(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope, description="d", subject="s", budget_total=Decimal(5))
    row = await change(db, scope, camp, description=None, name="July")
    assert (row["description"], row["subject"], row["name"], row["budget_total"]) == (None, "s", "July", 5)
    before = await row_of(db, scope, camp)
    assert await change(db, scope, camp) == before
    with pytest.raises(Invalid) as cleared:
        await change(db, scope, camp, name=None)
    assert cleared.value.path == ["name"]


async def test_a_window_is_changed_edge_by_edge_and_judged_as_a_whole(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope, starts_on=date(2025, 7, 1), ends_on=date(2025, 7, 31))
    row = await change(db, scope, camp, ends_on=date(2025, 7, 10))
    assert (row["starts_on"], row["ends_on"]) == (date(2025, 7, 1), date(2025, 7, 10))
    with pytest.raises(Invalid) as wrong:
        await change(db, scope, camp, starts_on=date(2025, 7, 11))
    assert wrong.value.reason == "END_BEFORE_START"
    row = await change(db, scope, camp, period_type="2_weeks")
    assert (row["starts_on"], row["ends_on"]) == (date(2025, 7, 1), date(2025, 7, 14))
    row = await change(db, scope, camp, ends_at=datetime(2025, 7, 20, 9, tzinfo=UTC))
    assert (row["ends_on"], row["ends_at"]) == (None, datetime(2025, 7, 20, 9, tzinfo=UTC))
    row = await change(db, scope, camp, ends_at=None, starts_on=date(2025, 7, 2))
    assert (row["starts_on"], row["ends_at"], row["status"]) == (date(2025, 7, 2), None, "scheduled")
    row = await change(db, scope, camp, starts_on=None)
    assert (row["starts_at"], row["starts_on"], row["status"]) == (None, None, "draft")


async def test_a_running_campaign_cannot_become_a_template(db: Database) -> None:
    scope = (await groups.group(db)).scope
    running = await given.campaign(db, scope, starts_on=date(2025, 6, 1))
    with pytest.raises(Conflict):
        await change(db, scope, running, is_template=True)
    draft = await given.campaign(db, scope)
    assert (await change(db, scope, draft, is_template=True))["is_template"] is True


async def test_deleting_hides_once_and_only_in_scope(db: Database) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    camp = await given.campaign(db, group.scope)

    async def delete(scope: Scope) -> int:
        async with db.transaction(scope) as tx:
            return await delete_campaign(tx, camp, now=NOW)

    for scope in [(await groups.group(db)).scope, Scope(group.group_id, second.store_id)]:
        with pytest.raises(NotFound):
            await delete(scope)
    assert await delete(group.scope) == camp
    with pytest.raises(NotFound):
        await delete(group.scope)
    with pytest.raises(NotFound):
        await change(db, group.scope, camp, name="again")
    assert (await row_of(db, group.scope, camp))["deleted_at"] == NOW


async def test_a_group_without_a_default_store_asks_for_one(db: Database) -> None:
    group = await groups.group(db)
    async with db.transaction(group.scope) as tx:
        await tx.execute("UPDATE store SET is_default = false")
    failure = await refused(db, group.scope)
    assert (failure.reason, failure.path) == ("STORE_MISSING", ["storeId"])


async def test_without_a_name_there_is_no_campaign(db: Database) -> None:
    scope = (await groups.group(db)).scope
    with pytest.raises(Invalid) as nameless:
        async with db.transaction(scope) as tx:
            await create_campaign(tx, CampaignFields(), now=NOW)
    assert nameless.value.path == ["name"]
