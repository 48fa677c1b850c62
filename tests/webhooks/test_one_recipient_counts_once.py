"""Two `delivered` of one recipient count one, through every way in."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from app.db.database import Database
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import record_metrics
from tests.given.asking import NOW, Asker
from tests.given.webhooks import documented, post
from tests.webhooks.test_taking_deliveries_in import ARRIVED, OPENED, World, world

Event = Mapping[str, Any]
FUNNEL = (
    """{ funnel(type: ONBOARDING, since: "2025-06-01", until: "2025-06-30") { stages { stage count } } }"""
)


def delivered(n: int, **more: Any) -> dict[str, Any]:
    """In the documented form, each an event of its own."""
    return {**OPENED, "event_type": "email.delivered", "event_id": str(n), **more}


def by_sendgrid(n: int, email: str) -> dict[str, Any]:
    """In SendGrid's own form."""
    return {
        "event": "delivered", "sg_event_id": f"sg-{n}", "email": email, "campaign_id": "camp_001",
        "timestamp": 1_749_940_200 + n,
    }  # fmt: skip


def by_twilio(n: int, to: str) -> dict[str, Any]:
    """In Twilio's own form: another message each time."""
    return {
        "MessageSid": f"SM{n}", "MessageStatus": "delivered", "To": to, "campaign_id": "camp_001",
        "timestamp": f"2025-06-14T22:30:0{n}Z",
    }  # fmt: skip


WAYS: Mapping[str, tuple[str, Sequence[Event], str]] = {
    "documented": ("sendgrid", [delivered(1), delivered(2)], "email"),
    "documented, written otherwise": (
        "sendgrid", [delivered(1), delivered(2, email=" Customer@EXAMPLE.com ")], "email",
    ),
    "documented, letters of other scripts": (
        "sendgrid", [delivered(1, email="νίκος@example.com"), delivered(2, email="ΝΊΚΟΣ@example.com")], "email",
    ),
    "documented, another day": ("sendgrid", [delivered(1), delivered(2, timestamp="2025-06-12T09:00:00Z")], "email"),
    "documented, by telephone": (
        "twilio",
        [
            delivered(1, event_type="sms.delivered", email=None, phone="+33612345678"),
            delivered(2, event_type="sms.delivered", email="customer@example.com", phone="0033 6 12 34 56 78"),
        ],
        "sms",
    ),
    "sendgrid": ("sendgrid", [by_sendgrid(1, "customer@example.com"), by_sendgrid(2, "Customer@Example.com")], "email"),
    "twilio": ("twilio", [by_twilio(1, "+33612345678"), by_twilio(2, "+33 6 12 34 56 78")], "sms"),
    "twilio, whatsapp": ("twilio", [by_twilio(n, "whatsapp:+33612345678") for n in (1, 2)], "whatsapp"),
}  # fmt: skip


async def people(w: World) -> dict[str, dict[str, int]]:
    """The campaign's metrics, by channel."""
    found: dict[str, dict[str, int]] = {}
    for (_, channel), said in (await w.counts()).items():
        for name, number in said.items():
            by = found.setdefault(channel, {})
            by[name] = by.get(name, 0) + number
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_in_one_delivery_in_two_or_at_once(asker: Asker, db: Database, way: str) -> None:
    provider, events, channel = WAYS[way]
    for turn in range(3):
        w = await world(db, provider)
        if turn == 0:
            told = [await post(asker, documented(w.mine, events))]
        elif turn == 1:
            told = [await post(asker, documented(w.mine, one)) for one in reversed(events)]
        else:
            told = await asyncio.gather(*(post(asker, documented(w.mine, one)) for one in events))
        assert sum(one["applied"] for one in told) == 2  # two events, and one person
        assert await people(w) == {channel: ARRIVED}


async def test_two_people_are_two(asker: Asker, db: Database) -> None:
    w = await world(db)
    await post(asker, documented(w.mine, [delivered(1), delivered(2, email="other@example.com")]))
    assert await people(w) == {"email": {"sent": 2, "delivered": 2}}


@pytest.mark.parametrize("first", ["report", "deliveries"])
async def test_a_report_of_messages_beside_it_does_not_make_them_two(
    asker: Asker, db: Database, first: str
) -> None:
    """The platform counts two messages; who they went to is known."""
    w = await world(db)

    async def report() -> None:
        entry = MetricEntry(campaign_id=w.campaign_id, day=date(2025, 6, 15), channel="email", delivered=2)
        async with db.transaction(w.scope) as tx:
            await record_metrics(tx, [entry], mode=Mode.SET, now=NOW)

    if first == "report":
        await report()
    await post(asker, documented(w.mine, [delivered(1), delivered(2)]))
    if first != "report":
        await report()
    assert (await people(w))["email"]["delivered"] == 1


async def test_a_funnel_has_one_who_entered(asker: Asker, db: Database) -> None:
    w = await world(db)
    await post(asker, documented(w.mine, [delivered(1), delivered(2, timestamp="2025-06-12T09:00:00Z")]))
    await post(asker, documented(w.mine, delivered(3, event_type="email.clicked")))
    planned, resolved = await asker.both(w.scope, FUNNEL)
    assert planned.data == resolved.data
    assert planned.data is not None
    counts = {one["stage"]: one["count"] for one in json.loads(planned.data)["funnel"]["stages"]}
    assert (counts["AWARENESS"], counts["INTEREST"]) == (1, 1)
