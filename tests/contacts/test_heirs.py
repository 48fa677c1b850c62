"""What providers tell of the address of somebody who was merged is told of who they are now."""

import json

from tests.given.asking import Asker
from tests.given.contacts import Audience, ago, audience, unix
from tests.people.asking import MERGE

TWO = "two@example.com"


async def merged(asker: Asker) -> tuple[Audience, str]:
    """Two customers with an address each, of whom the second one is the first."""
    a = await audience(asker)
    one = await a.customer(
        now=ago(days=2), email="one@example.com", email_consent=True, email_consent_at=ago(days=2)
    )
    two = await a.customer(now=ago(days=2), email=TWO, phone="+33612345678")
    made = await a.write(MERGE, **{"from": two, "into": one})
    assert made["errors"] == []
    return a, one


async def test_an_unsubscribe_at_the_former_address_is_the_heirs(asker: Asker) -> None:
    a, one = await merged(asker)
    told = {"email": TWO, "timestamp": unix(ago(hours=1))}
    await a.told("sendgrid", [
        {**told, "event": "open", "sg_event_id": "1"}, {**told, "event": "bounce", "sg_event_id": "2"},
    ])  # fmt: skip
    # That an address bounces is about that address.
    assert (await a.reach(one))["reason"] == "OPTED_IN"
    await a.told("sendgrid", [{**told, "event": "unsubscribe", "sg_event_id": "3"}])
    seen = await a.reach(one)
    assert (seen["isReachable"], seen["reason"], seen["emailConsent"]) == (False, "UNSUBSCRIBED", False)
    async with a.db.transaction(a.scope) as tx:
        rows = await tx.fetch("SELECT DISTINCT customer_id FROM event WHERE source = 'webhook.sendgrid'")
    assert [f"cust_{row['customer_id']}" for row in rows] == [one]
    listed = await a.asker.planned(
        a.scope,
        "query ($id: ID!) { customer(id: $id) { contactStatements { nodes { kind address } } } }",
        id=one,
    )
    assert listed.data is not None
    said = json.loads(listed.data)["customer"]["contactStatements"]["nodes"]
    assert {"kind": "UNSUBSCRIBED", "address": TWO} in said


async def test_a_stop_from_a_number_that_both_had_is_the_heirs(asker: Asker) -> None:
    a, one = await merged(asker)
    await a.told("twilio", {"MessageSid": "SM1", "From": "+33612345678", "To": "+1500", "Body": "STOP"})
    assert (await a.reach(one, "SMS"))["reason"] == "STOPPED"


async def test_what_follows_an_address_to_the_former_one_is_the_heirs(asker: Asker) -> None:
    a, one = await merged(asker)
    await a.told("mailchimp", {
        "type": "upemail", "fired_at": f"{ago(hours=2):%Y-%m-%d %H:%M:%S}", "data[new_email]": TWO,
        "data[old_email]": "zero@example.com",
    })  # fmt: skip
    await a.told(
        "sendgrid",
        [
            {
                "email": "zero@example.com",
                "event": "unsubscribe",
                "sg_event_id": "1",
                "timestamp": unix(ago(hours=3)),
            }
        ],
    )
    seen = await a.reach(one)
    assert (seen["reason"], seen["emailConsent"]) == ("UNSUBSCRIBED", False)
