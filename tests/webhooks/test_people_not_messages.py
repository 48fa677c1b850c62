"""People, not messages: what the CRM prints of a campaign whose mails were delivered, opened and clicked, over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.rest.crm.schemas import DELIVERY
from app.settings import Settings
from tests.given import crm
from tests.given.webhooks import Connected
from tests.rest.conftest import Marketer, gateway, marketer, marketers, settings
from tests.rest.test_crm_webhooks import connect, deliver

__all__ = ["gateway", "marketer", "marketers", "settings"]


@pytest.fixture
async def sendgrid(marketer: Marketer, settings: Settings) -> Connected:
    """A connection of the client's group."""
    return await connect(marketer, settings)


async def metrics_of(
    marketer: Marketer, sendgrid: Connected, *events: tuple[str, dict[str, Any]]
) -> dict[str, Any]:
    """What the campaign prints after these, each with an id of its own."""
    await crm.campaign(
        marketer.db, marketer.given.scope, now=datetime.now(UTC), name="c", external_id="camp_001"
    )
    batch = [
        {**DELIVERY, "event_type": kind, "event_id": str(n), **more} for n, (kind, more) in enumerate(events)
    ]
    answer = await deliver(marketer, sendgrid, batch)
    assert answer.json()["applied"] == len(batch)
    metrics: dict[str, Any] = (await marketer.get("/campaigns/camp_001"))["metrics"]
    assert metrics["sent"] >= metrics["delivered"] >= max(metrics["opened"], metrics["clicked"])
    (listed,) = (await marketer.get("/campaigns"))["data"]
    assert listed["metrics"] == {name: metrics[name] for name in listed["metrics"]}
    return metrics


async def test_one_mail_opened_three_times_and_clicked_twice_is_all_who_got_it(
    marketer: Marketer, sendgrid: Connected
) -> None:
    events: list[tuple[str, dict[str, Any]]] = [
        ("delivered", {}),
        *[("opened", {})] * 3,
        *[("clicked", {})] * 2,
    ]
    metrics = await metrics_of(marketer, sendgrid, *events)
    # No rate of people passes 100.
    assert metrics == {
        "sent": 1, "delivered": 1, "opened": 1, "open_rate": 100.0, "clicked": 1, "click_rate": 100.0,
        "converted": 0, "conversion_rate": 0.0, "revenue_attributed": 0.0, "unsubscribed": 0,
    }  # fmt: skip
    # The same opening as another event, and by another name of the same address.
    again = {**DELIVERY, "event_type": "opened", "event_id": "again", "email": DELIVERY["email"].upper()}
    assert (await deliver(marketer, sendgrid, again)).json()["applied"] == 1
    assert (await marketer.get("/campaigns/camp_001"))["metrics"] == metrics
    async with marketer.db.transaction(marketer.given.scope) as tx:
        assert await tx.fetchval("SELECT sum(opens) FROM campaign_metric") == 4


async def test_what_a_machine_opened_nobody_did(marketer: Marketer, sendgrid: Connected) -> None:
    metrics = await metrics_of(
        marketer, sendgrid, ("delivered", {}), ("opened", {"sg_machine_open": True}),
        ("delivered", {"email": "other@example.com"}), ("opened", {"email": "other@example.com"}),
        ("opened", {"email": "third@example.com", "sg_machine_open": True}),
    )  # fmt: skip
    # The third one's mail arrived, though no provider told.
    assert (metrics["sent"], metrics["delivered"], metrics["opened"]) == (3, 3, 1)
    assert metrics["open_rate"] == 33.3
    async with marketer.db.transaction(marketer.given.scope) as tx:
        row = await tx.fetchrow(
            "SELECT sum(opens) AS opens, sum(machine_opens) AS machines FROM campaign_metric"
        )
    assert row is not None
    assert tuple(row) == (1, 2)


@pytest.mark.parametrize("kind", ["opened", "clicked", "unsubscribed"])
async def test_without_a_delivery_told_there_was_one_all_the_same(
    marketer: Marketer, sendgrid: Connected, kind: str
) -> None:
    metrics = await metrics_of(
        marketer,
        sendgrid,
        (kind, {}),
        (kind, {"email": "other@example.com"}),
        ("bounced", {"email": "gone@example.com"}),
    )
    assert (metrics["sent"], metrics["delivered"], metrics[kind]) == (3, 2, 2)
    # Told late, it is the same one.
    late = {**DELIVERY, "event_type": "delivered", "event_id": "late", "timestamp": "2026-01-23T18:30:00Z"}
    assert (await deliver(marketer, sendgrid, late)).json()["applied"] == 1
    assert (await marketer.get("/campaigns/camp_001"))["metrics"] == metrics
