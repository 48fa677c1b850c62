"""Shared tablets, household telephones, addresses and numbers in every form: through GraphQL, REST and the pipeline."""

from typing import Any

import pytest

from app.db.database import Database
from app.domain.identities.identifying import Person, find, load_projects
from tests.given import custom_ads
from tests.given.asking import NOW
from tests.given.custom_ads import Site
from tests.people.asking import Asking, asking

EVA, TOM = "eva@example.org", "tom@example.org"
HOUSE = "+33612345959"


@pytest.fixture
async def ask(db: Database, tmp_path: Any) -> Asking:
    return await asking(db, tmp_path)


async def tell(db: Database, site: Site, *said: dict[str, str]) -> list[int]:
    """Persons in one batch; each becomes an event, whose ids are returned."""
    people = [
        Person(site.project_id, one.get("tracker"), {k: v for k, v in one.items() if k != "tracker"})
        for one in said
    ]
    async with db.transaction(site.scope) as tx:
        projects = await load_projects(tx, [site.project_id])
        return [one.customer_id for one in await find(tx, people, projects=projects, now=NOW) if one]


CUSTOMERS = "query($emails: [String!]!) { customers(filter: {emails: $emails}) { nodes { id email } } }"
TABLET = [{"tracker": "t", "email": EVA}, {"tracker": "t", "email": TOM}, {"tracker": "own", "email": TOM}]
HOUSEHOLD = [{"phone": HOUSE, "email": EVA}, {"phone": HOUSE, "email": TOM}, {"email": TOM}]


@pytest.mark.parametrize("said", [TABLET, HOUSEHOLD], ids=["tablet", "telephone"])
@pytest.mark.parametrize("batches", [1, 3])
@pytest.mark.parametrize("file", [None, "before", "after"])
async def test_two_people_who_share_something_are_two(
    db: Database, tmp_path: Any, said: list[dict[str, str]], batches: int, file: str | None
) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    row = {"email": EVA, "phone": HOUSE, "externalId": "e1"}
    if file == "before":
        await ask.upsert(row)
    if batches == 1:
        await tell(db, site, *said)
    else:
        for one in said:
            await tell(db, site, one)
    if file == "after":
        await ask.upsert(row)
    found = [(await ask(CUSTOMERS, emails=[one]))["customers"]["nodes"] for one in (EVA, TOM)]
    assert [[node["email"] for node in nodes] for nodes in found] == [[EVA], [TOM]]
    assert found[0][0]["id"] != found[1][0]["id"]
    shared = {name: value for name, value in said[0].items() if name != "email"}
    [nobody] = await tell(db, site, shared)
    assert f"cust_{nobody}" not in (found[0][0]["id"], found[1][0]["id"])
    doubts = await ask("{ doubtfulMerges { totalCount nodes { reason message kind value } } }")
    reason = "SHARED_TRACKER" if "tracker" in shared else "SHARED_PHONE"
    assert reason in [node["reason"] for node in doubts["doubtfulMerges"]["nodes"]]


FORMS = [
    "+33 6 12 34 59 59", "06 12 34 59 59", "0033 6 12 34 59 59", "+33 (0)6 12 34 59 59", "+33-6-12-34-59-59",
    "06.12.34.59.59",
]  # fmt: skip


@pytest.mark.parametrize("typed", FORMS)
async def test_a_number_is_the_same_in_every_form(db: Database, tmp_path: Any, typed: str) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    [ada] = await ask.upsert({"externalId": "ada", "phone": f" {typed} "})
    shown = await ask("query($id: ID!) { customer(id: $id) { phone } }", id=ada)
    assert shown["customer"]["phone"] == typed
    for other in FORMS:
        made = await ask.offline(site, {"phone": other})
        assert made["customer"]["id"] == ada
    assert (await ask("{ customers { totalCount } }"))["customers"]["totalCount"] == 1


