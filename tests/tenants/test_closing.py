"""Stores, partners, agreements and integrations are closed through the graph, and what they are needed for is safe."""

import asyncio

import pytest

from app.db.database import Database
from app.values.scope import Scope
from tests.given import groups
from tests.tenants.conftest import PROJECT, Call, audited


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
    # The last one may go, too, however it is named, and the next one made is the default again.
    assert await call(group.scope, "storeDelete", "deletedId", id=f"benji:{group.store_id}") == {
        "deletedId": f"store_{group.store_id}",
        "errors": [],
    }
    made = await call(group.scope, "storeCreate", "store { isDefault }", name="Anew")
    assert made["store"] == {"isDefault": True}
    assert [
        one["name"] for one in (await ask(group.scope, "{ stores { nodes { name } } }"))["stores"]["nodes"]
    ] == ["Anew"]


async def test_a_deleted_store_can_be_had_back(db: Database, call: Call, ask: Call) -> None:
    group, other = await groups.group(db), await groups.group(db)
    second = await groups.store(db, group.group_id, name="Second")
    ident, first = f"store_{second.store_id}", f"store_{group.store_id}"
    restored = "store { id isDefault deletedAt }"
    await call(group.scope, "storeDelete", "deletedId", id=ident)
    hidden = await ask(group.scope, "{ stores { nodes { id } } }")
    assert [one["id"] for one in hidden["stores"]["nodes"]] == [first]
    closed = await ask(group.scope, "{ stores(filter: {deleted: true}) { nodes { id } } }")
    assert [one["id"] for one in closed["stores"]["nodes"]] == [ident]
    for scope in (other.scope, Scope(group.group_id, store_id=group.store_id)):
        said = await call(scope, "storeRestore", restored, id=ident)
        told = said if isinstance(said, list) else said["errors"]
        assert [e.get("code") or e["extensions"]["code"] for e in told] in (["NOT_FOUND"], ["FORBIDDEN"])
    for _ in range(2):
        said = await call(group.scope, "storeRestore", restored, id=ident)
        assert said == {"store": {"id": ident, "isDefault": False, "deletedAt": None}, "errors": []}
    made = await call(group.scope, "campaignCreate", "campaign { store { id } }", name="C", storeId=ident)
    assert made["campaign"] == {"store": {"id": ident}}
    assert [one for one, _ in await audited(db, group.group_id, "store.%")] == [
        "store.delete",
        "store.restore",
    ]
    # The only one of a group is its default again.
    await call(other.scope, "storeDelete", "deletedId", id=f"store_{other.store_id}")
    said = await call(other.scope, "storeRestore", restored, id=f"store_{other.store_id}")
    assert said["store"]["isDefault"] is True


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
