"""What a provider's event says about writing to somebody, of whichever list and whenever it comes in."""

from typing import Any

import pytest

from tests.given.asking import NOW, Asker
from tests.given.contacts import Audience, ago, audience, unix

ADA = "ada@example.com"


async def ada(asker: Asker) -> tuple[Audience, str]:
    """A customer who agreed to everything three days ago."""
    a = await audience(asker)
    customer = await a.customer(
        now=ago(days=3), email="Ada@Example.com", phone="+33612345678", email_consent=True, sms_consent=True
    )
    return a, customer


def sendgrid(event: str, *, hours: float = 1, **further: Any) -> list[dict[str, Any]]:
    at = unix(ago(hours=hours))
    return [{
        "email": ADA, "timestamp": at, "event": event, "sg_event_id": f"{event}{at}", "sg_message_id": "m", **further,
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (sendgrid("unsubscribe"), "UNSUBSCRIBED"),
        (sendgrid("spamreport"), "SPAM_COMPLAINT"),
        (sendgrid("bounce", type="bounce", reason="550 5.1.1 unknown"), "HARD_BOUNCE"),
        (sendgrid("bounce"), "HARD_BOUNCE"),
        (sendgrid("dropped", reason="Bounced Address"), "HARD_BOUNCE"),
        (sendgrid("dropped", reason="Unsubscribed Address"), "UNSUBSCRIBED"),
        (sendgrid("dropped", reason="Spam Reporting Address"), "SPAM_COMPLAINT"),
        (sendgrid("dropped", reason="Invalid"), "INVALID_ADDRESS"),
        ([{"event_type": "email.unsubscribed", "email": ADA, "timestamp": ago(hours=1).isoformat()}], "UNSUBSCRIBED"),
        ([{"event_type": "bounced", "email": ADA, "timestamp": ago(hours=1).isoformat()}], "HARD_BOUNCE"),
    ],
)  # fmt: skip
async def test_after_these_nobody_writes_any_more(asker: Asker, event: Any, reason: str) -> None:
    a, customer = await ada(asker)
    assert (await a.reach(customer))["reason"] == "OPTED_IN"
    assert (await a.told("sendgrid", event))["errors"] == []
    assert await a.reach(customer) == {
        "isReachable": False, "reason": reason, "since": "2025-06-15T11:00:00Z", "source": "webhook.sendgrid",
        "list": None, "emailConsent": False, "smsConsent": True,
    }  # fmt: skip
    # A form that says otherwise later is not undone by what was told of an earlier moment, however late it comes.
    await a.customer(now=NOW, email=ADA, email_consent=True)
    await a.told("sendgrid", sendgrid("spamreport", hours=0.5))
    told = await a.reach(customer)
    assert (told["isReachable"], told["reason"], told["emailConsent"]) == (True, "OPTED_IN", True)


@pytest.mark.parametrize(
    "event",
    [
        sendgrid("bounce", type="blocked", reason="421 try later"),
        sendgrid("dropped", reason="Recipient List over Package Quota"),
        sendgrid("deferred"), sendgrid("processed"), sendgrid("open"), sendgrid("delivered"),
        [{"event_type": "bounced", "type": "soft", "email": ADA, "timestamp": ago(hours=1).isoformat()}],
    ],
)  # fmt: skip
async def test_these_say_nothing_about_it(asker: Asker, event: Any) -> None:
    a, customer = await ada(asker)
    await a.told("sendgrid", event)
    assert (await a.reach(customer))["isReachable"] is True


async def test_whoever_leaves_a_group_and_comes_back_is_written_to_again(asker: Asker) -> None:
    a, customer = await ada(asker)
    await a.told("sendgrid", sendgrid("group_unsubscribe", hours=2, asm_group_id=12))
    left = await a.reach(customer, list="12")
    assert (left["isReachable"], left["reason"], left["list"]) == (False, "UNSUBSCRIBED", "12")
    # Another list, of which nothing was said, goes by what they agreed to; whoever knows no lists is careful.
    assert (await a.reach(customer, list="13"))["isReachable"] is True
    assert (await a.reach(customer))["isReachable"] is False
    assert left["emailConsent"] is False
    await a.told("sendgrid", sendgrid("group_resubscribe", hours=1, asm_group_id=12))
    for of_list in ("12", "13", None):
        assert (await a.reach(customer, list=of_list))["isReachable"] is True, of_list
    assert (await a.reach(customer))["emailConsent"] is True