async def test_the_country_is_the_stores_else_the_groups_else_the_zones(db: Database, tmp_path: Any) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    key = "SELECT phone_key FROM customer WHERE external_id = 'ada'"
    entry = {"externalId": "ada", "phone": "0664 123456", "storeId": f"store_{site.group.store_id}"}
    for change, read in [
        (None, "+33664123456"),
        ("groupUpdate(input: {country: \"DE\"}) { group { country } errors { code } }", "+49664123456"),
        (f"storeUpdate(input: {{id: \"store_{site.group.store_id}\", country: \"AT\"}})"
         " { store { country } errors { code } }", "+43664123456"),
    ]:  # fmt: skip
        if change:
            done = await ask(f"mutation {{ done: {change} }}")
            assert done["done"]["errors"] == []
        await ask.upsert(entry)
        async with db.transaction(site.scope) as tx:
            assert await tx.fetchval(key) == read
    refused = await ask('mutation { groupUpdate(input: {country: "XX"}) { errors { code path } } }')
    assert refused["groupUpdate"]["errors"] == [{"code": "INVALID", "path": ["country"]}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("İz@example.org", "i̇z@EXAMPLE.org"),
        ("ΝΙΚΟΣ@example.org", "νικος@example.org"),
        ("straẞe@x.org", "STRAẞE@x.org"),
    ],
)
async def test_an_address_is_folded_in_one_place(db: Database, tmp_path: Any, one: str, other: str) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    [first] = await ask.upsert({"email": one})
    assert await ask.upsert({"email": other}) == [first]
    assert (await ask.offline(site, {"email": one}))["customer"]["id"] == first
    found = await ask(CUSTOMERS, emails=[other])
    assert [node["id"] for node in found["customers"]["nodes"]] == [first]


async def test_contacts_without_a_person_at_one_moment_are_two(db: Database, tmp_path: Any) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    at = "2025-06-01T08:00:00Z"
    first, second = [await ask.offline(site, None, occurredAt=at) for _ in range(2)]
    assert first["id"] != second["id"]
    assert (await ask.offline(site, None, occurredAt=at, nonce="n")) == (
        await ask.offline(site, None, occurredAt=at, nonce="n")
    )
    told = {"email": EVA}
    assert (await ask.offline(site, told, occurredAt=at)) == (await ask.offline(site, told, occurredAt=at))


async def test_a_number_of_somebody_without_an_address_is_shared_too(db: Database, tmp_path: Any) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    two = await ask.upsert(
        {"externalId": "B1", "email": EVA, "phone": HOUSE}, {"externalId": "B2", "phone": HOUSE}
    )
    nobody = (await ask.offline(site, {"phone": HOUSE}))["customer"]["id"]
    assert nobody not in two
    assert (await ask.offline(site, {"phone": HOUSE}))["customer"]["id"] == nobody
    doubts = (await ask("{ doubtfulMerges { nodes { reason customer { id } other { id } } } }"))[
        "doubtfulMerges"
    ]["nodes"]
    assert {one["reason"] for one in doubts} == {"SHARED_PHONE"}
    assert {one["customer"]["id"] for one in doubts} == {nobody}
    assert {one["other"]["id"] for one in doubts} == set(two)


async def test_what_a_number_said_does_not_go_to_who_is_told_it_later(db: Database, tmp_path: Any) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    eva = (await ask.offline(site, {"email": EVA, "phone": HOUSE}))["customer"]["id"]
    said = (await ask.offline(site, {"phone": HOUSE}))["customer"]["id"]
    assert said == eva
    [other] = await ask.upsert({"externalId": "E2", "phone": HOUSE})
    nobody = (await ask.offline(site, {"phone": HOUSE}))["customer"]["id"]
    assert nobody not in (eva, other)
    counts = (
        "query($ids: [ID!]!) { customers(filter: {ids: $ids}) { nodes { id interactions { totalCount } } } }"
    )
    nodes = (await ask(counts, ids=[eva, other, nobody]))["customers"]["nodes"]
    assert {one["id"]: one["interactions"]["totalCount"] for one in nodes} == {eva: 1, other: 0, nobody: 1}


async def test_a_told_number_of_somebody_who_turned_out_to_be_another_one(
    db: Database, tmp_path: Any
) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    gone, into = await ask.upsert(
        {"externalId": "X", "phone": HOUSE}, {"externalId": "Y", "email": EVA, "phone": "+33612345960"}
    )
    assert (await ask.merge(gone, into))["errors"] == []
    assert (await ask.offline(site, {"phone": HOUSE}))["customer"]["id"] == into
