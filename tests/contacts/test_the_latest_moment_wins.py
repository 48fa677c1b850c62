"""What was said of writing to somebody comes to the same in any order and at once, and for whoever comes up later."""

import asyncio
import itertools
import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.db.database import Database, Transaction
from app.domain.contacts.saying import hold, owners, record, settle
from app.domain.contacts.statements import Said
from app.tables.contacts import ContactChannel, StatementKind
from app.worker.audience import settle_recent
from tests.given.asking import NOW, Asker
from tests.given.contacts import Audience, ago, audience, unix

ADA = "ada@example.com"
WORDS: list[tuple[str, dict[str, Any]]] = [
    ("unsubscribe", {}), ("group_unsubscribe", {"asm_group_id": 12}), ("group_resubscribe", {"asm_group_id": 12}),
    ("group_unsubscribe", {"asm_group_id": 13}), ("group_resubscribe", {"asm_group_id": 13}), ("spamreport", {}),
    ("bounce", {"type": "bounce"}), ("bounce", {"type": "blocked"}),
]  # fmt: skip
SET = """
mutation ($id: ID!, $agrees: Boolean!, $at: DateTime, $list: String) {
  contactConsentSet(input: {customerId: $id, channel: EMAIL, agrees: $agrees, at: $at, list: $list}) {
    customer { emailConsent } errors { code path }
  }
}
"""
SUPPRESS = """
mutation ($address: String!, $channel: ContactChannel!, $at: DateTime, $reason: String) {
  contactSuppress(input: {address: $address, channel: $channel, at: $at, reason: $reason}) {
    statement { address kind source detail allows customer { id } } errors { code path }
  }
}
"""
UNSUPPRESS = SUPPRESS.replace("contactSuppress", "contactUnsuppress")


def words(rng: random.Random) -> list[tuple[str, Any]]:
    """Steps with moments that are sometimes the same."""
    found: list[tuple[str, Any]] = []
    for n in range(rng.randrange(3, 8)):
        hours = rng.randrange(1, 6)
        if rng.random() < 0.3:
            found.append(("consent", (rng.random() < 0.5, hours)))
        else:
            event, further = rng.choice(WORDS)
            found.append(("event", {
                "email": ADA, "timestamp": unix(ago(hours=hours)), "event": event, "sg_event_id": f"e{n}", **further,
            }))  # fmt: skip
    return found


async def outcome(asker: Asker, steps: list[tuple[str, Any]], *, born: int) -> list[Any]:
    """What it comes to when the customer is made before the step `born`."""
    a = await audience(asker)
    customer = ""
    for n, (kind, step) in enumerate([*steps, ("", None)]):
        if n == born:
            customer = await a.customer(now=ago(hours=9), email=ADA)
        if kind == "consent":
            agrees, hours = step
            at = ago(hours=hours)
            await a.customer(now=NOW, email=ADA, email_consent=agrees, email_consent_at=at)
        elif kind == "event":
            await a.told("sendgrid", [step])
    return [await a.reach(customer, list=of_list) for of_list in (None, "12", "13", "14")]


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_arrival_comes_to_the_same(asker: Asker, seed: int) -> None:
    rng = random.Random(seed)
    steps = words(rng)
    seen = []
    for turn in range(4):
        order = steps if turn == 0 else rng.sample(steps, len(steps))
        first = next((n for n, step in enumerate(order) if step[0] == "consent"), len(order))
        seen.append(await outcome(asker, order, born=rng.randrange(first + 1)))
    assert seen[0] == seen[1] == seen[2] == seen[3]
    # Who knows no lists sees the same as who asks without one.
    assert seen[0][0]["isReachable"] == seen[0][0]["emailConsent"]


async def test_at_the_same_moment_the_more_careful_wins(asker: Asker) -> None:
    for kinds in itertools.permutations(["group_resubscribe", "group_unsubscribe"]):
        a = await audience(asker)
        customer = await a.customer(now=ago(days=1), email=ADA, email_consent=True)
        for kind in kinds:
            await a.told("sendgrid", [{
                "email": ADA, "timestamp": unix(ago(hours=1)), "event": kind, "sg_event_id": kind, "asm_group_id": 1,
            }])  # fmt: skip
        assert (await a.reach(customer))["reason"] == "UNSUBSCRIBED"


