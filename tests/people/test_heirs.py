"""Whoever names a customer who turned out to be another one means that one, however many steps away; and what goes with
an address or a number goes wherever that goes."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.db.database import Database
from app.domain.identities.identifying import Person, find, load_projects
from tests.given import promos, rewards
from tests.given.asking import NOW
from tests.given.custom_ads import Site, site
from tests.people.asking import Asking

FIELDS = ["account", "card", "email", "phone"]
RECORD = """
mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) {
  orders { customer { id } } errors { code path } } }
"""
SHARED = "+33612345959"


async def tell(db: Database, where: Site, *said: dict[str, str]) -> list[int]:
    """What is said of each of these at once, one after the other; their customers."""
    found = []
    for one in said:
        async with db.transaction(where.scope) as tx:
            projects = await load_projects(tx, [where.project_id])
            person = Person(
                where.project_id, one.get("tracker"), {k: v for k, v in one.items() if k != "tracker"}
            )
            [whose] = await find(tx, [person], projects=projects, now=NOW)
            assert whose is not None
            found.append(whose.customer_id)
    return found


async def row(db: Database, where: Any, customer: int | str, columns: str) -> tuple[Any, ...]:
    """These columns of a customer."""
    async with db.transaction(where.scope) as tx:
        found = await tx.fetchrow(
            f"SELECT {columns} FROM customer WHERE id = $1", int(str(customer).removeprefix("cust_"))
        )
        assert found is not None
        return tuple(found)


async def several(db: Database) -> Site:
    """A site where people are known by two ids of the tenant's own, too."""
    where = await site(db)
    async with db.transaction(where.scope) as tx:
        await tx.execute("UPDATE project SET identity_fields = $1 WHERE id = $2", FIELDS, where.project_id)
    return where


async def chain(db: Database, where: Site) -> list[int]:
    """z, a and b, each by an address: b turned out to be a, and a to be z, by keys."""
    made = await tell(
        db, where, {"email": "z@example.org"}, {"account": "1", "email": "a@example.org"},
        {"card": "2", "email": "b@example.org"},
    )  # fmt: skip
    joined = await tell(
        db, where, {"account": "1", "card": "2"}, {"card": "2", "email": "z@example.org"}
    )  # fmt: skip
    assert joined == [made[1], made[0]]
    return made


async def test_who_turned_out_to_be_somebody_who_turned_out_to_be_another_one(
    db: Database, tmp_path: Path
) -> None:
    where = await several(db)
    ask = Asking(db, where.scope, tmp_path)
    z, a, b = await chain(db, where)
    assert [(await row(db, where, one, "merged_into_id"))[0] for one in (z, a, b)] == [None, z, z]
    told = {"reference": "o", "amount": "5", "orderedAt": "2025-06-01T08:00:00Z"}
    done = (await ask(RECORD, orders=[{**told, "customerEmail": "b@example.org"}]))["ordersRecord"]
    assert (done["errors"], done["orders"]) == ([], [{"customer": {"id": f"cust_{z}"}}])
    assert await ask.upsert({"email": "b@example.org", "loyaltyTier": "gold"}) == [f"cust_{z}"]
    assert (await row(db, where, a, "deleted_at IS NOT NULL"))[0]
    erased = await ask(
        "mutation($id: ID!) { customerErase(input: {id: $id}) { erasedId errors { code } } }", id=f"cust_{z}"
    )
    assert erased["customerErase"]["errors"] == []
    assert [await row(db, where, one, "email, erased_at IS NOT NULL") for one in (z, a, b)] == [
        (None, True)
    ] * 3


async def test_undoing_gives_back_those_who_followed(db: Database, tmp_path: Path) -> None:
    where = await several(db)
    ask = Asking(db, where.scope, tmp_path)
    z, a, b = await chain(db, where)
    merges = (await ask("{ customerMerges { nodes { id fromCustomer { id } } } }"))["customerMerges"]["nodes"]
    by = {one["fromCustomer"]["id"]: one["id"] for one in merges}
    assert [one["code"] for one in (await ask.split(mergeId=by[f"cust_{b}"]))["errors"]] == ["MERGED_SINCE"]
    for gone, into in ((a, z), (b, a)):
        done = await ask.split(mergeId=by[f"cust_{gone}"])
        assert [one["id"] for one in done["customers"]] == [f"cust_{into}", f"cust_{gone}"]
    assert [(await row(db, where, one, "merged_into_id, deleted_at")) for one in (z, a, b)] == [
        (None, None)
    ] * 3


async def test_whoever_was_joined_is_never_there_again(db: Database) -> None:
    where = await several(db)
    a = (await chain(db, where))[1]
    with pytest.raises(asyncpg.CheckViolationError):
        async with db.transaction(where.scope) as tx:
            await tx.execute("UPDATE customer SET deleted_at = NULL WHERE id = $1", a)


