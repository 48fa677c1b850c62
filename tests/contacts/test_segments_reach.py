"""Segments ask whom one can write to, and say how many they reach; under a store's scope only its own are seen."""

import json
from dataclasses import replace
from typing import Any

from app.tables.contacts import ContactChannel
from app.worker.audience import Audience as Counting
from tests.given import groups
from tests.given.asking import NOW, Asker
from tests.given.contacts import Audience, ago, audience, unix

MAKE = """
mutation ($name: String!, $type: SegmentType!, $criteria: JSON) {
  segmentCreate(input: {name: $name, type: $type, criteria: $criteria}) { segment { id } errors { code message } }
}
"""
ADD = """
mutation ($id: ID!, $ids: [ID!]!) { segmentMembersAdd(input: {id: $id, customerIds: $ids}) { changed errors { code } } }
"""
REMOVE = ADD.replace("segmentMembersAdd", "segmentMembersRemove")
SIZES = "{ segments(orderBy: [{field: NAME, direction: ASC}]) { nodes { name size reach { email sms } } } }"


async def sizes(a: Audience) -> dict[str, tuple[int, int | None, int | None]]:
    planned, resolved = await a.asker.both(a.scope, SIZES)
    assert planned.execution == "planned"
    assert planned.data == resolved.data
    assert planned.data is not None
    found = {}
    for node in json.loads(planned.data)["segments"]["nodes"]:
        reach = node["reach"] or {"email": None, "sms": None}
        found[node["name"]] = (node["size"], reach["email"], reach["sms"])
    return found


async def test_reach_follows_what_is_said(asker: Asker) -> None:
    a = await audience(asker)
    people = [
        await a.customer(
            now=ago(days=1), external_id=str(n), email=None if n == 3 else f"c{n}@example.com",
            phone=f"+3361234567{n}" if n % 2 else None, email_consent=True, sms_consent=True,
        )
        for n in range(4)
    ]  # fmt: skip
    criteria: dict[str, Any] = {
        "b mail": {"reachable": "email"}, "c both": {"reachable": {"contains": ["email", "sms"]}},
        "d either": {"reachable": {"in": ["email", "sms"]}}, "e neither": {"reachable": {"exists": False}},
    }  # fmt: skip
    made = await a.write(MAKE, name="a list", type="STATIC", criteria=None)
    for name, asked in criteria.items():
        assert (await a.write(MAKE, name=name, type="DYNAMIC", criteria=asked))["errors"] == []
    wrong = await a.write(MAKE, name="x", type="DYNAMIC", criteria={"reachable": "pigeon"})
    assert "email or sms" in wrong["errors"][0]["message"]
    await a.write(ADD, id=made["segment"]["id"], ids=people)
    assert await sizes(a) == {
        "a list": (4, 3, 2), "b mail": (3, 3, 1), "c both": (1, 1, 1), "d either": (4, 3, 2), "e neither": (0, 0, 0),
    }  # fmt: skip
    # One leaves, and one says STOP: the worker counts again.
    await a.told(
        "sendgrid",
        [
            {
                "email": "c1@example.com",
                "timestamp": unix(ago(hours=1)),
                "event": "spamreport",
                "sg_event_id": "1",
            }
        ],
    )
    await a.told("twilio", {"MessageSid": "SM1", "From": "+33612345671", "To": "+1500", "Body": "STOP"})
    await Counting().run(a.db, NOW)
    assert await sizes(a) == {
        "a list": (4, 2, 1), "b mail": (2, 2, 0), "c both": (0, 0, 0), "d either": (3, 2, 1), "e neither": (1, 0, 0),
    }  # fmt: skip
    await a.write(REMOVE, id=made["segment"]["id"], ids=people[:2])
    assert (await sizes(a))["a list"] == (2, 1, 1)


async def test_a_stores_credential_sees_what_is_said_of_its_own_customers(asker: Asker) -> None:
    group = await groups.group(asker.db)
    a = Audience(asker.db, asker, group.scope)
    store = group.store_id
    mine = await a.customer(now=ago(days=1), email="mine@example.com", store_id=store, email_consent=True)
    other = await a.customer(now=ago(days=1), email="other@example.com", email_consent=True)
    # A number that two have is nobody's own, and stops both.
    for email in ("mine@example.com", "other@example.com"):
        await a.customer(now=ago(hours=9), email=email, phone="+33612345678", sms_consent=True)
    await a.told("twilio", {"MessageSid": "SM1", "From": "+33612345678", "To": "+1500", "Body": "STOP"})
    within = replace(a, scope=replace(group.scope, store_id=store))
    told = await within.reach(mine, ContactChannel.SMS.name)
    assert (told["isReachable"], told["reason"], told["smsConsent"]) == (False, "STOPPED", False)
    assert (await a.reach(other, "SMS"))["reason"] == "STOPPED"
    asked = "{ contactStatements { nodes { customer { id } } } }"
    planned, resolved = await asker.both(within.scope, asked)
    assert planned.data == resolved.data
    assert planned.data is not None
    seen = {node["customer"]["id"] for node in json.loads(planned.data)["contactStatements"]["nodes"]}
    assert seen == {mine}
