"""Events whose own date lies far from when they came in: taken, marked, and the latest of nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.auth.principal import Role
from app.domain.events.bringing_in import bring_in_events
from app.domain.events.clocks import Tolerance, is_doubtful
from app.domain.events.past import PastEvent
from app.domain.events.replaying import replay_events
from app.domain.events.settling import Claimed
from app.tables.projects import DEFAULT_CLOCK_AHEAD_S, DEFAULT_CLOCK_BEHIND_S
from tests.events.conftest import OpenShop
from tests.events.test_through_the_graph import Ask, ask  # noqa: F401 - a fixture
from tests.given.events import NOON, Shop

AHEAD, BEHIND = timedelta(seconds=DEFAULT_CLOCK_AHEAD_S), timedelta(seconds=DEFAULT_CLOCK_BEHIND_S)
SECOND = timedelta(seconds=1)
EVENTS = """query($filter: EventFilter) { events(filter: $filter) {
  nodes { id occurredAt receivedAt clockSkewS isClockDoubtful faults { code field } } } }"""


@pytest.mark.parametrize(
    ("skew", "is_vouched", "doubtful"),
    [
        (timedelta(), False, False),
        (AHEAD, False, False),
        (AHEAD + SECOND, False, True),
        (AHEAD + SECOND, True, True),
        (-BEHIND, False, False),
        (-BEHIND - SECOND, False, True),
        (-BEHIND - SECOND, True, False),  # who is vouched for may tell of the past
    ],
)
def test_far_from_its_coming_in_is_doubtful(skew: timedelta, is_vouched: bool, doubtful: bool) -> None:
    event = Claimed(uuid4(), 1, "purchase", NOON + skew, NOON, None, is_vouched, {})
    assert is_doubtful(event, Tolerance()) is doubtful


@pytest.mark.parametrize("date", ["2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
async def test_a_stranger_s_event_of_a_wrong_clock_is_marked(ask: Ask, shop: OpenShop, date: str) -> None:  # noqa: F811
    given = await shop()
    odd = await given.send(event_date=date, is_vouched=False)
    plain = await given.send(is_vouched=False)
    await given.process()
    for asked, expected in ((True, [odd]), (False, [plain]), (None, [plain, odd])):
        data = (await ask(given, EVENTS, Role.READ, filter={"isClockDoubtful": asked}))["data"]
        assert {node["id"] for node in data["events"]["nodes"]} == {f"event_{one}" for one in expected}
    [node] = (await ask(given, EVENTS, Role.READ, filter={"isClockDoubtful": True}))["data"]["events"][
        "nodes"
    ]
    said = datetime.fromisoformat(date)
    assert node["occurredAt"] == date  # as it was said
    assert node["clockSkewS"] == int((said - datetime.fromisoformat(node["receivedAt"])).total_seconds())


async def test_history_that_is_vouched_for_or_brought_in_is_not_marked(shop: OpenShop) -> None:
    given = await shop()
    old = await given.send(event_date="1999-01-01T00:00:00Z", is_vouched=True)
    await given.process()
    past = PastEvent(
        project_id=given.project_id, event_type="purchase", occurred_at=datetime(1999, 1, 1, tzinfo=UTC),
        received_at=NOON, nonce="past", body={"data": {"basket": 1}},
    )  # fmt: skip
    async with given.db.transaction(given.scope) as tx:
        await bring_in_events(tx, [past], now=NOON)
    assert await marked(given) == []
    assert len(await given.rows("SELECT 1 FROM event WHERE status = 'processed'")) == 2
    assert old


async def test_what_is_brought_in_is_marked_where_it_is_dated_after_its_coming_in(shop: OpenShop) -> None:
    given = await shop(funnel_stage="purchase")
    past = PastEvent(
        project_id=given.project_id, event_type="purchase", occurred_at=datetime(2999, 1, 1, tzinfo=UTC),
        received_at=NOON, nonce="odd", body={"data": {"basket": 1, "email": "ada@example.com"}},
    )  # fmt: skip
    async with given.db.transaction(given.scope) as tx:
        await bring_in_events(tx, [past], now=NOON + timedelta(days=1))
    assert len(await marked(given)) == 1
    assert [row["occurred_at"] for row in await given.rows("SELECT occurred_at FROM funnel_touch")] == [NOON]


async def test_the_trash_says_so_beside_its_reasons_and_a_replay_judges_again(shop: OpenShop) -> None:
    given = await shop()
    odd = await given.send(data={"basket": "much"}, event_date="2999-01-01T00:00:00Z", is_vouched=False)
    plain = await given.send(data={"basket": "much"}, is_vouched=False)
    await given.process()
    assert await given.faults(odd) == [("field_invalid", "basket"), ("clock_doubtful", "eventDate")]
    assert await given.faults(plain) == [("field_invalid", "basket")]
    [row] = await given.rows("SELECT message FROM event_fault WHERE code = 'clock_doubtful'")
    assert row["message"].startswith("eventDate lies 355,3")
    assert await marked(given) == [odd]
    done = await replay_events(
        given.db, given.group_id, given.project_id, code="clock_doubtful", now=NOON + timedelta(days=9)
    )
    assert (done.replayed, done.still_failing) == (0, 1)
    assert await given.faults(odd) == [("field_invalid", "basket"), ("clock_doubtful", "eventDate")]


async def test_a_project_says_how_far_off_is_far(ask: Ask, shop: OpenShop) -> None:  # noqa: F811
    given = await shop()
    change = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) {
      project { clockAheadS clockBehindS } errors { code path } } }"""
    told = {"id": f"proj_{given.project_id}", "clockAheadS": 60, "clockBehindS": 86_400}
    answer = await ask(given, change, Role.TENANT_ADMIN, input=told)
    assert answer["data"]["projectUpdate"] == {
        "project": {"clockAheadS": 60, "clockBehindS": 86_400}, "errors": [],
    }  # fmt: skip
    events = [
        await given.send(event_date=(NOON + skew).isoformat(), is_vouched=False)
        for skew in (60 * SECOND, 61 * SECOND, -timedelta(days=1), -timedelta(days=1, seconds=1))
    ]
    await given.process()
    assert sorted(await marked(given)) == sorted([events[1], events[3]])
    for key, value in (("clockAheadS", 59), ("clockBehindS", 10**9)):
        answer = await ask(given, change, Role.TENANT_ADMIN, input={"id": told["id"], key: value})
        assert [error["path"] for error in answer["data"]["projectUpdate"]["errors"]] == [[key]]