PROCESS = """
mutation($campaign: ID!, $customer: ID!) { done: rewardProcess(input: {campaignId: $campaign, customerId: $customer,
  reference: "r", trigger: SPEND, transaction: {amount: 1000}}) {
    evaluation { customer { id } } errors { code path } } }
"""
REDEEM = """
mutation($customer: ID!) { done: promoRedeem(input: {key: "k", code: "TEN", customerId: $customer,
  basket: {lines: [{unitPrice: "50"}]}}) { redemption { customer { id } } errors { code path } } }
"""
VALIDATE = """
query($customer: ID!) {
  done: promoValidate(code: "TEN", customerId: $customer, basket: {lines: [{unitPrice: "50"}]}) { valid } }
"""
CONSENT = """
mutation($customer: ID!) { done: contactConsentSet(input: {customerId: $customer, channel: EMAIL, agrees: true}) {
  customer { id } errors { code path } } }
"""
MEMBERS = """
mutation($segment: ID!, $customer: ID!) {
  done: segmentMembers%s(input: {id: $segment, customerIds: [$customer]}) { changed errors { code path } } }
"""


async def test_every_door_follows(db: Database, tmp_path: Path) -> None:
    given = await rewards.given(db)
    ask = Asking(db, given.scope, tmp_path)
    into, gone = (f"cust_{one}" for one in given.customers[:2])
    campaign = await given.campaign()
    await promos.promo(db, given.scope, "TEN", now=NOW)
    segment = await promos.segment(db, given.group_id)
    used = (await ask(REDEEM, customer=gone))["done"]
    assert used == {"redemption": {"customer": {"id": gone}}, "errors": []}
    assert (await ask.merge(gone, into))["errors"] == []
    heir = {"customer": {"id": into}}
    # Also of what was asked with the other one's id before: it is the same question.
    assert (await ask(REDEEM, customer=gone))["done"] == {"redemption": heir, "errors": []}
    assert (await ask(VALIDATE, customer=gone))["done"]["valid"] is True
    for _ in range(2):
        paid = (await ask(PROCESS, campaign=f"camp_{campaign}", customer=gone))["done"]
        assert paid == {"evaluation": heir, "errors": []}
    assert (await ask(CONSENT, customer=gone))["done"] == {**heir, "errors": []}
    for how in ("Add", "Remove"):
        done = (await ask(MEMBERS % how, segment=f"seg_{segment}", customer=gone))["done"]
        assert done == {"changed": 1, "errors": []}
    await given.check()


async def test_that_a_number_was_told_goes_with_it(db: Database, tmp_path: Path) -> None:
    where = await site(db)
    ask = Asking(db, where.scope, tmp_path)
    gone, into = await ask.upsert(
        {"externalId": "X", "email": "x@example.org", "phone": SHARED},
        {"externalId": "Y", "email": "y@example.org"},
    )
    merge = (await ask.merge(gone, into))["merge"]["id"]
    told = "phone_key, is_phone_told"
    assert await row(db, where, into, told) == (SHARED, True)
    assert (await ask.offline(where, {"phone": SHARED}))["customer"]["id"] == into
    key = {"project": where.slug, "kind": "phone", "value": SHARED}
    rest, made = (await ask.split(key=key))["customers"]
    assert [await row(db, where, one["id"], told) for one in (rest, made)] == [(None, False), (SHARED, True)]
    # What is said of the number from now on is not what was told.
    await tell(db, where, {"email": "y@example.org", "phone": "+33612345960"})
    assert await row(db, where, into, told) == ("+33612345960", False)
    await ask.split(mergeId=merge)
    assert await row(db, where, gone, told) == (SHARED, True)


async def test_undoing_takes_the_told_number_back(db: Database, tmp_path: Path) -> None:
    where = await site(db)
    ask = Asking(db, where.scope, tmp_path)
    gone, into = await ask.upsert(
        {"externalId": "X", "phone": SHARED}, {"externalId": "Y", "email": "y@example.org"}
    )
    merge = (await ask.merge(gone, into))["merge"]["id"]
    await ask.split(mergeId=merge)
    told = "phone_key, is_phone_told"
    assert [await row(db, where, one, told) for one in (gone, into)] == [(SHARED, True), (None, False)]