async def test_a_moment_ahead_of_its_arrival_is_its_arrival(asker: Asker) -> None:
    a = await audience(asker)
    customer = await a.customer(now=ago(days=1), email=ADA, email_consent=True)
    ahead = [
        {"email": ADA, "timestamp": unix(NOW + timedelta(days=9)), "event": "unsubscribe", "sg_event_id": "1"}
    ]
    await a.told("sendgrid", ahead)
    assert (await a.reach(customer))["since"] == "2025-06-15T12:00:00Z"
    await a.customer(now=NOW + timedelta(seconds=1), email=ADA, email_consent=True)
    assert (await a.reach(customer))["isReachable"] is True


async def test_what_is_said_of_an_address_that_is_nobody_yet_applies_when_somebody_comes_up(
    asker: Asker,
) -> None:
    a = await audience(asker)
    await a.told("sendgrid", [{
        "email": "ADA@Example.com ", "timestamp": unix(ago(days=9)), "event": "spamreport", "sg_event_id": "1",
    }])  # fmt: skip
    await a.told("twilio", {"MessageSid": "SM1", "From": "+33612345678", "To": "+1500", "Body": "STOP"})
    made = await a.write(SUPPRESS, address="Eve@example.com", channel="EMAIL", reason="asked by letter")
    assert made == {
        "statement": {
            "address": "eve@example.com", "kind": "BLOCKED", "source": "graph", "detail": "asked by letter",
            "allows": False, "customer": None,
        },
        "errors": [],
    }  # fmt: skip
    ada = await a.customer(email="Ada@example.com", phone="+33612345678")
    eve = await a.customer(email="eve@EXAMPLE.com", email_consent=True, email_consent_at=ago(days=1))
    assert (await a.reach(ada))["reason"] == "SPAM_COMPLAINT"
    assert (await a.reach(ada, "SMS"))["reason"] == "STOPPED"
    assert (await a.reach(eve))["reason"] == "BLOCKED"
    assert (await a.reach(eve))["emailConsent"] is False
    # Taking it back lets count what she said; what Ada said stands.
    for address in ("eve@example.com", "ada@example.com"):
        await a.write(UNSUPPRESS, address=address, channel="EMAIL")
    assert (await a.reach(eve))["isReachable"] is False  # At the same moment: the more careful.
    await a.write(SUPPRESS, address="eve@example.com", channel="EMAIL", at=ago(minutes=9).isoformat())
    assert (await a.reach(ada))["reason"] == "SPAM_COMPLAINT"


async def test_an_address_that_bounced_can_be_let_in_again(asker: Asker) -> None:
    a = await audience(asker)
    customer = await a.customer(now=ago(days=2), email=ADA, email_consent=True)
    bounce = {"email": ADA, "timestamp": unix(ago(hours=3)), "event": "bounce", "sg_event_id": "1"}
    await a.told("sendgrid", [bounce])
    assert (await a.reach(customer))["reason"] == "HARD_BOUNCE"
    await a.write(UNSUPPRESS, address=ADA, channel="EMAIL", at=ago(hours=2).isoformat())
    assert (await a.reach(customer))["reason"] == "OPTED_IN"
    assert (await a.reach(customer))["emailConsent"] is True
    # It bounces again.
    await a.told("sendgrid", [{**bounce, "timestamp": unix(ago(hours=1)), "sg_event_id": "2"}])
    assert (await a.reach(customer))["reason"] == "HARD_BOUNCE"
    # Another address is another matter, and what the person said goes along.
    await a.customer(external_id="ada-1", email=ADA)
    await a.customer(external_id="ada-1", email="ada@example.org")
    assert (await a.reach(customer))["reason"] == "OPTED_IN"
    await a.told("sendgrid", [{**bounce, "event": "unsubscribe", "email": "ada@example.org", "sg_event_id": "3",
                               "timestamp": unix(ago(minutes=5))}])  # fmt: skip
    await a.customer(external_id="ada-1", email="ada@example.net")
    assert (await a.reach(customer))["reason"] == "UNSUBSCRIBED"


async def test_what_a_former_owner_agreed_to_binds_nobody_else(asker: Asker) -> None:
    a = await audience(asker)
    await a.customer(external_id="1", email=ADA)
    form = {
        "type": "subscribe",
        "fired_at": f"{ago(hours=3):%Y-%m-%d %H:%M:%S}",
        "data[email]": ADA,
        "data[list_id]": "l",
    }
    await a.told("mailchimp", form)
    await a.customer(external_id="1", email="ada@example.org")
    newcomer = await a.customer(external_id="2", email=ADA)
    assert (await a.reach(newcomer))["reason"] == "NEVER_AGREED"


