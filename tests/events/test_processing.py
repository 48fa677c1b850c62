"""What becomes of an event: its type, its user, its numbers; or the trash, with the reasons."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.db.database import Database
from app.domain.events.processing import process_pending
from app.tables.event_types import RewardTrigger
from app.tables.funnels import FunnelStage
from tests.events.conftest import OpenShop
from tests.given import rewards
from tests.given.events import NOON
from tests.given.statements import recorded

EARLIER = datetime(2026, 2, 20, 9, 30, 0, 250_000, tzinfo=UTC)


async def test_an_event_is_read_as_its_type_says_and_tied_to_its_user(shop: OpenShop) -> None:
    """WM-13, WM-17, WM-72."""
    given = await shop()
    ident = await given.send(
        tracker_id="t-1",
        event_date="2026-02-20Z10:30:00.250+01:00",
        data={
            "email": " Ada@Example.COM ",
            "phone": "+33 (0)6 12-34-56-78",
            "name": "Ada",
            "basket": "1 234,50",
            "turnover": 129.9,
            "converted": True,
            "unknown": [1],
        },
    )
    assert await given.process() == 1
    event = await given.event(ident)
    assert event["status"] == "processed"
    assert (event["event_type_id"], event["type_version"]) == (given.type_id, 1)
    assert event["is_attributable"]
    assert event["occurred_at"] == EARLIER
    assert event["data"] == '{"basket":1234.50}'
    assert json.loads(event["user_data"]) == {
        "email": "ada@example.com",
        "phone": "+33612345678",
        "name": "Ada",
    }
    (customer,) = await given.rows("SELECT id, name, email, phone FROM customer")
    assert customer == {
        "id": event["customer_id"],
        "name": "Ada",
        "email": "ada@example.com",
        "phone": "+33612345678",
    }
    metrics = await given.rows(
        "SELECT kind, storage_key, value, metric_date, customer_id, occurred_at FROM event_metric ORDER BY storage_key"
    )
    assert [(m["kind"], m["storage_key"], m["value"]) for m in metrics] == [
        ("state", "converted", Decimal(1)),
        ("statistic", "turnover", Decimal("129.9")),
    ]
    assert {m["metric_date"] for m in metrics} == {m["occurred_at"] for m in metrics} == {EARLIER}
    assert {m["customer_id"] for m in metrics} == {event["customer_id"]}
    changes = await given.rows("SELECT value, actor FROM event_metric_change")
    assert sorted((c["value"], c["actor"]) for c in changes) == [(Decimal(1), None), (Decimal("129.9"), None)]


async def test_without_a_tracker_it_is_stored_and_cannot_be_attributed(shop: OpenShop) -> None:
    """WM-18."""
    given = await shop()
    known = await given.send(data={"basket": 1, "email": "ada@example.com"})
    nobody = await given.send()
    await given.process()
    events = [await given.event(known), await given.event(nobody)]
    assert [event["status"] for event in events] == ["processed", "processed"]
    assert [event["is_attributable"] for event in events] == [False, False]
    assert events[0]["customer_id"] is not None
    assert events[1]["customer_id"] is None


async def test_what_an_event_type_objects_to_is_in_the_trash_with_every_reason(shop: OpenShop) -> None:
    """WM-08, WM-12, WM-31."""
    given = await shop()
    bad = await given.send(
        event_date="yesterday",
        data={"email": "nobody", "turnover": "much", "converted": 2, "label": {"a": 1}},
    )
    unknown = await given.send(event_type="purchased")
    empty = await given.send(data=None, body="{}")
    good = await given.send()
    assert await given.process() == 4
    assert (await given.event(good))["status"] == "processed"
    assert {(await given.event(one))["status"] for one in (bad, unknown, empty)} == {"trashed"}
    assert await given.faults(bad) == [
        ("date_invalid", "eventDate"),
        ("field_invalid", "email"),
        ("field_invalid", "label"),
        ("field_required", "basket"),
        ("field_invalid", "turnover"),
        ("field_invalid", "converted"),
    ]
    assert await given.faults(unknown) == [("event_type_unknown", "eventType")]
    assert await given.faults(empty) == [("field_required", "basket")]
    assert (await given.event(bad))["occurred_at"] == NOON


async def test_hourly_sums_count_what_was_processed_in_the_hour_it_happened(shop: OpenShop) -> None:
    given = await shop()
    for at in range(3):
        await given.send(
            event_date="2026-02-20T09:59:59.999Z",
            data={"basket": 1, "turnover": f"10.0{at}", "converted": at % 2},
        )
    await given.send(event_date="2026-02-20T10:00:00Z")
    await given.send(data={})
    await given.process()
    sums = await given.rows("SELECT hour, key, value FROM event_rollup ORDER BY hour, key")
    nine, ten = (datetime(2026, 2, 20, hour, tzinfo=UTC) for hour in (9, 10))
    assert [(row["hour"], row["key"], row["value"]) for row in sums] == [
        (nine, "converted", 1),
        (nine, "event-count", 3),
        (nine, "turnover", Decimal("30.03")),
        (ten, "event-count", 1),
    ]


async def test_a_mapped_event_takes_its_customer_to_a_stage(shop: OpenShop) -> None:
    given = await shop(funnel_stage=FunnelStage.PURCHASE)
    ident = await given.send(tracker_id="t", now=NOON)
    await given.send()
    ahead = await given.send(tracker_id="t", event_date=(NOON + timedelta(days=30)).isoformat())
    await given.process()
    touches = await given.rows("SELECT stage, source, source_ref, occurred_at FROM funnel_touch ORDER BY id")
    assert {(row["stage"], row["source"]) for row in touches} == {("purchase", "event")}
    assert {row["source_ref"] for row in touches} == {str(ident), str(ahead)}
    assert {row["occurred_at"] for row in touches} == {NOON}
    assert [row["path"] for row in await given.rows("SELECT path FROM funnel_day")] == ["f"]


async def test_the_address_an_event_s_user_came_by_is_an_interaction_of_theirs(shop: OpenShop) -> None:
    given = await shop()
    ident = await given.send(
        tracker_id="t", landing_url="https://shop.example/?a=1", referrer="https://b.example/"
    )
    await given.process()
    (made,) = await given.rows(
        "SELECT customer_id, tracker_id, landing_url, referrer, dedup_key FROM interaction"
    )
    assert made == {
        "customer_id": (await given.event(ident))["customer_id"],
        "tracker_id": "t",
        "landing_url": "https://shop.example/?a=1",
        "referrer": "https://b.example/",
        "dedup_key": f"event:{ident}",
    }


async def test_whoever_comes_back_after_they_were_deleted_is_there_again(shop: OpenShop) -> None:
    given = await shop(funnel_stage=FunnelStage.PURCHASE)
    data = {"basket": 1, "email": "ada@example.com"}
    first = await given.send(data=data)
    await given.process()
    async with given.db.transaction(given.scope) as tx:
        await tx.execute("UPDATE customer SET deleted_at = now()")
    second = await given.send(data=data, tracker_id="t")
    await given.process()
    events = [await given.event(first), await given.event(second)]
    assert events[0]["customer_id"] == events[1]["customer_id"]
    assert events[1]["status"] == "processed"
    assert len(await given.rows("SELECT 1 FROM customer WHERE deleted_at IS NULL")) == 1


async def test_an_event_rewards_where_its_type_is_a_trigger(shop: OpenShop, db: Database) -> None:
    world = await rewards.given(db)
    campaign = await world.campaign(world.flow(7))
    given = await shop(group_id=world.group_id, trigger=RewardTrigger.SPEND)
    await given.send(data={"basket": 1, "turnover": 12, "email": "ada@example.com"})
    await given.send(data={"turnover": 12, "email": "ada@example.com"})
    await given.send(data={"basket": 1, "turnover": 12})
    await given.process()
    assert await world.total(campaign) == 7


async def test_a_batch_costs_as_many_statements_as_one_event(shop: OpenShop, db: Database) -> None:
    counts = []
    for many in (1, 60):
        given = await shop(funnel_stage=FunnelStage.PURCHASE)
        for at in range(many):
            await given.send(
                tracker_id=f"t-{at % 7}",
                data={"basket": 1, "email": f"u{at % 20}@example.com", "turnover": 5} if at % 9 != 8 else {},
            )
        if many == 1:
            await given.send(tracker_id="t-0", data={"basket": 1, "email": "other@example.com"})
            await given.send(data={})
        with recorded() as statements:
            await given.process()
        counts.append(len(statements))
    assert 0 < counts[0] == counts[1]


async def test_several_workers_share_what_waits_and_do_each_event_once(shop: OpenShop, db: Database) -> None:
    given = await shop()
    ids = [
        await given.send(
            tracker_id=f"t-{at % 15}", data={"basket": 1, "email": f"u{at % 3}@example.com", "turnover": 1}
        )
        for at in range(120)
    ]

    async def worker() -> int:
        done = 0
        while some := await process_pending(db, given.group_id, limit=10, now=NOON):
            done += some
        return done

    shares = await asyncio.gather(*(worker() for _ in range(4)))
    assert sum(shares) == len(ids)
    states = await given.rows("SELECT status, count(*) AS n FROM event GROUP BY 1")
    assert states == [{"status": "processed", "n": 120}]
    (sums,) = await given.rows("SELECT sum(value) AS s FROM event_rollup WHERE key = 'event-count'")
    assert sums["s"] == 120
    assert len(await given.rows("SELECT 1 FROM customer WHERE deleted_at IS NULL")) == 3
    assert len(await given.rows("SELECT 1 FROM event_metric")) == 120
