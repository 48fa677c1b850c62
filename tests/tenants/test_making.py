"""Groups and projects are made, and projects archived, through the graph."""

import asyncio
import json

import pytest

from app.auth.principal import ADMIN_ROLES, PLATFORM_ROLES, WRITERS, Principal, Role
from app.db.database import Database
from app.errors import NotFound
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups
from tests.tenants.conftest import PROJECT, Call, audited


async def test_a_project_is_made_with_a_slug_of_its_name(db: Database, call: Call) -> None:
    group = await groups.group(db)
    made = await call(group.scope, "projectCreate", PROJECT, name="Café de la Gare")
    assert made["errors"] == []
    assert made["project"] == {
        "id": made["project"]["id"], "name": "Café de la Gare", "slug": "cafe-de-la-gare", "isInternal": False,
        "identityFields": ["email", "phone"], "maxEventBytes": None, "archivedAt": None, "store": None,
    }  # fmt: skip
    # Slugs are unique over all groups: the next one of that name gets a number.
    other = await groups.group(db)
    again = await call(other.scope, "projectCreate", PROJECT, name="Cafe de la gare!")
    assert again["project"]["slug"] == "cafe-de-la-gare-2"
    nameless = await call(other.scope, "projectCreate", PROJECT, name="東京")
    assert nameless["project"]["slug"] == "project"
    assert await audited(db, group.group_id, "project.%") == [("project.create", made["project"]["id"])]


async def test_a_slug_that_is_chosen_is_refused_where_it_is_taken_or_malformed(
    db: Database, call: Call
) -> None:
    group, other = await groups.group(db), await groups.group(db)
    store = f"store_{other.store_id}"
    made = await call(
        other.scope, "projectCreate", PROJECT, name="X", slug="chosen-slug", storeId=store,
        identityFields=["card", "email", "card"], maxEventBytes=2048,
    )  # fmt: skip
    assert made["project"]["store"] == {"id": store}
    assert (made["project"]["identityFields"], made["project"]["maxEventBytes"]) == (["card", "email"], 2048)
    taken = await call(group.scope, "projectCreate", PROJECT, name="Y", slug="chosen-slug")
    assert [(e["code"], e["path"]) for e in taken["errors"]] == [("SLUG_EXISTS", ["slug"])]
    for slug in ("ab", "a" * 65, "Upper", "two--dashes", "-edge", "with space", "ünicode", "a_b"):
        refused = await call(group.scope, "projectCreate", PROJECT, name="Y", slug=slug)
        assert [e["path"] for e in refused["errors"]] == [["slug"]], slug
    foreign = await call(group.scope, "projectCreate", PROJECT, name="Y", storeId=store)
    assert [(e["code"], e["path"]) for e in foreign["errors"]] == [("NOT_FOUND", ["storeId"])]
    for fields in ([], ["a b"], [""], ["x"] * 11):
        refused = await call(group.scope, "projectCreate", PROJECT, name="Y", identityFields=fields)
        assert refused["errors"][0]["path"][0] == "identityFields", fields
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM project WHERE group_id = $1", group.group_id) == 0


async def test_two_projects_of_one_name_at_once_get_two_slugs_or_one_is_refused(
    db: Database, call: Call
) -> None:
    made_in = [await groups.group(db) for _ in range(4)]
    made = await asyncio.gather(
        *(call(one.scope, "projectCreate", PROJECT, name="At once") for one in made_in)
    )
    slugs = [one["project"]["slug"] for one in made if one["project"]]
    assert slugs
    assert len(set(slugs)) == len(slugs)
    assert {e["code"] for one in made for e in one["errors"]} <= {"SLUG_EXISTS"}


async def test_many_projects_of_one_name_at_once_each_get_a_slug(db: Database, call: Call) -> None:
    ours, theirs = await groups.group(db), await groups.group(db)
    made = await asyncio.gather(
        *(
            call(scope, "projectCreate", "project { slug }", name="All at once")
            for scope in (ours.scope, theirs.scope) * 6
        )
    )
    assert [one["errors"] for one in made] == [[]] * 12
    assert len({one["project"]["slug"] for one in made}) == 12


async def test_under_a_store_a_project_is_that_stores(db: Database, call: Call) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    narrow = Scope(group.group_id, second.store_id)
    made = await call(narrow, "projectCreate", PROJECT, name="Of a store")
    assert made["project"]["store"] == {"id": f"store_{second.store_id}"}
    wide = await call(group.scope, "projectCreate", PROJECT, name="Of the group")
    [refused] = await call(narrow, "projectArchive", PROJECT, id=wide["project"]["id"])
    assert "whole group" in refused["message"]
    assert (await call(narrow, "projectArchive", PROJECT, id=made["project"]["id"]))["errors"] == []


