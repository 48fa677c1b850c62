"""An element of a delivery that cannot be taken refuses no other; it is kept, listed, and can be taken again."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.domain.groups.retention import keep_retention
from app.graph.running.entry import Operation, answer
from tests.given.asking import NOW, Asker
from tests.given.webhooks import documented, post
from tests.webhooks.test_taking_deliveries_in import FORM, OPENED, World, told, world

LISTED = """
query ($filter: WebhookRefusalFilter) {
  webhookRefusals(filter: $filter, orderBy: [{field: RECEIVED_AT, direction: ASC}]) {
    totalCount
    nodes { id provider endpoint { id } reason message body size isWhole times receivedAt lastReceivedAt takenAt }
  }
}
"""
TAKE = """
mutation ($ids: [ID!]!) {
  webhookRefusalsTake(input: {ids: $ids}) {
    taken refused takenBefore applied ignored repeated errors { code path }
  }
}
"""
GOOD = {
    "event": "open", "sg_event_id": "good", "email": "customer@example.com", "campaign_id": "camp_001",
    "timestamp": 1749900000,
}  # fmt: skip


async def refusals(asker: Asker, w: World, **filter: Any) -> list[dict[str, Any]]:
    planned, resolved = await asker.both(w.scope, LISTED, filter=filter)
    assert planned.execution == "planned"
    assert planned.data == resolved.data
    assert planned.data is not None
    found = json.loads(planned.data)["webhookRefusals"]
    assert found["totalCount"] == len(found["nodes"])
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


async def take(asker: Asker, w: World, ids: list[str]) -> dict[str, Any]:
    context = asker.context(w.scope, roles=frozenset({Role.TENANT_ADMIN}))
    made = await answer(Operation(TAKE, {"ids": ids}), context)
    assert not made.errors, made.errors
    assert made.data is not None
    done: dict[str, Any] = json.loads(made.data)["webhookRefusalsTake"]
    return done


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("null", "NOT_AN_OBJECT"),
        ('"text"', "NOT_AN_OBJECT"),
        ("7", "NOT_AN_OBJECT"),
        ("[]", "NOT_AN_OBJECT"),
        ("true", "NOT_AN_OBJECT"),
        ('{"event":"open","sg_event_id":"b","x":"a\\u0000b"}', "UNREADABLE"),
        ('{"event":"open","sg_event_id":"b","a\\u0000b":1}', "UNREADABLE"),
        ('{"event":"open","sg_event_id":"b","x":"\\ud800"}', "UNREADABLE"),
        ('{"event":"open","sg_event_id":"b","x":"\\udc00\\ud800"}', "UNREADABLE"),
        ('{"event":"open","sg_event_id":"b","x":9223372036854775808}', "UNREADABLE"),
        ('{"event":"open","sg_event_id":"b","x":1e999}', "UNREADABLE"),
        ('{"event":"open","sg_event_id":"b","x":' + "[" * 70 + "]" * 70 + "}", "UNREADABLE"),
        ('{"event":"open","sg_event_id":"b","x":"' + "y" * 70_000 + '"}', "TOO_LARGE"),
        ('{"event_type":7}', "INVALID"),
        ('{"event_type":""}', "INVALID"),
        ('{"event_type":"opened","timestamp":"soon"}', "INVALID"),
        ('{"event":"unsubscribe","sg_event_id":"u"}', "INVALID"),
        ('{"event":"unsubscribe","sg_event_id":"u","email":"w5 (at) mail.example"}', "INVALID"),
        ('{"event":"spamreport","sg_event_id":"u","email":null}', "INVALID"),
        ('{"event_type":"email.unsubscribed"}', "INVALID"),
        ('{"event_type":"sms.unsubscribed","phone":"Acme"}', "INVALID"),
    ],
)
async def test_the_good_ones_count_and_the_other_is_kept(
    asker: Asker, db: Database, bad: str, reason: str
) -> None:
    w = await world(db)
    emoji = {**GOOD, "sg_event_id": "emoji \U0001f600"}
    body = f"[{json.dumps(GOOD)}, {bad} ,{json.dumps(emoji)}]".encode()
    for _ in range(2):
        await post(asker, documented(w.mine, body))
    assert (await w.rows("SELECT count(*) FROM event WHERE outcome = 'applied'")) == [(2,)]
    (one,) = await refusals(asker, w)
    assert (one["provider"], one["endpoint"]["id"], one["reason"]) == (
        "SENDGRID",
        f"hook_{w.mine.id}",
        reason,
    )
    assert (one["body"], one["size"], one["isWhole"], one["times"]) == (bad, len(bad.encode()), True, 2)
    assert one["message"]


@pytest.mark.parametrize("argument", ["welcome_mail", "email.opened", "", " ", 7, None, [], {}, True])
async def test_an_argument_called_event_type_beside_sendgrids_keys_is_an_argument(
    asker: Asker, db: Database, argument: Any
) -> None:
    w = await world(db)
    events = [
        {**GOOD, "event_type": argument},
        {**GOOD, "event_type": argument, "sg_event_id": "2", "event": "click"},
        {
            "sg_message_id": "m",
            "event": "unsubscribe",
            "event_type": argument,
            "email": "customer@example.com",
        },
    ]
    assert await post(asker, documented(w.mine, events)) == told(3, 3)
    assert await w.rows("SELECT kind FROM event ORDER BY kind") == [
        ("clicked",),
        ("opened",),
        ("unsubscribed",),
    ]
    assert await w.consents() == (False, True)


@pytest.mark.parametrize(
    ("provider", "own"),
    [
        ("twilio", {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+33612345678"}),
        (
            "mailchimp",
            {"type": "unsubscribe", "fired_at": "2025-06-14 10:00:00", "data[email]": "a@example.com"},
        ),
        ("hubspot", {"subscriptionType": "contact.creation", "eventId": 1, "objectId": 5}),
    ],
)
async def test_so_it_is_beside_the_others_keys(asker: Asker, db: Database, provider: str, own: Any) -> None:
    w = await world(db, provider)
    assert await post(asker, documented(w.mine, [{**own, "event_type": "x"}])) == told(1, 1)


async def test_what_was_refused_is_taken_once_when_it_can_be(
    asker: Asker, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = await world(db)
    large = {**GOOD, "sg_event_id": "large", "x": "y" * 70_000, "timestamp": None}
    await post(asker, documented(w.mine, [large, 7]), now=NOW)
    ids = [one["id"] for one in await refusals(asker, w)]
    assert await take(asker, w, ids) == {
        "taken": 0, "refused": 2, "takenBefore": 0, "applied": 0, "ignored": 0, "repeated": 0, "errors": [],
    }  # fmt: skip
    # The limit is another one now.
    monkeypatch.setattr("app.domain.webhooks.elements.DEFAULT_EVENT_BYTES", 100_000)
    done = await asyncio.gather(*(take(asker, w, ids) for _ in range(4)))
    assert sorted(one["taken"] for one in done) == [0, 0, 0, 1]
    assert sorted(one["applied"] for one in done) == [0, 0, 0, 1]
    assert sorted(one["takenBefore"] for one in done) == [0, 1, 1, 1]
    assert await w.rows("SELECT occurred_at FROM event") == [(NOW,)]
    taken = await refusals(asker, w, taken=True)
    assert [one["reason"] for one in taken] == ["TOO_LARGE"]
    assert [one["reason"] for one in await refusals(asker, w, taken=False)] == ["NOT_AN_OBJECT"]
    assert await refusals(asker, w, endpointId=f"hook_{w.mine.id + 1}") == []
    # It comes again by itself: it was here before.
    assert await post(asker, documented(w.mine, [large])) == told(1, 0)
    wrong = await take(asker, w, ["refusal_1", ids[0], "hook_1"])
    assert wrong["errors"][0]["path"][0] == "ids"


async def test_a_body_that_cannot_be_read_is_kept_as_well(asker: Asker, db: Database) -> None:
    w = await world(db)
    form = documented(w.mine, b"a=%ff")
    bodies = [
        documented(w.mine, b"not json"),
        documented(w.mine, b"[{]"),
        replace(form, headers={**form.headers, "content-type": FORM}),
    ]
    for sent in bodies:
        assert (await post(asker, sent))["errors"][0]["code"] == "MALFORMED_BODY"
    found = await refusals(asker, w)
    assert sorted((one["body"], one["reason"]) for one in found) == [
        ("[{]", "MALFORMED_BODY"), ("a=%ff", "MALFORMED_BODY"), ("not json", "UNREADABLE"),
    ]  # fmt: skip
    foreign = await world(db)
    assert await refusals(asker, foreign) == []


async def test_refusals_go_as_the_trash_does(asker: Asker, db: Database) -> None:
    w = await world(db)
    await post(asker, documented(w.mine, [7]))
    async with db.transaction(w.scope) as tx:
        await tx.execute("UPDATE customer_group SET keep_trash_days = 3 WHERE id = $1", w.scope.group_id)
    assert await keep_retention(db, w.scope.group_id, now=NOW + timedelta(days=2)) == {}
    assert await keep_retention(db, w.scope.group_id, now=NOW + timedelta(days=4)) == {"refusals": 1}
    assert await refusals(asker, w) == []


async def test_a_body_of_one_event_that_is_refused_says_so(asker: Asker, db: Database) -> None:
    w = await world(db)
    done = await post(asker, documented(w.mine, {"event_type": ""}))
    assert done["errors"][0]["path"] == ["body", "event_type"]
    assert [one["reason"] for one in await refusals(asker, w)] == ["INVALID"]
    assert await post(asker, documented(w.mine, OPENED)) == told(1, 1)
