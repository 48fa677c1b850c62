"""What strangers send is kept and counted, and pays nobody."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.event_types.fields import FieldEntry
from app.domain.event_types.operations import EventTypeFields, create_event_type, update_event_type
from app.domain.events.accepting import Acceptor
from app.domain.events.processing import process_pending
from app.domain.events.replaying import replay_events
from app.domain.events.sending import sent_event
from app.domain.rewards.windows import RewardWindow, count_triggers
from app.tables.event_types import EventDataType, EventFieldKind, RewardTrigger
from tests.given import projects
from tests.given.rewards import Given

NOW = datetime.now(UTC)


class Till:
    """A project whose orders trigger, of customers known by their e-mail."""

    def __init__(self, world: Given, project_id: int, type_id: int, slug: str) -> None:
        self.world, self.project_id, self.type_id, self.slug = world, project_id, type_id, slug
        self.acceptor = Acceptor(world.db)

    async def send(self, nonce: str, *, vouched: bool, data: dict[str, Any] | None = None) -> None:
        sent = sent_event(
            self.world.group_id, self.project_id, project=self.slug, event_type="order", nonce=nonce,
            data=data or {"email": "ada@example.com", "turnover": 5000}, is_vouched=vouched, now=NOW,
        )  # fmt: skip
        await self.acceptor.accept(sent)
        while await process_pending(self.world.db, self.world.group_id, now=NOW):
            pass

    async def set(self, **fields: Any) -> None:
        async with self.world.db.transaction(self.world.scope) as tx:
            await update_event_type(tx, self.type_id, EventTypeFields(**fields), now=NOW)


@pytest.fixture
async def till(world: Given) -> AsyncIterator[Till]:
    slug = f"till-{world.group_id}"
    project_id = await projects.tracking(world.db, world.group_id, slug=slug)
    fields = EventTypeFields(
        name="Order",
        trigger=RewardTrigger.SPEND,
        fields=[
            FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email"),
            FieldEntry(storage_key="phone", data_type=EventDataType.PHONE, identity="phone"),
            FieldEntry(storage_key="turnover", kind=EventFieldKind.STATISTIC, is_required=True),
        ],
    )
    async with world.db.transaction(world.scope) as tx:
        type_id = await create_event_type(tx, project_id, fields, reference="order", now=NOW)
    made = Till(world, project_id, type_id, slug)
    yield made
    await made.acceptor.close()


async def test_only_what_somebody_vouches_for_pays(world: Given, till: Till) -> None:
    campaign = await world.campaign()
    await till.send("n-1", vouched=False)
    assert await world.total(campaign) == 0
    # Still it is an event like any other.
    row = await world.row("SELECT status, is_vouched, customer_id FROM event WHERE group_id = $1")
    assert (row["status"], row["is_vouched"]) == ("processed", False)
    assert row["customer_id"] is not None
    await till.send("n-2", vouched=True)
    assert await world.total(campaign) == 100
    await till.send("n-2", vouched=False)
    assert await world.total(campaign) == 100


async def test_a_stranger_who_took_a_nonce_does_not_suppress_the_honest_event(
    world: Given, till: Till
) -> None:
    campaign = await world.campaign()
    for vouched in (False, True, False, True):
        await till.send("n-1", vouched=vouched)
        await till.send(f"{till.project_id}:n-1", vouched=vouched)
    assert await world.total(campaign) == 200
    row = await world.row(
        "SELECT count(*) AS n, count(*) FILTER (WHERE is_vouched) AS v FROM event WHERE group_id = $1"
    )
    assert (row["n"], row["v"]) == (4, 2)


async def test_an_event_type_may_say_otherwise_in_so_many_words(world: Given, till: Till) -> None:
    campaign = await world.campaign()
    await till.set(trigger_by_strangers=True)
    await till.send("n-1", vouched=False)
    assert await world.total(campaign) == 100
    await till.set(trigger_by_strangers=False)
    await till.send("n-2", vouched=False)
    assert await world.total(campaign) == 100


async def test_a_replay_does_not_make_it_a_friend_s(world: Given, till: Till) -> None:
    campaign = await world.campaign()
    await till.send("n-1", vouched=False, data={"email": "ada@example.com"})
    await till.send("n-2", vouched=True, data={"email": "ada@example.com"})
    fields = [FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email")]
    await till.set(fields=fields)
    done = await replay_events(world.db, world.group_id, till.project_id, now=NOW)
    assert done.replayed == 2
    assert await world.total(campaign) == 100


async def test_simulations_count_what_would_trigger(world: Given, till: Till) -> None:
    await till.send("n-1", vouched=False)
    await till.send("n-2", vouched=True)
    window = RewardWindow(NOW - timedelta(days=1), NOW + timedelta(days=1))
    async with world.db.transaction(world.scope) as tx:
        assert await count_triggers(tx, window, store_id=None) == 1
    await till.set(trigger_by_strangers=True)
    async with world.db.transaction(world.scope) as tx:
        assert await count_triggers(tx, window, store_id=None) == 2


async def test_whom_a_stranger_names_is_not_paid_by_a_vouched_order(world: Given, till: Till) -> None:
    campaign, phone = await world.campaign(), "+33611112222"
    await till.send("e-1", vouched=False, data={"email": "evil@example.org", "phone": phone, "turnover": 1})
    await till.send("n-1", vouched=True, data={"phone": phone, "turnover": 5000})
    assert await world.total(campaign) == 100
    row = await world.row(
        "SELECT count(DISTINCT e.customer_id) AS n, max(c.phone) AS phone, max(c.email) AS email"
        "  FROM event e JOIN customer c ON c.id = e.customer_id WHERE e.group_id = $1"
    )
    assert (row["n"], row["phone"], row["email"]) == (2, phone, None)
