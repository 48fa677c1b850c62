"""Two that are one, and one that are two, by hand: everything goes along, each fact has one owner, undoing is exact."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.domain.customers.entries import CustomerEntry
from app.domain.funnels.touches import Touch, record_touches
from app.domain.identities.identifying import Person, find, load_projects
from app.tables.all import TENANT_TABLES
from app.tables.funnels import FunnelStage
from tests.given import audience, promos, rewards
from tests.given.asking import NOW
from tests.given.custom_ads import Site, site
from tests.given.rewards import Given
from tests.people.asking import Asking

LATER = {"updated_at", "moved_by", "written_by"}
DERIVED = {"funnel_day": {"id", "created_at"}}
NOTES = ("customer_merge", "customer_doubt")


async def digest(db: Database, scope: Any) -> dict[str, list[str]]:
    """Every row about customers, and theirs, as text."""
    found: dict[str, list[str]] = {}
    async with db.transaction(scope) as tx:
        for table in TENANT_TABLES:
            is_about = "customer_id" in table.columns or table.name in ("customer", "external_id", "campaign")
            if is_about and table.name not in NOTES:
                out = "".join(f" - '{name}'" for name in {*LATER, *DERIVED.get(table.name, ())})
                rows = await tx.fetch(
                    f"SELECT (to_jsonb(t){out})::text AS row FROM {table.name} t WHERE group_id = $1 ORDER BY 1",
                    scope.group_id,
                )
                found[table.name] = [row["row"] for row in rows]
    return found


async def owned(db: Database, scope: Any) -> dict[tuple[str, int], int]:
    """How many rows each customer has, by table."""
    found = {}
    async with db.transaction(scope) as tx:
        for table in TENANT_TABLES:
            if "customer_id" in table.columns and table.name not in NOTES:
                for row in await tx.fetch(
                    f"SELECT customer_id, count(*) AS n FROM {table.name} WHERE group_id = $1 GROUP BY 1",
                    scope.group_id,
                ):
                    found[table.name, row["customer_id"]] = row["n"]
    return found


async def full(db: Database) -> Given:
    """Two customers who both have something of everything."""
    given = await rewards.given(db)
    one, other = given.customers[:2]
    campaign = await given.campaign()
    await given.pay(campaign, given.spend("p1"), given.spend("p2", 1), given.spend("p3", 1))
    await given.pay(await given.campaign(given.flow(7)), given.spend("p4", 1))
    await audience.orders(
        db, given.scope, audience.order("o1", "c0", "12.50"), audience.order("o2", "c1", "30"),
        audience.order("o3", "c1", "5"),
    )  # fmt: skip
    await promos.promo(db, given.scope, "TWICE", now=NOW)
    await promos.promo(db, given.scope, "ONCE", now=NOW)
    for key, code, whom in (("k1", "TWICE", one), ("k2", "TWICE", other), ("k3", "ONCE", other)):
        await promos.use(db, given.scope, code, key=key, customer_id=whom, now=NOW)
    await promos.segment(db, given.group_id, members=[one, other])
    await promos.segment(db, given.group_id, members=[other])
    async with db.transaction(given.scope) as tx:
        touches = [
            Touch(customer_id=whom, stage=stage, occurred_at=NOW - timedelta(hours=n), reference=f"{whom}{n}")
            for n, (whom, stage) in enumerate(
                [(one, FunnelStage.PURCHASE), (other, FunnelStage.INTEREST), (other, FunnelStage.AWARENESS)]
            )
        ]
        await record_touches(tx, touches, source="test", now=NOW)
    await audience.customers(
        db, given.scope,
        CustomerEntry(external_id="c0", email="ada@example.org", email_consent=True),
        CustomerEntry(external_id="c1", phone="+33612345959", email_consent=False, tags=["vip"],
                      attributes={"shoe": 42}),
    )  # fmt: skip
    return given


async def test_everything_goes_over_and_sums_stay_exact(db: Database, tmp_path: Path) -> None:
    given = await full(db)
    ask = Asking(db, given.scope, tmp_path)
    into, gone = (f"cust_{one}" for one in given.customers[:2])
    before = await given.balance(0) + await given.balance(1)
    done = await ask.merge(gone, into)
    assert done["errors"] == []
    assert done["customer"] == {
        "id": into, "name": "c0", "email": "ada@example.org", "phone": "+33612345959", "orderCount": 3,
        "totalSpent": "47.5", "emailConsent": False,
    }  # fmt: skip
    assert (done["merge"]["reason"], done["merge"]["actor"]) == ("HAND", "test")
    assert {customer for (_, customer), _ in (await owned(db, given.scope)).items()} <= {
        given.customers[0], given.customers[2], None
    }  # fmt: skip
    await given.check()
    assert (await given.balance(0), await given.balance(1)) == (before, 0)
    async with db.transaction(given.scope) as tx:
        used = "SELECT p.code, u.used FROM promo_usage u JOIN promo p ON p.id = u.promo_id ORDER BY 1"
        assert [tuple(row) for row in await tx.fetch(used)] == [("ONCE", 1), ("TWICE", 2)]
        assert [row["path"] for row in await tx.fetch("SELECT path FROM funnel_day")] == ["abf"]
    asked = await ask(
        "query($into: ID!, $gone: ID!) { gone: customer(id: $gone) { id } into: customer(id: $into) { merges {"
        " nodes { fromCustomer { id } into { id } undoneAt } } doubts { nodes { reason } } }"
        " customerMerges(filter: {fromIds: [$gone]}) { nodes { into { id } } } }",
        into=into, gone=gone,
    )  # fmt: skip
    assert asked["gone"] is None
    assert asked["into"]["merges"]["nodes"] == [
        {"fromCustomer": {"id": gone}, "into": {"id": into}, "undoneAt": None}
    ]
    assert [one["reason"] for one in asked["into"]["doubts"]["nodes"]] == ["TWO_STRONG_KEYS"]
    assert asked["customerMerges"]["nodes"] == [{"into": {"id": into}}]


async def test_a_split_undoes_a_merge_to_the_row(db: Database, tmp_path: Path) -> None:
    given = await full(db)
    ask = Asking(db, given.scope, tmp_path)
    into, gone = (f"cust_{one}" for one in given.customers[:2])
    before, rows = await digest(db, given.scope), await owned(db, given.scope)
    merge = (await ask.merge(gone, into))["merge"]["id"]
    assert await digest(db, given.scope) != before
    doubts = "{ doubtfulMerges { nodes { reason } } }"
    assert (await ask(doubts))["doubtfulMerges"]["nodes"] == [{"reason": "TWO_STRONG_KEYS"}]
    done = await ask.split(mergeId=merge)
    assert done["errors"] == []
    assert (await ask(doubts))["doubtfulMerges"]["nodes"] == []
    assert [one["id"] for one in done["customers"]] == [into, gone]
    assert await owned(db, given.scope) == rows
    assert await digest(db, given.scope) == before
    await given.check()
    assert [one["code"] for one in (await ask.split(mergeId=merge))["errors"]] == ["UNDONE_ALREADY"]


async def test_what_came_since_stays_with_who_goes_on(db: Database, tmp_path: Path) -> None:
    given = await full(db)
    ask = Asking(db, given.scope, tmp_path)
    into, gone = (f"cust_{one}" for one in given.customers[:2])
    merge = (await ask.merge(gone, into))["merge"]["id"]
    # Whoever names the one that is gone means the other.
    await audience.orders(db, given.scope, audience.order("o4", "c1", "100"))
    assert await ask.upsert({"externalId": "c1", "loyaltyTier": "silver"}) == [into]
    shown = "query($id: ID!) { customer(id: $id) { externalId orderCount totalSpent loyaltyTier } }"
    assert (await ask(shown, id=into))["customer"] == {
        "externalId": "c0", "orderCount": 4, "totalSpent": "147.5", "loyaltyTier": "silver"
    }  # fmt: skip
    await ask.split(mergeId=merge)
    assert (await ask(shown, id=into))["customer"]["totalSpent"] == "112.5"
    assert (await ask(shown, id=gone))["customer"] == {
        "externalId": "c1", "orderCount": 2, "totalSpent": "35", "loyaltyTier": "gold"
    }  # fmt: skip
    await given.check()


async def test_what_was_used_since_cannot_be_given_back(db: Database, tmp_path: Path) -> None:
    given = await full(db)
    ask = Asking(db, given.scope, tmp_path)
    into, gone = (f"cust_{one}" for one in given.customers[:2])
    merge = (await ask.merge(gone, into))["merge"]["id"]
    async with db.transaction(given.scope) as tx:
        await tx.execute("UPDATE reward_balance SET balance = 1 WHERE group_id = $1", given.group_id)
    before = await digest(db, given.scope)
    assert [one["code"] for one in (await ask.split(mergeId=merge))["errors"]] == ["USED_SINCE"]
    assert await digest(db, given.scope) == before


@pytest.mark.parametrize("how", ["itself", "missing", "nothing"])
async def test_what_cannot_be_merged(db: Database, tmp_path: Path, how: str) -> None:
    given = await rewards.given(db)
    ask = Asking(db, given.scope, tmp_path)
    one = f"cust_{given.customers[0]}"
    if how == "nothing":
        assert (await ask.split())["errors"][0]["code"] == "INVALID"
        return
    done = await ask.merge(one if how == "itself" else "cust_999999", one)
    assert done["errors"][0]["code"] == ("INVALID" if how == "itself" else "NOT_FOUND")
    assert done["errors"][0]["path"] == ["fromId"]


async def say(db: Database, where: Site, *said: Any) -> list[int]:
    """Events of these people in one batch: tracker, and what identifies; their customers."""
    people = [Person(where.project_id, tracker, values) for tracker, values in said]
    async with db.transaction(where.scope) as tx:
        projects = await load_projects(tx, [where.project_id])
        found = await find(tx, people, projects=projects, now=NOW)
        await tx.execute(
            "INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, customer_id,"
            " identity_id, project_id) SELECT $1, uuidv7(), 's', gen_random_uuid(), 'e', $2, $2, given.*, $5"
            " FROM unnest($3::bigint[], $4::bigint[]) AS given",
            where.group.group_id, NOW, [one.customer_id for one in found if one],
            [one.identity_id for one in found if one], where.project_id,
        )  # fmt: skip
        return [one.customer_id for one in found if one]


async def test_a_merge_by_a_key_is_undone_and_stays_so(db: Database, tmp_path: Path) -> None:
    where = await site(db)
    ask = Asking(db, where.scope, tmp_path)
    [visitor] = await say(db, where, ("t", {}))
    before = await digest(db, where.scope)
    [ada] = await say(db, where, (None, {"email": "ada@example.org"}))
    await say(db, where, ("t", {"email": "ada@example.org"}))
    merges = (await ask("{ customerMerges { nodes { id reason into { id } } } }"))["customerMerges"]["nodes"]
    assert [(one["reason"], one["into"]["id"]) for one in merges] == [("KEY", f"cust_{ada}")]
    done = await ask.split(mergeId=merges[0]["id"])
    assert [one["id"] for one in done["customers"]] == [f"cust_{ada}", f"cust_{visitor}"]
    now = await digest(db, where.scope)
    assert [row for row in now["event"] if f'"customer_id": {visitor}' in row] == before["event"]
    assert await say(db, where, ("t", {"email": "ada@example.org"}), ("t", {})) == [ada, visitor]


async def test_a_key_goes_to_somebody_of_its_own_with_what_came_with_it(db: Database, tmp_path: Path) -> None:
    where = await site(db)
    ask = Asking(db, where.scope, tmp_path)
    said = [
        ("t1", {"email": "ada@example.org"}), (None, {"phone": "+33612345959", "email": "ada@example.org"}),
        ("t2", {"phone": "+33612345959"}), ("t2", {}), ("t1", {}),
    ]  # fmt: skip
    assert len(set(await say(db, where, *said))) == 1
    key = {"project": where.slug, "kind": "phone", "value": "06 12 34 59 59"}
    done = await ask.split(key=key)
    assert done["errors"] == []
    ada, other = done["customers"]
    assert (ada["email"], ada["phone"], other["email"], other["phone"]) == (
        "ada@example.org", None, None, "+33612345959"
    )  # fmt: skip
    counts = "query($ids: [ID!]!) { customers(filter: {ids: $ids}) { nodes { id events { totalCount } } } }"
    nodes = (await ask(counts, ids=[ada["id"], other["id"]]))["customers"]["nodes"]
    assert {one["id"]: one["events"]["totalCount"] for one in nodes} == {ada["id"]: 3, other["id"]: 2}
    again = await say(db, where, (None, {"phone": "+33612345959", "email": "ada@example.org"}), ("t2", {}))
    assert [f"cust_{one}" for one in again] == [ada["id"], other["id"]]
    alone = await ask.split(key=key)
    assert alone["errors"][0]["code"] == "KNOWN_BY_NOTHING_ELSE"


async def test_a_rewarded_event_takes_its_reward_along(db: Database, tmp_path: Path) -> None:
    where = await site(db)
    ask = Asking(db, where.scope, tmp_path)
    [ada] = await say(db, where, ("t1", {"email": "ada@example.org"}))
    given = Given(db, where.group.group_id, where.group.store_id, 0, [ada])
    async with db.transaction(where.scope) as tx:
        partner = await tx.fetchval(
            "INSERT INTO partner (group_id, name) VALUES ($1, 'P') RETURNING id", given.group_id
        )
    given = Given(db, given.group_id, given.store_id, partner, [ada])
    campaign = await given.campaign()
    await given.pay(campaign, given.spend("p1"), given.spend("p2"))
    async with db.transaction(where.scope) as tx:
        tracker = await tx.fetchval("SELECT id FROM customer_identity WHERE kind = 'tracker'")
        await tx.execute(
            "UPDATE event SET identity_id = $1 WHERE id = (SELECT event_id FROM reward_evaluation"
            " WHERE reference = 'p2')", tracker,
        )  # fmt: skip
    done = await ask.split(identityId=f"identity_{tracker}")
    assert done["errors"] == []
    other = int(done["customers"][1]["id"].removeprefix("cust_"))
    await given.check()
    both = Given(db, given.group_id, given.store_id, partner, [ada, other])
    assert (await both.balance(0), await both.balance(1)) == (100, 100)


async def test_two_merges_at_once_count_once(db: Database, tmp_path: Path) -> None:
    given = await full(db)
    ask = Asking(db, given.scope, tmp_path)
    one, other = (f"cust_{ident}" for ident in given.customers[:2])
    done = await asyncio.gather(ask.merge(one, other), ask.merge(other, one), ask.merge(one, other))
    assert sorted(bool(each["errors"]) for each in done) == [False, True, True]
    await given.check()
    async with db.transaction(given.scope) as tx:
        assert await tx.fetchval("SELECT sum(total_spent) FROM customer WHERE deleted_at IS NULL") == Decimal(
            "47.5"
        )