async def test_mailchimps_audiences(asker: Asker) -> None:
    a, customer = await ada(asker)

    async def says(kind: str, hours: float, **data: str) -> None:
        fields = {"email": ADA, "list_id": "a6b5", **data}
        await a.told(
            "mailchimp",
            {"type": kind, "fired_at": f"{ago(hours=hours):%Y-%m-%d %H:%M:%S}"}
            | {f"data[{name}]": value for name, value in fields.items()},
        )

    await says("unsubscribe", 9, action="unsub", reason="manual")
    assert (await a.reach(customer, list="a6b5"))["reason"] == "UNSUBSCRIBED"
    assert (await a.reach(customer, list="other"))["reason"] == "OPTED_IN"
    await says("subscribe", 8)
    assert (await a.reach(customer, list="a6b5"))["reason"] == "SUBSCRIBED"
    await says("cleaned", 7, reason="hard", campaign_id="x")
    assert (await a.reach(customer, list="other"))["reason"] == "CLEANED"
    await says("subscribe", 6)
    await says("unsubscribe", 5, action="unsub", reason="abuse")
    told = await a.reach(customer, list="other")
    assert (told["reason"], told["list"]) == ("SPAM_COMPLAINT", None)
    await says("profile", 4)
    assert (await a.reach(customer))["reason"] == "SPAM_COMPLAINT"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Body": "STOP"}, "STOPPED"),
        ({"Body": " stop. "}, "STOPPED"),
        ({"Body": "Arrêt"}, "STOPPED"),
        ({"Body": "Unsubscribe"}, "STOPPED"),
        ({"Body": "bitte nicht mehr", "OptOutType": "STOP"}, "STOPPED"),
        ({"Body": "STOP", "OptOutType": "HELP"}, "OPTED_IN"),
        ({"Body": "please stop by tomorrow"}, "OPTED_IN"),
        ({"Body": "START"}, "STARTED"),
        ({"Body": "yes"}, "STARTED"),
        ({"Body": ""}, "OPTED_IN"),
    ],
)
async def test_a_text_that_comes_in(asker: Asker, fields: dict[str, str], reason: str) -> None:
    a, customer = await ada(asker)
    message = {
        "MessageSid": "SM1", "SmsSid": "SM1", "AccountSid": "AC1", "From": "+33612345678", "To": "+15005550006",
        "SmsStatus": "received", "NumMedia": "0", "ApiVersion": "2010-04-01", **fields,
    }  # fmt: skip
    # What the documented set holds is still what counts as applied.
    told = await a.told("twilio", message)
    assert (told["received"], told["applied"], told["ignored"]) == (1, 0, 1)
    found = await a.reach(customer, "SMS")
    assert (found["reason"], found["smsConsent"]) == (reason, reason != "STOPPED")
    assert found["emailConsent"] is True


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("21610", "STOPPED"), ("21211", "INVALID_ADDRESS"), ("21614", "INVALID_ADDRESS"), ("30003", "OPTED_IN"),
        ("30004", "OPTED_IN"), ("30005", "INVALID_ADDRESS"), ("30006", "INVALID_ADDRESS"), ("30008", "OPTED_IN"),
        ("", "OPTED_IN"),
    ],
)  # fmt: skip
async def test_an_error_of_a_text_that_was_sent(asker: Asker, code: str, reason: str) -> None:
    a, customer = await ada(asker)
    status = {
        "MessageSid": "SM1", "MessageStatus": "undelivered", "To": "+33612345678", "From": "+15005550006",
        "ErrorCode": code,
    }  # fmt: skip
    await a.told("twilio", status)
    assert (await a.reach(customer, "SMS"))["reason"] == reason


async def test_whatsapp_is_a_channel_of_its_own(asker: Asker) -> None:
    a, customer = await ada(asker)
    assert (await a.reach(customer, "WHATSAPP"))["reason"] == "NEVER_AGREED"
    for n, (body, reason) in enumerate((("START", "STARTED"), ("STOP", "STOPPED"))):
        message = {
            "MessageSid": f"SM{n}",
            "From": "whatsapp:+33612345678",
            "To": "whatsapp:+1500",
            "Body": body,
        }
        await a.told("twilio", message, now=ago(minutes=5 - n))
        assert (await a.reach(customer, "WHATSAPP"))["reason"] == reason
    assert (await a.reach(customer, "SMS"))["isReachable"] is True


async def test_hubspot_tells_of_properties(asker: Asker) -> None:
    a, customer = await ada(asker)
    for n, (name, value, reason) in enumerate(
        [
            ("hs_email_optout", "true", "UNSUBSCRIBED"), ("hs_email_optout", "false", "RESUBSCRIBED"),
            ("hs_email_optout_77", True, "UNSUBSCRIBED"), ("hs_email_bad_address", "true", "INVALID_ADDRESS"),
            ("firstname", "true", "INVALID_ADDRESS"),
        ]
    ):  # fmt: skip
        event = {
            "eventId": n, "subscriptionType": "contact.propertyChange", "propertyName": name, "propertyValue": value,
            "objectId": 5, "email": ADA, "occurredAt": unix(ago(minutes=50 - n)) * 1000,
        }  # fmt: skip
        await a.told("hubspot", [event])
        assert (await a.reach(customer))["reason"] == reason
    assert (await a.reach(customer, list="77"))["reason"] == "INVALID_ADDRESS"
