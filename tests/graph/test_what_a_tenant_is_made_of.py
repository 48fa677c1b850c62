"""Groups and projects made, and stores, partners, agreements, integrations and projects closed, through the graph."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import ADMIN_ROLES, PLATFORM_ROLES, WRITERS, Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.errors import NotFound
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

Call = Callable[..., Any]
ERRORS = "errors { code message path }"


@pytest.fixture
def services(db: Database, tmp_path: Path) -> Services:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    return Services(settings, db, AssetStorage(settings))


@pytest.fixture
def call(services: Services) -> Call:
    """Call one mutation: its name, its input, what is asked back; its payload."""

    async def run(scope: Scope, called: str, selection: str, /, *roles: Role, **given_input: Any) -> Any:
        kind = called[0].upper() + called[1:]
        for verb in ("Archive", "Restore"):
            kind = kind.replace(verb, "Name") if kind.endswith(verb) else kind
        kind = "GroupCreate" if called == "customerGroupCreate" else kind
        query = f"mutation($i: {kind}Input!) {{ {called}(input: $i) {{ {selection} {ERRORS} }} }}"
        principal = Principal("test", scope, frozenset(roles or {Role.TENANT_ADMIN}))
        context = Context(services, principal, base_url="https://gateway.example", now=given.NOON)
        made = json.loads((await answer(Operation(query, {"i": given_input}), context)).body)
        return made["errors"] if made.get("errors") else made["data"][called]

    return run


@pytest.fixture
def ask(services: Services) -> Call:
    async def run(scope: Scope, query: str) -> Any:
        principal = Principal("test", scope, frozenset({Role.TENANT_ADMIN}))
        made = await answer(Operation(query, {}), Context(services, principal, now=given.NOON))
        return json.loads(made.body)["data"]

    return run


async def audited(db: Database, group_id: int, like: str) -> list[tuple[str, str]]:
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(
            "SELECT action, subject FROM audit_entry WHERE group_id = $1 AND action LIKE $2 ORDER BY id",
            group_id, like,
        )  # fmt: skip
    return [(row["action"], row["subject"]) for row in rows]


PROJECT = "project { id name slug isInternal identityFields maxEventBytes archivedAt store { id } }"


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
        "campaignCreate": {"name": "C", "projectId": ident},
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
        [refused] = await call(group.scope, "customerGroupCreate", "groupId", role, **wanted)
        assert refused["extensions"]["code"] == "FORBIDDEN"
    made = await call(group.scope, "customerGroupCreate", "groupId", Role.PLATFORM_ADMIN, **wanted)
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
        said = await call(
            group.scope, "customerGroupCreate", "groupId", Role.SUPER_ADMIN, **{**wanted, **wrong}
        )
        assert [e["path"] for e in said["errors"]] == [[path]]
    [refused] = await call(
        Scope(group.group_id, group.store_id), "customerGroupCreate", "groupId", Role.SUPER_ADMIN, **wanted
    )
    assert refused["extensions"]["code"] == "FORBIDDEN"


async def test_what_follows_in_the_same_request_is_in_the_own_group_again(
    db: Database, services: Services
) -> None:
    group = await groups.group(db)
    query = """mutation {
      customerGroupCreate(input: {name: "N", currency: "EUR", timeZone: "UTC"}) { groupId }
      storeCreate(input: {name: "Mine"}) { store { name group { id } } errors { code } }
    }"""
    principal = Principal("test", group.scope, frozenset({Role.SUPER_ADMIN}))
    made = json.loads((await answer(Operation(query, {}), Context(services, principal, now=given.NOON))).body)
    assert made["data"]["storeCreate"]["store"] == {
        "name": "Mine",
        "group": {"id": f"group_{group.group_id}"},
    }


async def test_a_store_is_deleted_when_nothing_living_hangs_on_it(
    db: Database, call: Call, ask: Call
) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id, name="Second")
    ident = f"store_{second.store_id}"
    default = await call(group.scope, "storeDelete", "deletedId", id=f"store_{group.store_id}")
    assert [e["code"] for e in default["errors"]] == ["DEFAULT_STORE"]

    campaign = await call(group.scope, "campaignCreate", "campaign { id }", name="Summer", storeId=ident)
    project = await call(group.scope, "projectCreate", PROJECT, name="Shop", storeId=ident)
    partner = await call(group.scope, "partnerCreate", "partner { id }", name="P")
    pship = await call(
        group.scope, "partnershipCreate", "partnership { id }",
        name="P at S", partnerId=partner["partner"]["id"], storeId=ident,
    )  # fmt: skip
    refused = await call(group.scope, "storeDelete", "deletedId", id=ident)
    [error] = refused["errors"]
    assert (error["code"], error["path"], refused["deletedId"]) == ("IN_USE", ["id"], None)
    for part in (campaign["campaign"]["id"], "Summer", project["project"]["id"], pship["partnership"]["id"]):
        assert part in error["message"]
    assert (await call(group.scope, "campaignDelete", "__typename", id=campaign["campaign"]["id"]))[
        "errors"
    ] == []
    await call(group.scope, "projectArchive", PROJECT, id=project["project"]["id"])
    await call(group.scope, "partnershipArchive", "__typename", id=pship["partnership"]["id"])
    assert (await call(group.scope, "storeDelete", "deletedId", id=ident)) == {
        "deletedId": ident,
        "errors": [],
    }
    assert [one for one, _ in await audited(db, group.group_id, "store.%")] == ["store.delete"]
    again = await call(group.scope, "storeDelete", "deletedId", id=ident)
    assert [e["code"] for e in again["errors"]] == ["NOT_FOUND"]
    for name, values in {
        "campaignCreate": {"name": "C", "storeId": ident},
        "projectCreate": {"name": "C", "storeId": ident},
        "storeUpdate": {"id": ident, "name": "C"},
    }.items():
        said = await call(group.scope, name, "__typename", **values)
        assert [e["code"] for e in said["errors"]] == ["NOT_FOUND"], name
    restored = await call(group.scope, "partnershipRestore", "__typename", id=pship["partnership"]["id"])
    assert [e["code"] for e in restored["errors"]] == ["ARCHIVED"]
    # The last one may go, too, and the next one made is the default again.
    assert (await call(group.scope, "storeDelete", "deletedId", id=f"store_{group.store_id}"))["errors"] == []
    made = await call(group.scope, "storeCreate", "store { isDefault }", name="Anew")
    assert made["store"] == {"isDefault": True}
    assert [
        one["name"] for one in (await ask(group.scope, "{ stores { nodes { name } } }"))["stores"]["nodes"]
    ] == ["Anew"]


async def test_a_partner_is_archived_when_no_living_campaign_pays_with_it(db: Database, call: Call) -> None:
    group = await groups.group(db)
    partner = (await call(group.scope, "partnerCreate", "partner { id }", name="Miles"))["partner"]["id"]
    other = (await call(group.scope, "partnerCreate", "partner { id }", name="Other"))["partner"]["id"]
    pship = (await call(
        group.scope, "partnershipCreate", "partnership { id }", name="Deal", partnerId=partner
    ))["partnership"]["id"]  # fmt: skip
    mine = (await call(
        group.scope, "campaignCreate", "campaign { id }",
        name="Mine", rewards={"type": "EARN", "partnershipId": pship},
    ))["campaign"]["id"]  # fmt: skip
    theirs = (await call(
        group.scope, "campaignCreate", "campaign { id }", name="Theirs", rewards={"type": "EARN", "partnerId": other}
    ))["campaign"]["id"]  # fmt: skip
    saved = await call(
        group.scope, "flowsSave", "__typename", campaignId=theirs,
        flows=[{"triggerCode": 1, "actions": [{"actionCode": 1, "partnerId": partner, "baseReward": 5}]}],
    )  # fmt: skip
    assert saved["errors"] == []
    [error] = (await call(group.scope, "partnerArchive", "__typename", id=partner))["errors"]
    assert error["code"] == "IN_USE"
    assert all(one in error["message"] for one in (mine, theirs, pship)), error
    [error] = (await call(group.scope, "partnershipArchive", "__typename", id=pship))["errors"]
    assert (error["code"], mine in error["message"], theirs in error["message"]) == ("IN_USE", True, False)
    for campaign in (mine, theirs):
        await call(group.scope, "campaignMove", "__typename", id=campaign, move="ACTIVATE")
        done = await call(group.scope, "campaignMove", "__typename", id=campaign, move="COMPLETE")
        assert done["errors"] == []
    for name, ident in (("partnershipArchive", pship), ("partnerArchive", partner)):
        assert (await call(group.scope, name, "__typename", id=ident))["errors"] == []
    for name, values in {
        "campaignCreate": {"name": "C", "rewards": {"type": "EARN", "partnerId": partner}},
        "campaignUpdate": {"id": theirs, "rewards": {"partnerId": partner}},
        "partnershipCreate": {"name": "C", "partnerId": partner},
        "flowsSave": {"campaignId": theirs, "flows": [
            {"triggerCode": 1, "actions": [{"actionCode": 1, "partnerId": partner, "baseReward": 5}]}]},
        "campaignMove": {"id": theirs, "move": "REOPEN"},
        "campaignClone": {"sourceId": theirs},
    }.items():  # fmt: skip
        said = await call(group.scope, name, "__typename", **values)
        assert said["errors"][0]["code"] in ("PARTNER_ARCHIVED", "CLOSED"), (name, said)
    # What a campaign refers to already may be said again.
    kept = await call(group.scope, "campaignUpdate", "__typename", id=mine, rewards={"partnerId": partner})
    assert kept["errors"] == []
    restored = await call(group.scope, "partnerRestore", "partner { archivedAt }", id=partner)
    assert restored["partner"] == {"archivedAt": None}
    assert (await call(group.scope, "campaignMove", "__typename", id=theirs, move="REOPEN"))["errors"] == []


async def test_an_archived_integration_has_no_new_campaigns(db: Database, call: Call, ask: Call) -> None:
    group = await groups.group(db)
    slug = (await call(group.scope, "projectCreate", PROJECT, name="Tracked"))["project"]["slug"]
    tool = (await call(
        group.scope, "integrationCreate", "integration { id wmktId }", project=slug, name="Ads"
    ))["integration"]  # fmt: skip
    before = await call(
        group.scope, "customCampaignCreate", "campaign { id }", wmktId=tool["wmktId"], name="A", slug="a"
    )
    assert before["errors"] == []
    archived = await call(group.scope, "integrationArchive", "integration { archivedAt }", id=tool["id"])
    assert archived["integration"] == {"archivedAt": "2025-06-15T12:00:00Z"}
    said = await call(
        group.scope, "customCampaignCreate", "campaign { id }", wmktId=tool["wmktId"], name="B", slug="b"
    )
    assert [e["code"] for e in said["errors"]] == ["INTEGRATION_ARCHIVED"]
    landing = f"https://shop.example/?wmktid={tool['wmktId']}&cid=a"
    visit = await call(
        group.scope, "interactionRecord", "interaction { campaign { id } integration { id } }",
        project=slug, trackerId="t", landingUrl=landing,
    )  # fmt: skip
    assert visit["interaction"] == {
        "campaign": {"id": before["campaign"]["id"]},
        "integration": {"id": tool["id"]},
    }
    assert visit["errors"] == []
    assert await ask(group.scope, "{ integrations { totalCount } }") == {"integrations": {"totalCount": 0}}
    # Whoever has its tracking id still reads what it tracked, as the legacy routes do.
    wmkt_id = tool["wmktId"]
    named = (
        f'{{ integrations(filter: {{wmktId: "{wmkt_id}"}}) {{ nodes {{ campaigns {{ totalCount }} }} }} }}'
    )
    assert await ask(group.scope, named) == {"integrations": {"nodes": [{"campaigns": {"totalCount": 1}}]}}
    assert (await call(group.scope, "integrationRestore", "__typename", id=tool["id"]))["errors"] == []
    said = await call(
        group.scope, "customCampaignCreate", "campaign { id }", wmktId=tool["wmktId"], name="B", slug="b"
    )
    assert said["errors"] == []


async def test_a_campaign_made_while_its_store_is_deleted_is_refused_or_keeps_the_store(
    db: Database, call: Call
) -> None:
    group = await groups.group(db)
    for _ in range(8):
        store = await groups.store(db, group.group_id)
        ident = f"store_{store.store_id}"
        deleted, made = await asyncio.gather(
            call(group.scope, "storeDelete", "deletedId", id=ident),
            call(group.scope, "campaignCreate", "campaign { id }", name="C", storeId=ident),
        )
        assert bool(deleted["errors"]) != bool(made["errors"]), (deleted, made)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("storeDelete", "store"), ("projectArchive", "proj"), ("projectRestore", "proj"), ("partnerArchive", "part"),
        ("partnerRestore", "part"), ("partnershipArchive", "pship"), ("partnershipRestore", "pship"),
        ("integrationArchive", "intg"), ("integrationRestore", "intg"),
    ],
)  # fmt: skip
async def test_what_is_not_there_or_anothers_is_not_found(
    db: Database, call: Call, name: str, prefix: str
) -> None:
    group, other = await groups.group(db), await groups.group(db)
    async with db.transaction(other.scope) as tx:
        rows = {"store": other.store_id}
        rows["part"] = await tx.fetchval(
            "INSERT INTO partner (group_id, name) VALUES ($1, 'P') RETURNING id", other.group_id
        )
        rows["pship"] = await tx.fetchval(
            "INSERT INTO partnership (group_id, name, partner_id, store_id) VALUES ($1, 'P', $2, $3) RETURNING id",
            other.group_id, rows["part"], other.store_id,
        )  # fmt: skip
        rows["proj"] = await tx.fetchval(
            "INSERT INTO project (group_id, name, is_internal) VALUES ($1, 'P', false) RETURNING id",
            other.group_id,
        )
        rows["intg"] = await tx.fetchval(
            "INSERT INTO integration (group_id, name, project_id, kind, wmkt_id, currency)"
            " VALUES ($1, 'I', $2, 'custom_ads', 'w', 'EUR') RETURNING id",
            other.group_id, rows["proj"],
        )  # fmt: skip
    for ident in (f"{prefix}_{rows[prefix]}", f"{prefix}_999999999", "nonsense"):
        said = await call(group.scope, name, "__typename", id=ident)
        assert [e["code"] for e in said["errors"]] == ["NOT_FOUND"], ident