async def test_what_was_said_of_an_address_goes_with_it(db: Database, tmp_path: Path) -> None:
    where = await several(db)
    ask = Asking(db, where.scope, tmp_path)
    await ask(
        'mutation { contactSuppress(input: {channel: EMAIL, address: "e@example.org"}) { errors { code } } }'
    )
    [first] = await tell(db, where, {"account": "1", "email": "e@example.org"})
    [again] = await tell(db, where, {"account": "1", "email": "e@example.org"})
    assert first == again
    await ask.upsert({"email": "e@example.org", "loyaltyTier": "gold"})
    owner = "SELECT customer_id FROM contact_statement WHERE address_key = 'e@example.org'"
    async with db.transaction(where.scope) as tx:
        assert await tx.fetchval(owner) == first
    await tell(db, where, {"account": "2", "email": "e@example.org"})
    [nobody] = await tell(db, where, {"email": "e@example.org"})
    assert (await row(db, where, first, "email")) == (None,)
    async with db.transaction(where.scope) as tx:
        assert await tx.fetchval(owner) == nobody != first


ADVANCE = "UPDATE campaign SET updated_at = now() WHERE group_id = $1"
NAMES = "INSERT INTO reward_participant (group_id, campaign_id, customer_id, rewarded) VALUES ($1, $2, $3, 0)"


@pytest.mark.parametrize("how", ["merge", "undo", "split"])
async def test_by_hand_gives_way_to_who_holds_campaigns(db: Database, tmp_path: Path, how: str) -> None:
    """Who pays holds the campaign, and then meets the customer: whoever joins or splits it waits."""
    given = await rewards.given(db)
    ask = Asking(db, given.scope, tmp_path)
    into, gone = (f"cust_{one}" for one in given.customers[:2])
    campaign, other = await given.campaign(), await given.campaign()
    await given.pay(campaign, given.spend("p1"), given.spend("p2", 1))
    merge = (await ask.merge(gone, into))["merge"]["id"] if how == "undo" else None
    if how == "split":
        async with db.transaction(given.scope) as tx:
            project = await tx.fetchval(
                "INSERT INTO project (group_id, name, is_internal) VALUES ($1, 'S', false) RETURNING id",
                given.group_id,
            )
            identity = await tx.fetchval(
                "INSERT INTO customer_identity (group_id, project_id, kind, value, customer_id)"
                " VALUES ($1, $2, 'tracker', 't', $3) RETURNING id", given.group_id, project, given.customers[0],
            )  # fmt: skip
            await tx.execute(
                "UPDATE event SET identity_id = $1 WHERE customer_id = $2", identity, given.customers[0]
            )
    held, named = asyncio.Event(), asyncio.Event()

    async def pay() -> None:
        async with db.transaction(given.scope) as tx:
            await tx.execute(ADVANCE, given.group_id)
            held.set()
            await named.wait()
            await tx.execute(NAMES, given.group_id, other, given.customers[0])

    async def by_hand() -> Any:
        await held.wait()
        if how == "merge":
            return await ask.merge(gone, into)
        return await ask.split(
            **({"mergeId": merge} if how == "undo" else {"identityId": f"identity_{identity}"})
        )

    async def release() -> None:
        await held.wait()
        await asyncio.sleep(0.3)
        named.set()

    _, done, _ = await asyncio.gather(pay(), by_hand(), release())
    assert done["errors"] == []


async def test_merging_beside_all_who_write(db: Database, tmp_path: Path) -> None:
    given = await rewards.given(db)
    ask = Asking(db, given.scope, tmp_path)
    into, gone = (f"cust_{one}" for one in given.customers[:2])
    campaigns = [await given.campaign() for _ in range(3)]
    await promos.promo(db, given.scope, "TEN", now=NOW)
    faults: list[Any] = []

    async def take(query: str, **variables: Any) -> None:
        faults.extend((await ask(query, **variables))["done"]["errors"])

    async def pay(number: int) -> None:
        for n in range(8):
            query = PROCESS.replace('"r"', f'"r{number}.{n}"')
            await take(query, campaign=f"camp_{campaigns[n % 3]}", customer=(into, gone)[n % 2])

    async def redeem() -> None:
        for n in range(8):
            await take(REDEEM.replace('"k"', f'"k{n}"'), customer=(gone, into)[n % 2])

    async def sell(number: int) -> None:
        for n in range(8):
            order = {
                "reference": f"o{n}", "amount": f"{n + number}", "orderedAt": "2025-06-01T08:00:00Z",
                "customerId": (into, gone)[n % 2],
            }  # fmt: skip
            query = RECORD.replace("ordersRecord", "done: ordersRecord", 1)
            await take(query, orders=[order])

    async def join() -> None:
        for _ in range(4):
            done = await ask.merge(gone, into)
            faults.extend(done["errors"])
            faults.extend((await ask.split(mergeId=done["merge"]["id"]))["errors"])

    await asyncio.gather(pay(1), pay(2), redeem(), sell(1), sell(2), join())
    assert faults == []
    await given.check()