async def test_mailchimps_upemail_takes_consent_along(asker: Asker) -> None:
    moved = {
        "type": "upemail", "fired_at": f"{ago(hours=2):%Y-%m-%d %H:%M:%S}", "data[list_id]": "l",
        "data[new_email]": "Ada@new.example", "data[old_email]": ADA, "data[new_id]": "x",
    }  # fmt: skip
    left = {
        "type": "unsubscribe",
        "fired_at": f"{ago(hours=3):%Y-%m-%d %H:%M:%S}",
        "data[list_id]": "l",
        "data[email]": ADA,
    }
    for order in ([moved, left], [left, moved], [moved, left, moved]):
        for is_known in (True, False):
            a = await audience(asker)
            customer = await a.customer(now=ago(days=1), email=ADA, email_consent=True) if is_known else ""
            for one in order:
                assert (await a.told("mailchimp", one))["errors"] == []
            customer = customer or await a.customer(
                now=ago(days=1), email="ada@new.example", email_consent=True
            )
            data = (
                await a.asker.planned(
                    a.scope, "query ($id: ID!) { customer(id: $id) { email } }", id=customer
                )
            ).data
            assert data is not None
            assert b"ada@new.example" in data.lower()
            assert (await a.reach(customer, list="l"))["reason"] == "UNSUBSCRIBED"
            assert (await a.reach(customer, list="m"))["reason"] == "OPTED_IN"


async def test_upemail_takes_nobodys_address(asker: Asker) -> None:
    a = await audience(asker)
    ada = await a.customer(now=ago(days=1), email=ADA, email_consent=True)
    eve = await a.customer(now=ago(days=1), email="eve@example.com", email_consent=True)
    await a.told(
        "mailchimp",
        {"type": "unsubscribe", "fired_at": f"{ago(hours=3):%Y-%m-%d %H:%M:%S}", "data[email]": ADA},
    )
    await a.told("mailchimp", {
        "type": "upemail", "fired_at": f"{ago(hours=2):%Y-%m-%d %H:%M:%S}", "data[new_email]": "eve@example.com",
        "data[old_email]": ADA,
    })  # fmt: skip
    both = await a.asker.planned(
        a.scope, "{ customers(orderBy: [{field: CREATED_AT, direction: ASC}]) { nodes { id email } } }"
    )
    assert both.data is not None
    assert ADA.encode() in both.data
    assert (await a.reach(ada))["isReachable"] is False
    assert (await a.reach(eve))["isReachable"] is True


async def test_people_of_the_group_note_consent_by_list(asker: Asker) -> None:
    a = await audience(asker)
    customer = await a.customer(now=ago(days=1), email=ADA)
    done = await a.write(SET, id=customer, agrees=True, at=ago(hours=5).isoformat(), list="news")
    assert done == {"customer": {"emailConsent": True}, "errors": []}
    assert (await a.reach(customer, list="news"))["since"] == "2025-06-15T07:00:00Z"
    assert (await a.reach(customer, list="offers"))["reason"] == "NEVER_AGREED"
    # Said earlier, told later.
    await a.write(SET, id=customer, agrees=False, at=ago(hours=6).isoformat(), list="news")
    assert (await a.reach(customer, list="news"))["isReachable"] is True
    for wrong, code in (("cust_999999", "NOT_FOUND"), ("seg_1", "NOT_FOUND")):
        assert (await a.write(SET, id=wrong, agrees=True))["errors"][0]["code"] == code
    for channel, address in (("EMAIL", "nonsense"), ("SMS", "ada@example.com")):
        wrong_one = await a.write(SUPPRESS, address=address, channel=channel)
        assert wrong_one["errors"] == [{"code": "INVALID", "path": ["address"]}]
    made = await a.write(SUPPRESS, address="0033 6 12 34 56 78", channel="SMS")
    assert made["statement"]["address"] == "+33612345678"


async def test_no_address_and_deleted(asker: Asker, db: Database) -> None:
    a = await audience(asker)
    customer = await a.customer(external_id="1", email_consent=True)
    assert (await a.reach(customer))["reason"] == "NO_ADDRESS"
    assert (await a.reach(customer, "SMS"))["reason"] == "NO_ADDRESS"
    await a.customer(external_id="1", email=ADA)
    assert (await a.reach(customer))["isReachable"] is True


