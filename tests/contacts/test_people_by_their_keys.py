"""Who comes up by a key, or with another address, has what was said of the address."""

from app.domain.identities.bringing_in import PastUser, bring_in_users
from app.domain.identities.identifying import Person, find, load_projects
from tests.given import custom_ads
from tests.given.asking import NOW, Asker
from tests.given.contacts import Audience, ago, unix

OLD, NEW = "old@example.com", "new@example.com"


async def test_users_brought_in_have_what_was_said_of_their_address(asker: Asker) -> None:
    site = await custom_ads.site(asker.db)
    a = Audience(asker.db, asker, site.scope)
    left = {"email": NEW, "event": "spamreport", "sg_event_id": "1", "timestamp": unix(ago(hours=1))}
    await a.told("sendgrid", [left])
    user = PastUser(
        site.project_id, "webmarketer", "5f0c7a1b2c3d4e5f60718293", {"email": NEW}, since=ago(days=300)
    )
    async with a.db.transaction(a.scope) as tx:
        projects = await load_projects(tx, [site.project_id])
        found = await bring_in_users(tx, [user], projects=projects, now=NOW)
        [row] = await tx.fetch("SELECT customer_id FROM contact_statement")
    assert row["customer_id"] == found["webmarketer", "5f0c7a1b2c3d4e5f60718293"]


async def test_whoever_was_known_by_the_next_address_is_who_moved_to_it(asker: Asker) -> None:
    site = await custom_ads.site(asker.db)
    a = Audience(asker.db, asker, site.scope)
    told = [
        Person(site.project_id, None, {"uid": "7", "email": "first@example.com"}),
        Person(site.project_id, None, {"uid": "7", "email": NEW}),
    ]
    async with a.db.transaction(a.scope) as tx:
        await tx.execute("UPDATE project SET identity_fields = '{uid,email}'")
        projects = await load_projects(tx, [site.project_id])
        await find(tx, told, projects=projects, now=NOW)
    ada = await a.customer(now=ago(days=1), email=OLD, email_consent=True)
    await a.told("mailchimp", {
        "type": "upemail", "fired_at": f"{ago(hours=2):%Y-%m-%d %H:%M:%S}", "data[new_email]": NEW,
        "data[old_email]": OLD,
    })  # fmt: skip
    async with a.db.transaction(a.scope) as tx:
        people = await tx.fetch("SELECT id, email, merged_into_id FROM customer ORDER BY id")
    known, moved = people
    assert (known["email"], moved["email"]) == ("first@example.com", NEW)
    assert (f"cust_{moved['id']}", moved["merged_into_id"]) == (ada, known["id"])
    assert (await a.reach(f"cust_{known['id']}"))["reason"] == "OPTED_IN"
    # And what comes in for the next address is theirs.
    left = {"email": NEW, "event": "unsubscribe", "sg_event_id": "1", "timestamp": unix(ago(hours=1))}
    await a.told("sendgrid", [left])
    assert (await a.reach(f"cust_{known['id']}"))["reason"] == "UNSUBSCRIBED"
