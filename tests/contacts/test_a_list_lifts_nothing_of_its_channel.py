"""What is said of one list lifts nothing that was said of the whole channel or the address; a block stands."""

import json
from typing import Any

import pytest

from app.worker.audience import Audience as Counting
from tests.contacts.test_segments_reach import MAKE, sizes
from tests.contacts.test_the_latest_moment_wins import ADA, SET, SUPPRESS, UNSUPPRESS
from tests.given.asking import NOW, Asker
from tests.given.contacts import Audience, ago, audience, unix

PREVIEW = """
query ($criteria: JSON!) { segmentPreview(criteria: $criteria) { size } }
"""


def sendgrid(event: str, *, hours: float, **further: Any) -> list[dict[str, Any]]:
    ident = f"{event}-{hours}"
    return [
        {"email": ADA, "event": event, "timestamp": unix(ago(hours=hours)), "sg_event_id": ident, **further}
    ]


async def ada(asker: Asker) -> tuple[Audience, str]:
    a = await audience(asker)
    return a, await a.customer(now=ago(days=1), email=ADA, email_consent=True)


async def reached(a: Audience) -> int:
    found = await a.asker.planned(a.scope, PREVIEW, criteria={"reachable": "email"})
    assert found.data is not None
    size: int = json.loads(found.data)["segmentPreview"]["size"]
    return size


async def everybody_says_no(a: Audience, customer: str, reason: str) -> None:
    for of_list in (None, "12", "13"):
        told = await a.reach(customer, list=of_list)
        assert (told["isReachable"], told["reason"], told["emailConsent"]) == (False, reason, False), of_list
    assert await reached(a) == 0
    made = await a.write(MAKE, name="mail", type="DYNAMIC", criteria={"email_consent": True})
    assert made["errors"] == []
    await Counting().run(a.db, NOW)
    assert (await sizes(a))["mail"] == (0, 0, 0)


@pytest.mark.parametrize(
    ("event", "reason"),
    [("spamreport", "SPAM_COMPLAINT"), ("unsubscribe", "UNSUBSCRIBED"), ("bounce", "HARD_BOUNCE")],
)
async def test_coming_back_to_a_list_lifts_nothing_of_the_channel(
    asker: Asker, event: str, reason: str
) -> None:
    channels, lists = (
        sendgrid(event, hours=4),
        [
            *sendgrid("group_unsubscribe", hours=5, asm_group_id=12),
            *sendgrid("group_resubscribe", hours=2, asm_group_id=12),
        ],
    )
    for order in ([channels, lists], [lists, channels]):
        a, customer = await ada(asker)
        for body in order:
            await a.told("sendgrid", body)
        await everybody_says_no(a, customer, reason)
        # Nor does what people of the group note of the list; their word about the channel does.
        await a.write(SET, id=customer, agrees=True, at=ago(hours=1).isoformat(), list="12")
        assert (await a.reach(customer))["reason"] == reason
        await a.write(SET, id=customer, agrees=True, at=ago(minutes=30).isoformat())
        for of_list in (None, "12", "13"):
            told = await a.reach(customer, list=of_list)
            assert (told["isReachable"], told["emailConsent"]) == (True, True)
        assert await reached(a) == 1


async def test_a_block_is_lifted_by_taking_it_back_alone(asker: Asker) -> None:
    a, customer = await ada(asker)
    await a.write(SUPPRESS, address=ADA, channel="EMAIL", at=ago(hours=6).isoformat(), reason="by letter")
    await a.told("sendgrid", sendgrid("group_resubscribe", hours=5, asm_group_id=12))
    await a.write(SET, id=customer, agrees=True, at=ago(hours=4).isoformat())
    await a.customer(now=ago(hours=3), email=ADA, email_consent=True)
    await everybody_says_no(a, customer, "BLOCKED")
    await a.write(UNSUPPRESS, address=ADA, channel="EMAIL", at=ago(hours=2).isoformat())
    told = await a.reach(customer)
    assert (told["isReachable"], told["reason"], told["emailConsent"]) == (True, "OPTED_IN", True)
    # What is said of the address is not what the person said.
    await a.told("sendgrid", sendgrid("spamreport", hours=1))
    await a.write(UNSUPPRESS, address=ADA, channel="EMAIL")
    await everybody_says_no(a, customer, "SPAM_COMPLAINT")


async def test_a_block_of_a_list_is_of_that_list(asker: Asker) -> None:
    a, customer = await ada(asker)
    document = SUPPRESS.replace("$reason: String)", "$reason: String, $list: String)").replace(
        "reason: $reason}", "reason: $reason, list: $list}"
    )
    await a.write(document, address=ADA, channel="EMAIL", at=ago(hours=6).isoformat(), list="12")
    await a.told("sendgrid", sendgrid("group_resubscribe", hours=5, asm_group_id=12))
    assert (await a.reach(customer, list="12"))["reason"] == "BLOCKED"
    assert (await a.reach(customer, list="13"))["isReachable"] is True
    assert (await a.reach(customer))["emailConsent"] is False