# ── at once ───────────────────────────────────────────────────────────────────


def said(kind: StatementKind, at: datetime) -> Said:
    return Said(channel=ContactChannel.EMAIL, kind=kind, source="webhook.sendgrid", at=at, address=ADA)


async def careful(tx: Transaction, one: Said) -> None:
    held = await hold(tx, await owners(tx, [one]))
    await record(tx, [one], now=NOW)
    await settle(tx, held, now=NOW)


async def naive(tx: Transaction, one: Said) -> None:
    """Decides by what it saw before it waited."""
    rows = await tx.fetch("SELECT said_at FROM contact_statement")
    await asyncio.sleep(0.2)
    if all(one.at > row["said_at"] for row in rows):
        await tx.execute("UPDATE customer SET email_consent = $1", one.allows)
    await record(tx, [one], now=NOW)


@pytest.mark.parametrize("way", [careful, naive])
async def test_two_opposite_words_at_once_come_to_the_later_one(asker: Asker, way: Any) -> None:
    later, earlier = (
        said(StatementKind.UNSUBSCRIBED, ago(hours=1)),
        said(StatementKind.SUBSCRIBED, ago(hours=2)),
    )
    came_to = []
    for first, second in ((later, earlier), (earlier, later)):
        a = await audience(asker)
        customer = await a.customer(now=ago(days=1), email=ADA)
        started = asyncio.Event()

        async def one(
            which: Said, *, begins: bool, a: Audience = a, started: asyncio.Event = started
        ) -> None:
            if not begins:
                await started.wait()
            async with a.db.transaction(a.scope) as tx:
                await way(tx, which)
                started.set()
                await asyncio.sleep(0.3 if begins else 0)

        await asyncio.gather(one(first, begins=True), one(second, begins=False))
        came_to.append((await a.reach(customer))["emailConsent"])
    if way is careful:
        assert came_to == [False, False]
    else:
        assert came_to != [False, False]


async def test_a_customer_made_while_something_comes_in_is_settled_by_the_worker(asker: Asker) -> None:
    a = await audience(asker)
    made = asyncio.Event()
    customer = ""

    async def provider() -> None:
        async with a.db.transaction(a.scope) as tx:
            await careful(tx, said(StatementKind.UNSUBSCRIBED, NOW))
            await made.wait()

    async def form() -> None:
        nonlocal customer
        customer = await a.customer(now=ago(minutes=5), email=ADA, email_consent=True)
        made.set()

    await asyncio.gather(provider(), form())
    told = await a.reach(customer)
    # Asked for, it is right at once; who looks at the column alone sees it when the worker has looked again.
    assert (told["isReachable"], told["emailConsent"]) == (False, True)
    visited = await settle_recent(a.db, [a.scope.group_id], now=NOW)
    assert (set(visited.done), visited.errors) == ({a.scope.group_id}, [])
    assert (await a.reach(customer))["emailConsent"] is False


async def test_the_worker_holds_few_at_once(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.worker.audience.PAGE", 2)
    a = await audience(asker)
    people = [
        await a.customer(now=ago(minutes=5), email=f"c{n}@example.com", email_consent=True) for n in range(5)
    ]
    await a.told("sendgrid", [
        {"email": f"c{n}@example.com", "event": "unsubscribe", "sg_event_id": str(n), "timestamp": unix(NOW)}
        for n in range(5)
    ])  # fmt: skip

    async def agreeing() -> list[bool]:
        return [(await a.reach(one))["emailConsent"] for one in people]

    async with a.db.transaction(a.scope) as tx:
        await tx.execute("UPDATE customer SET email_consent = true")
    async with a.db.transaction(a.scope) as tx:
        await hold(tx, [int(people[-1].removeprefix("cust_"))])
        # Who is held by somebody else holds up nobody before them.
        visited = await settle_recent(a.db, [a.scope.group_id], now=NOW)
        assert (visited.done, len(visited.errors)) == (frozenset(), 1)
        assert await agreeing() == [False, False, False, False, True]
    visited = await settle_recent(a.db, [a.scope.group_id], now=NOW)
    assert (set(visited.done), visited.errors) == ({a.scope.group_id}, [])
    assert await agreeing() == [False] * 5
