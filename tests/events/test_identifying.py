"""Who is who: by what identifies, by trackers, and anonymous people who turn out to be somebody."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from app.db.database import Database
from app.domain.funnels.touches import Touch, record_touches
from app.domain.identities.identifying import Person, identify, load_projects
from app.domain.identities.moving import COUNTED, MOVED
from app.tables.all import TENANT_TABLES
from app.tables.funnels import FunnelStage
from tests.given import custom_ads, promos
from tests.given.custom_ads import Site

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
MAIL = {"email": "ada@example.com"}


async def who(db: Database, site: Site, *people: Person) -> list[int | None]:
    async with db.transaction(site.scope) as tx:
        projects = await load_projects(tx, {person.project_id for person in people})
        return await identify(tx, people, projects=projects, now=NOW)


def person(site: Site, tracker: str | None = None, **identities: str) -> Person:
    return Person(site.project_id, tracker, identities)


def stranger(site: Site, tracker: str | None = None, **identities: str) -> Person:
    return Person(site.project_id, tracker, identities, is_vouched=False)


async def rows(db: Database, site: Site, query: str, *values: object) -> list[tuple[Any, ...]]:
    async with db.transaction(site.scope) as tx:
        return [tuple(row) for row in await tx.fetch(query, *values)]


async def test_a_tracker_is_the_same_person_again(db: Database) -> None:
    site = await custom_ads.site(db)
    first, again, other = await who(db, site, person(site, "t1"), person(site, "t1"), person(site, "t2"))
    assert first == again != other
    assert await who(db, site, person(site, "t1"), person(site)) == [first, None]
    assert await rows(db, site, "SELECT name, email FROM customer") == [("", None)] * 2


async def test_what_is_new_is_attached_to_who_is_known(db: Database) -> None:
    site = await custom_ads.site(db)
    [ada] = await who(db, site, person(site, "t1", email="ada@example.com", name="Ada"))
    assert await rows(db, site, "SELECT id, name, email, phone FROM customer") == [
        (ada, "Ada", "ada@example.com", None)
    ]
    assert await who(
        db, site,
        person(site, "t2", email="ada@example.com", phone="+33612345678"), person(site, "t2"),
        person(site, phone="+33612345678"), person(site, "t3", phone="+33612345678", name="Nobody"),
    ) == [ada] * 4  # fmt: skip
    assert await rows(db, site, "SELECT name, phone FROM customer") == [("Ada", "+33612345678")]
    assert len(await rows(db, site, "SELECT 1 FROM customer_identity")) == 5


async def test_the_projects_first_field_decides(db: Database) -> None:
    site = await custom_ads.site(db)
    ada, bob = await who(db, site, person(site, email="ada@example.com"), person(site, account="7"))
    assert await who(db, site, person(site, account="7", email="ada@example.com")) == [ada]
    async with db.transaction(site.scope) as tx:
        await tx.execute("UPDATE project SET identity_fields = '{account,phone}'")
    [third] = await who(db, site, person(site, email="ada@example.com", account="7"))
    assert third not in (ada, bob)  # an e-mail is nothing to go by in this project any more
    assert await who(db, site, person(site, account="7", phone="+4912345")) == [third]
    assert await who(db, site, person(site, phone="+4912345")) == [third]


async def test_customers_of_the_group_are_known_by_their_own_columns(db: Database) -> None:
    site = await custom_ads.site(db)
    [known] = await promos.customers(db, site.group.group_id, 1)
    async with db.transaction(site.scope) as tx:
        await tx.execute(
            "UPDATE customer SET email = 'ADA@example.com', email_key = 'ada@example.com', phone = '+33612345678',"
            " phone_key = '+33612345678', is_phone_told = true"
        )
    assert await who(db, site, person(site, "t1", **MAIL), person(site, phone="+33612345678")) == [known] * 2
    assert await rows(db, site, "SELECT name FROM customer") == [("customer 1",)]


async def test_two_projects_share_people_by_mail_but_no_trackers(db: Database) -> None:
    site = await custom_ads.site(db)
    async with db.transaction(site.scope) as tx:
        other = await tx.fetchval(
            "INSERT INTO project (group_id, name, is_internal) VALUES ($1, 'Other', false) RETURNING id",
            site.group.group_id,
        )
    found = await who(
        db,
        site,
        person(site, "t1", **MAIL),
        Person(other, "t1"),
        Person(other, "t2", MAIL),
        person(site, "t1"),
    )
    assert found[0] == found[2] == found[3] != found[1]


async def test_somebody_anonymous_turns_out_to_be_known(db: Database) -> None:
    site = await custom_ads.site(db)
    [ada] = await who(db, site, person(site, "t0", **MAIL))
    [anonymous] = await who(db, site, person(site, "t1"))
    async with db.transaction(site.scope) as tx:
        touches = [
            Touch(
                customer_id=anonymous or 0,
                stage=stage,
                occurred_at=NOW - timedelta(hours=2 - n),
                reference=f"{n}",
            )
            for n, stage in enumerate([FunnelStage.AWARENESS, FunnelStage.INTEREST])
        ]
        own = Touch(customer_id=ada or 0, stage=FunnelStage.PURCHASE, occurred_at=NOW, reference="own")
        await record_touches(tx, [*touches, own], source="test", now=NOW)
        for table, columns, values in [
            (
                "event",
                "id, source, dedup_key, event_type, received_at, occurred_at",
                "gen_random_uuid(), 's', 'k', 'e', now(), now()",
            ),
            (
                "interaction",
                "project_id, kind, occurred_at, dedup_key",
                f"{site.project_id}, 'online', now(), 'd'",
            ),
        ]:
            await tx.execute(f"INSERT INTO {table} (group_id, customer_id, {columns}) VALUES ($1, $2, {values})",
                             site.group.group_id, anonymous)  # fmt: skip
        await tx.execute(
            "INSERT INTO event_metric (group_id, event_id, project_id, customer_id, occurred_at, kind, storage_key,"
            " value, metric_date)"
            " SELECT group_id, id, $1, customer_id, now(), 'state', 'converted', 1, now() FROM event",
            site.project_id,
        )  # fmt: skip
    assert await who(db, site, person(site, "t1", **MAIL)) == [ada]
    for table in ("event", "event_metric", "interaction", "customer_identity", "funnel_touch", "funnel_day"):
        assert set(await rows(db, site, f"SELECT customer_id FROM {table}")) == {(ada,)}, table
    assert await rows(db, site, "SELECT path FROM funnel_day") == [("abf",)]
    assert await rows(db, site, "SELECT id FROM customer WHERE deleted_at IS NOT NULL") == [(anonymous,)]
    assert await who(db, site, person(site, "t1")) == [ada]


async def test_somebody_identified_is_not_merged(db: Database) -> None:
    site = await custom_ads.site(db)
    ada, bob = await who(db, site, person(site, "t1", **MAIL), person(site, "t2", email="bob@example.com"))
    assert await who(db, site, person(site, "t2", **MAIL)) == [ada]  # Bob's machine, Ada's address
    [machine] = await who(db, site, person(site, "t2"))
    assert machine not in (ada, bob)
    assert await rows(db, site, "SELECT 1 FROM customer WHERE deleted_at IS NOT NULL") == []


async def test_somebody_anonymous_with_rewards_or_orders_is_not_merged(db: Database) -> None:
    site = await custom_ads.site(db)
    ada, anonymous = await who(db, site, person(site, **MAIL), person(site, "t1"))
    segment = await promos.segment(db, site.group.group_id, members=[anonymous or 0])
    assert await who(db, site, person(site, "t1", **MAIL)) == [ada]
    assert await rows(db, site, "SELECT customer_id FROM segment_member WHERE segment_id = $1", segment) == [
        (anonymous,)
    ]
    assert await who(db, site, person(site, "t1")) == [anonymous]


def test_every_table_about_customers_is_thought_of() -> None:
    about = {
        table.name
        for table in TENANT_TABLES
        for key in (table.columns["customer_id"].foreign_keys if "customer_id" in table.columns else ())
        if key.column.table.name == "customer"
    }
    # What is shared of sales is shared again for both.
    assert about == {*MOVED, *COUNTED, "funnel_touch", "funnel_day", "attributed_share", "customer_doubt"}


async def test_an_anonymous_person_who_says_who_they_are_stays_the_same(db: Database) -> None:
    site = await custom_ads.site(db)
    [anonymous] = await who(db, site, person(site, "t1"))
    assert await who(db, site, person(site, "t1", name="Ada", **MAIL)) == [anonymous]
    assert await rows(db, site, "SELECT name, email FROM customer") == [("Ada", "ada@example.com")]


async def test_within_one_call_each_knows_what_came_before(db: Database) -> None:
    site = await custom_ads.site(db)
    found = await who(
        db, site, person(site, "t1"), person(site, **MAIL), person(site, "t1", **MAIL), person(site, "t1")
    )
    assert len(set(found)) == 1  # the first one was anonymous, and never came to be
    assert len(await rows(db, site, "SELECT 1 FROM customer")) == 1


async def test_interactions_of_the_tracker_get_their_customer(db: Database) -> None:
    site = await custom_ads.site(db)
    async with db.transaction(site.scope) as tx:
        for tracker in ("t1", "t2"):
            await tx.execute(
                "INSERT INTO interaction (group_id, project_id, kind, tracker_id, occurred_at, dedup_key)"
                " VALUES ($1, $2, 'online', $3, now(), $3)", site.group.group_id, site.project_id, tracker,
            )  # fmt: skip
    [ada] = await who(db, site, person(site, "t1", **MAIL))
    found = await rows(db, site, "SELECT tracker_id, customer_id FROM interaction ORDER BY tracker_id")
    assert found == [("t1", ada), ("t2", None)]


async def test_however_many_at_once_nobody_is_there_twice(db: Database) -> None:
    site = await custom_ads.site(db)

    trackers = [None, *(f"t{n}" for n in range(8))]
    said: list[dict[str, str]] = [{}, {}, *({"phone": f"+1000{n}"} for n in range(5))]
    said += [{"email": f"p{n}@example.com"} for n in range(5)]

    async def one(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(6):
            people = [person(site, chance.choice(trackers), **chance.choice(said)) for _ in range(5)]
            await who(db, site, *people)

    await asyncio.gather(*(one(seed) for seed in range(8)))
    assert (
        await rows(db, site, "SELECT kind, value FROM customer_identity GROUP BY 1, 2 HAVING count(*) > 1")
        == []
    )
    known = "SELECT value FROM customer_identity WHERE kind = 'email' ORDER BY value"
    assert await rows(db, site, known) == [(f"p{n}@example.com",) for n in range(5)]
    stray = (
        "SELECT c.id FROM customer c WHERE NOT EXISTS (SELECT 1 FROM customer_identity i WHERE i.customer_id = c.id)"
        " AND c.deleted_at IS NULL"
    )
    assert await rows(db, site, stray) == []
    assert await rows(db, site, "SELECT 1 FROM customer_identity i JOIN customer c ON c.id = i.customer_id"
                                " WHERE c.deleted_at IS NOT NULL") == []  # fmt: skip


EVIL = "evil@example.org"
PHONE = "+33611112222"


async def test_what_strangers_claim_together_is_not_one_customer_for_those_who_vouch(db: Database) -> None:
    site = await custom_ads.site(db)
    [evil] = await who(db, site, stranger(site, "t1", email=EVIL, phone=PHONE))
    assert await rows(db, site, "SELECT name, email, phone FROM customer") == [("", None, None)]
    [honest] = await who(db, site, person(site, phone=PHONE))
    [tracked] = await who(db, site, person(site, "t1"))
    assert len({evil, honest, tracked}) == 3
    assert await who(db, site, stranger(site, phone=PHONE), person(site, phone=PHONE)) == [honest] * 2
    assert await rows(db, site, "SELECT id, email, phone FROM customer ORDER BY id") == [
        (evil, None, None), (honest, None, PHONE), (tracked, None, None)
    ]  # fmt: skip
    held = "SELECT kind, customer_id, is_vouched FROM customer_identity ORDER BY kind"
    assert await rows(db, site, held) == [
        ("email", evil, False), ("phone", honest, True), ("tracker", tracked, True)
    ]  # fmt: skip


async def test_strangers_claims_and_vouched_facts_in_one_batch(db: Database) -> None:
    site = await custom_ads.site(db)
    evil, honest, tracked = await who(
        db, site, stranger(site, "t1", email=EVIL, phone=PHONE), person(site, phone=PHONE), person(site, "t1")
    )
    assert len({evil, honest, tracked}) == 3
    # All that was said of the first is taken from it, after it was somebody's answer.
    first, mail = await who(db, site, stranger(site, email=EVIL), person(site, "t2", email=EVIL))
    assert (first, mail) == (evil, evil)


async def test_a_stranger_who_knows_an_address_changes_nothing_of_its_customer(db: Database) -> None:
    site = await custom_ads.site(db)
    [ada] = await who(db, site, person(site, **MAIL))
    assert await who(db, site, stranger(site, "t9", phone=PHONE, account="7", name="Eve", **MAIL)) == [ada]
    assert await rows(db, site, "SELECT name, email, phone FROM customer") == [("", "ada@example.com", None)]
    assert await rows(db, site, "SELECT kind, is_vouched FROM customer_identity ORDER BY kind") == [
        ("email", True), ("tracker", False)
    ]  # fmt: skip
    # For journeys the tracker is hers; an order that brings nothing else is not.
    assert await who(db, site, stranger(site, "t9")) == [ada]
    phone, tracker = await who(db, site, person(site, phone=PHONE), person(site, "t9"))
    assert len({ada, phone, tracker}) == 3


async def test_a_stranger_does_not_bring_back_who_is_deleted(db: Database) -> None:
    site = await custom_ads.site(db)
    [ada] = await who(db, site, person(site, **MAIL))
    gone = "SELECT deleted_at IS NOT NULL FROM customer"
    async with db.transaction(site.scope) as tx:
        await tx.execute("UPDATE customer SET deleted_at = now()")
    await who(db, site, stranger(site, **MAIL))
    assert await rows(db, site, gone) == [(True,)]
    assert await who(db, site, person(site, **MAIL)) == [ada]
    assert await rows(db, site, gone) == [(False,)]


async def test_a_strangers_journey_goes_over_to_who_they_turn_out_to_be(db: Database) -> None:
    site = await custom_ads.site(db)
    # A form that was sent from the browser, then the order from the shop's server.
    [lead] = await who(db, site, stranger(site, "t1", **MAIL))
    assert await who(db, site, person(site, name="Ada", **MAIL)) == [lead]
    assert await rows(db, site, "SELECT name, email FROM customer") == [("Ada", "ada@example.com")]
    [visitor] = await who(db, site, stranger(site, "t2"))
    assert await who(db, site, person(site, "t2", **MAIL), stranger(site, "t2")) == [lead] * 2
    assert await rows(db, site, "SELECT id FROM customer WHERE deleted_at IS NOT NULL") == [(visitor,)]