async def test_an_archived_project_takes_nothing_new_and_can_be_restored(
    db: Database, call: Call, ask: Call, services: Services
) -> None:
    group = await groups.group(db)
    made = await call(group.scope, "projectCreate", PROJECT, name="Season 2025")
    ident, slug = made["project"]["id"], made["project"]["slug"]
    integration = await call(
        group.scope, "integrationCreate", "integration { id wmktId }", project=slug, name="Ads"
    )
    tracked = integration["integration"]
    # Remembered before, so that it must be forgotten.
    principal = await services.projects.tracker(slug, now=given.NOON)
    archived = await call(group.scope, "projectArchive", PROJECT, id=ident)
    assert archived["project"]["archivedAt"] == "2025-06-15T12:00:00Z"
    later = given.NOON.replace(minute=5)
    with pytest.raises(NotFound):
        await services.projects.tracker(slug, now=later)
    refusals = {
        "eventTypeCreate": {"project": slug, "reference": "contact"},
        "integrationCreate": {"project": slug, "name": "More"},
        "interactionRecord": {"project": slug, "trackerId": "t"},
        "interactionRecordOffline": {"project": slug, "nodeData": {}, "userData": {"email": "a@b.example"}},
        "campaignCreate": {"name": "C", "project": ident},
        "customCampaignCreate": {"wmktId": tracked["wmktId"], "name": "C", "slug": "c"},
    }
    for name, values in refusals.items():
        said = await call(group.scope, name, "__typename", **values)
        assert said["errors"][0]["code"].endswith("_ARCHIVED"), (name, said)
    assert principal.roles == {Role.TRACKER}
    lists = """{
        projects { nodes { id } } gone: projects(filter: {archived: true}) { nodes { id } } project(id: "%s") { id }
    }"""
    seen = await ask(group.scope, lists % ident)
    assert seen == {"projects": {"nodes": []}, "gone": {"nodes": [{"id": ident}]}, "project": None}
    restored = await call(group.scope, "projectRestore", PROJECT, id=ident)
    assert restored["project"]["archivedAt"] is None
    assert (await call(group.scope, "eventTypeCreate", "__typename", **refusals["eventTypeCreate"]))[
        "errors"
    ] == []
    assert [one for one, _ in await audited(db, group.group_id, "project.%")] == [
        "project.create", "project.archive", "project.restore",
    ]  # fmt: skip


async def test_a_group_is_made_by_platform_roles_alone_and_both_trails_tell(db: Database, call: Call) -> None:
    group = await groups.group(db)
    wanted = {"name": "Boulangerie", "currency": "EUR", "timeZone": "Europe/Paris"}
    for role in (WRITERS | ADMIN_ROLES) - PLATFORM_ROLES:
        [refused] = await call(group.scope, "groupCreate", "groupId", role, **wanted)
        assert refused["extensions"]["code"] == "FORBIDDEN"
    made = await call(group.scope, "groupCreate", "groupId", Role.PLATFORM_ADMIN, **wanted)
    assert made["errors"] == []
    number = int(made["groupId"].removeprefix("group_"))
    async with db.transaction(Scope(number)) as tx:
        row = await tx.fetchrow("SELECT name, currency, time_zone FROM customer_group WHERE id = $1", number)
    assert row is not None
    assert tuple(row) == ("Boulangerie", "EUR", "Europe/Paris")
    assert await audited(db, number, "%") == [("group.create", made["groupId"])]
    assert await audited(db, group.group_id, "%") == [("group.create", made["groupId"])]
    for wrong, path in (
        ({"currency": "euro"}, "currency"),
        ({"timeZone": "Mars"}, "timeZone"),
        ({"name": " "}, "name"),
    ):
        said = await call(group.scope, "groupCreate", "groupId", Role.SUPER_ADMIN, **{**wanted, **wrong})
        assert [e["path"] for e in said["errors"]] == [[path]]
    [refused] = await call(
        Scope(group.group_id, group.store_id), "groupCreate", "groupId", Role.SUPER_ADMIN, **wanted
    )
    assert refused["extensions"]["code"] == "FORBIDDEN"


async def test_what_follows_in_the_same_request_is_in_the_own_group_again(
    db: Database, services: Services
) -> None:
    group = await groups.group(db)
    query = """mutation {
      groupCreate(input: {name: "N", currency: "EUR", timeZone: "UTC"}) { groupId }
      storeCreate(input: {name: "Mine"}) { store { name group { id } } errors { code } }
    }"""
    principal = Principal("test", group.scope, frozenset({Role.SUPER_ADMIN}))
    made = json.loads((await answer(Operation(query, {}), Context(services, principal, now=given.NOON))).body)
    assert made["data"]["storeCreate"]["store"] == {
        "name": "Mine",
        "group": {"id": f"group_{group.group_id}"},
    }