async def test_a_date_ahead_is_the_latest_of_nothing(shop: OpenShop) -> None:
    """Its visit and its stage of the funnel are of when it came in, also where it is processed much later."""
    given = await shop(funnel_stage="purchase")
    data: dict[str, Any] = {"basket": 1, "email": "ada@example.com"}
    await given.send(
        data=data, event_date="2999-01-01T00:00:00Z", tracker_id="t-1", is_vouched=False,
        landing_url="https://shop.example/?utm_source=x",
    )  # fmt: skip
    await given.process(now=NOON + timedelta(days=3))
    assert [row["occurred_at"] for row in await given.rows("SELECT occurred_at FROM interaction")] == [NOON]
    assert [row["occurred_at"] for row in await given.rows("SELECT occurred_at FROM funnel_touch")] == [NOON]
    [customer] = await given.rows("SELECT created_at, updated_at, last_order_at FROM customer")
    assert max(one for one in customer.values() if one is not None) <= NOON + timedelta(days=3)
    # In figures it counts at the moment it says, so in nobody's today.
    assert [row["hour"].year for row in await given.rows("SELECT hour FROM event_rollup")] == [2999]


async def marked(shop: Shop) -> list[UUID]:
    """Events whose clock is doubted."""
    return [row["id"] for row in await shop.rows("SELECT id FROM event WHERE is_clock_doubtful ORDER BY id")]
