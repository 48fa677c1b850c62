"""Interactions: traffic and contacts, each once, with the campaign they came from and whose they are."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.db.database import Database
from app.domain.campaigns.operations import delete_campaign
from app.domain.identities.identifying import Person, identify, load_projects
from app.domain.interactions.landing import NOWHERE, LandingNode, read_landing
from app.domain.interactions.recording import Offline, Visit, record_offline, record_online
from app.errors import Invalid, NotFound
from tests.given import custom_ads, promos
from tests.given.custom_ads import Site

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "node"),
    [
        ("https://shop.example/?wmktid=ab12&cid=metro", LandingNode("ab12", "metro")),
        (
            "https://shop.example/a/b?x=1&WMKTID=ab12&Cid=m%C3%A9tro+ligne#top",
            LandingNode("ab12", "métro ligne"),
        ),
        ("https://shop.example/?wmktid=first&wmktid=second", LandingNode("first", None)),
        ("/landing?wmktId=ab12", LandingNode("ab12", None)),
        ("https://shop.example/?cid=metro", LandingNode(None, "metro")),
        ("https://shop.example/?wmktid=&cid=%20", NOWHERE),
        (f"https://shop.example/?wmktid={'x' * 65}", NOWHERE),
        ("https://shop.example/?wmktid=a%00b", NOWHERE),
        ("https://shop.example/#wmktid=ab12", LandingNode("ab12", None)),
        ("https://[broken/?wmktid=ab12", NOWHERE),
        ("?" + "&".join(f"p{n}=1" for n in range(300)), NOWHERE),
        ("", NOWHERE),
        (None, NOWHERE),
    ],
)
def test_a_landing_address_says_where_somebody_came_from(url: str | None, node: LandingNode) -> None:
    assert read_landing(url) == node


def visit(site: Site, key: str, query: str = "", **more: Any) -> Visit:
    fields = {"tracker_id": "t1", "occurred_at": NOW, "landing_url": f"https://shop.example/?{query}", **more}
    return Visit(project_id=site.project_id, dedup_key=key, **fields)


async def online(db: Database, site: Site, *visits: Visit) -> list[int]:
    async with db.transaction(site.scope) as tx:
        return await record_online(tx, visits, now=NOW)


async def offline(
    db: Database, site: Site, node: dict[str, Any], user: dict[str, Any] | None = None, **more: Any
) -> int:
    async with db.transaction(site.scope) as tx:
        told = Offline(user_data=user or {}, node_data=node, **more)
        return await record_offline(tx, site.project_id, told, now=NOW)


async def rows(db: Database, site: Site, what: str) -> list[tuple[Any, ...]]:
    async with db.transaction(site.scope) as tx:
        return [tuple(row) for row in await tx.fetch(f"SELECT {what} FROM interaction ORDER BY id")]


async def test_a_known_slug_leads_from_its_campaign_an_unknown_one_from_the_implicit(db: Database) -> None:
    site = await custom_ads.site(db)
    metro = await custom_ads.campaign(db, site, "metro")
    where = f"wmktid={site.wmkt_id}"
    await online(
        db, site,
        visit(site, "1", f"{where}&cid=metro"), visit(site, "2", f"{where}&cid=bus"), visit(site, "3", where),
        visit(site, "4", f"{where}&cid={metro:024x}"), visit(site, "5", "cid=metro"), visit(site, "6", "wmktid=other"),
    )  # fmt: skip
    found = await rows(db, site, "dedup_key, integration_id, campaign_id")
    [implicit] = {row[2] for row in found} - {metro, None}
    ours = site.integration_id
    assert found == [
        ("1", ours, metro), ("2", ours, implicit), ("3", ours, implicit), ("4", ours, metro), ("5", None, None),
        ("6", None, None),
    ]  # fmt: skip
    async with db.transaction(site.scope) as tx:
        made = await tx.fetchrow("SELECT * FROM campaign WHERE id = $1", implicit)
    assert made is not None
    told = [
        made[n]
        for n in (
            "name",
            "status",
            "is_explicit",
            "slug",
            "integration_id",
            "project_id",
            "currency",
            "channels",
        )
    ]
    assert told == ["Posters (implicit)", "active", False, None, ours, site.project_id, "EUR", ["custom_ads"]]


async def test_traffic_at_once_makes_exactly_one_implicit_campaign(db: Database) -> None:
    site = await custom_ads.site(db)
    await asyncio.gather(
        *(online(db, site, visit(site, f"{n}", f"wmktid={site.wmkt_id}")) for n in range(12))
    )
    async with db.transaction(site.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign WHERE NOT is_explicit") == 1
    assert len({row[0] for row in await rows(db, site, "campaign_id")}) == 1


async def test_looking_before_making_it_would_make_several(db: Database) -> None:
    """The naive way; the partial unique key is what refuses the second."""
    site = await custom_ads.site(db)
    looked = asyncio.Barrier(2)

    async def naive() -> str:
        try:
            async with db.transaction(site.scope) as tx:
                assert not await tx.fetchval("SELECT 1 FROM campaign WHERE NOT is_explicit")
                await looked.wait()
                await tx.execute(
                    "INSERT INTO campaign (group_id, store_id, name, status, type, objective, currency, is_explicit,"
                    " is_template, total_rewards, integration_id) VALUES ($1, $2, 'x', 'active', 'promotion',"
                    " 'unspecified', 'EUR', false, false, 0, $3)",
                    site.group.group_id, site.group.store_id, site.integration_id,
                )  # fmt: skip
        except asyncpg.UniqueViolationError as refused:
            return str(refused)
        return ""

    assert sorted(("uq_campaign_implicit" in said) for said in await asyncio.gather(naive(), naive())) == [
        False,
        True,
    ]


async def test_a_deleted_implicit_campaign_gets_a_successor(db: Database) -> None:
    site = await custom_ads.site(db)
    await online(db, site, visit(site, "1", f"wmktid={site.wmkt_id}"))
    [(first,)] = await rows(db, site, "campaign_id")
    async with db.transaction(site.scope) as tx:
        await delete_campaign(tx, first, now=NOW)
    await online(db, site, visit(site, "2", f"wmktid={site.wmkt_id}"))
    assert (await rows(db, site, "campaign_id"))[1] != (first,)


async def test_another_projects_integration_is_none(db: Database) -> None:
    site, other = await custom_ads.site(db), await custom_ads.site(db)
    await online(db, site, visit(site, "1", f"wmktid={other.wmkt_id}"))
    assert await rows(db, site, "integration_id, campaign_id, node_data->>'wmktId'") == [
        (None, None, other.wmkt_id)
    ]


async def test_the_same_visit_counts_once(db: Database) -> None:
    site = await custom_ads.site(db)
    first, again, other = await online(db, site, visit(site, "1"), visit(site, "1"), visit(site, "2"))
    assert first == again != other
    assert await online(db, site, visit(site, "2", "changed=1")) == [other]
    found = await asyncio.gather(*(online(db, site, visit(site, "3")) for _ in range(6)))
    assert len({one for [one] in found}) == 1
    assert len(await rows(db, site, "id")) == 3


async def test_a_visit_is_its_trackers_customers_as_soon_as_it_is_known(db: Database) -> None:
    site = await custom_ads.site(db)
    await online(db, site, visit(site, "1"), visit(site, "2", tracker_id=None))
    assert await rows(db, site, "customer_id") == [(None,), (None,)]
    async with db.transaction(site.scope) as tx:
        projects = await load_projects(tx, [site.project_id])
        person = Person(site.project_id, "t1", {"email": "ada@example.com"})
        [ada] = await identify(tx, [person], projects=projects, now=NOW)
    await online(db, site, visit(site, "3"))
    assert await rows(db, site, "customer_id") == [(ada,), (None,), (ada,)]


async def test_an_offline_contact_as_the_document_has_it(db: Database) -> None:
    site = await custom_ads.site(db)
    metro = await custom_ads.campaign(db, site, "metro")
    at = datetime(2023, 8, 1, 22, tzinfo=UTC)
    node = {"wmktId": site.wmkt_id, "cid": "metro", "agent": 7}
    made = await offline(db, site, node, {"email": " Ada@Example.com", "phone": None}, occurred_at=at)
    what = "id, kind, occurred_at, integration_id, campaign_id, tracker_id, user_data::text, node_data::text"
    assert await rows(db, site, what) == [
        (made, "offline", at, site.integration_id, metro, None, '{"email":" Ada@Example.com","phone":null}',
         f'{{"wmktId":"{site.wmkt_id}","cid":"metro","agent":7}}')
    ]  # fmt: skip
    async with db.transaction(site.scope) as tx:
        assert await tx.fetchval(
            "SELECT email FROM customer c JOIN interaction i ON i.customer_id = c.id"
        ) == ("ada@example.com")


async def test_an_offline_contact_is_a_known_customers(db: Database) -> None:
    site = await custom_ads.site(db, kind="custom_sheet")
    [known] = await promos.customers(db, site.group.group_id, 1)
    async with db.transaction(site.scope) as tx:
        await tx.execute("UPDATE customer SET email = 'ada@example.com', email_key = 'ada@example.com'")
    node = {"wmktid": site.wmkt_id}
    await offline(db, site, node, {"email": "ada@example.com"})
    await offline(db, site, node)
    assert await rows(db, site, "customer_id, occurred_at") == [(known, NOW), (None, NOW)]


async def test_the_same_contact_counts_once(db: Database) -> None:
    site = await custom_ads.site(db)
    node, user = {"wmktId": site.wmkt_id}, {"email": "ada@example.com"}
    told: dict[str, Any] = {"node": node, "user": user, "occurred_at": NOW}
    found = {
        await offline(db, site, **told),
        *await asyncio.gather(*(offline(db, site, **told) for _ in range(4))),
    }
    assert len(found) == 1
    assert await offline(db, site, node, {"email": "ADA@example.com"}, occurred_at=NOW) in found
    assert await offline(db, site, node, user, occurred_at=NOW + timedelta(seconds=1)) not in found
    keyed = await offline(db, site, node, user, dedup_key="row 7")
    assert await offline(db, site, {**node, "cid": "x"}, {}, dedup_key="row 7") == keyed


@pytest.mark.parametrize(
    ("node", "user", "code", "path", "said"),
    [
        ({}, {}, "WMKT_ID_MISSING", ["nodeData", "wmktId"], "wmktId must be present in nodeData"),
        (
            {"cid": "metro"},
            {},
            "WMKT_ID_MISSING",
            ["nodeData", "wmktId"],
            "wmktId must be present in nodeData",
        ),
        (
            {"wmktId": None},
            {},
            "WMKT_ID_MISSING",
            ["nodeData", "wmktId"],
            "wmktId must be present in nodeData",
        ),
        ({"wmktId": "nobody"}, {}, "INTEGRATION_UNKNOWN", ["nodeData", "wmktId"], "no integration nobody"),
        ({"wmktId": "OURS"}, {"age": 7}, "NOT_IDENTITY_FIELD", ["userData", "age"], "email, phone"),
        ({"wmktId": "OURS"}, {"email": "ada"}, "INVALID", ["userData", "email"], "e-mail"),
        ({"wmktId": "OURS"}, {"phone": {}}, "INVALID", ["userData", "phone"], "phone"),
    ],
)
async def test_what_an_offline_contact_cannot_say(
    db: Database, node: dict[str, Any], user: dict[str, Any], code: str, path: list[str], said: str
) -> None:
    site = await custom_ads.site(db)
    node = {name: site.wmkt_id if value == "OURS" else value for name, value in node.items()}
    with pytest.raises(Invalid, match=said) as refused:
        await offline(db, site, node, user)
    assert (refused.value.reason, refused.value.path) == (code, path)
    assert await rows(db, site, "id") == []


async def test_an_offline_contact_needs_a_custom_integration_of_this_project(db: Database) -> None:
    site, foreign = await custom_ads.site(db), await custom_ads.site(db)
    _, ads = await custom_ads.integration(db, site.scope, site.project_id, kind="google_ads")
    for wmkt_id, code in ((ads, "NOT_CUSTOM"), (foreign.wmkt_id, "INTEGRATION_UNKNOWN")):
        with pytest.raises(Invalid) as refused:
            await offline(db, site, {"wmktId": wmkt_id})
        assert refused.value.reason == code
    async with db.transaction(site.scope) as tx:
        told = Offline(user_data={}, node_data={"wmktId": site.wmkt_id})
        with pytest.raises(NotFound):
            await record_offline(tx, foreign.project_id, told, now=NOW)
