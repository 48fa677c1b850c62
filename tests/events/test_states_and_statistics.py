"""States and statistics told after the event: their dates, their history, and the hourly sums that follow."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain.event_types.fields import FieldEntry
from app.domain.event_types.operations import EventTypeFields, update_event_type
from app.domain.events import rollups
from app.domain.events.metrics import NO_FIELD, Telling, backdate, tell
from app.errors import Invalid, NotFound
from app.tables.event_types import EventFieldKind
from app.values.scope import Scope
from tests.events.conftest import OpenShop
from tests.given.events import NOON, PURCHASE, Shop

LATER = NOON + timedelta(days=20)
QUALIFIED = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
CONVERTED = datetime(2026, 3, 18, 17, 30, tzinfo=UTC)
STATES = (
    FieldEntry(storage_key="qualified", kind=EventFieldKind.STATE),
    FieldEntry(storage_key="converted", kind=EventFieldKind.STATE),
    FieldEntry(storage_key="turnover", kind=EventFieldKind.STATISTIC),
)


async def event(shop: Shop, **data: Any) -> UUID:
    """A processed event."""
    ident = await shop.send(data={"basket": 1, **data})
    await shop.process()
    return ident


async def told(
    shop: Shop,
    ident: UUID,
    key: str,
    value: int | str,
    *,
    date: datetime | None = None,
    now: datetime = LATER,
    kind: EventFieldKind | None = None,
    late: bool = False,
    scope: Scope | None = None,
) -> None:
    """Tell one; what is not turnover is a state unless said."""
    kind = kind or (EventFieldKind.STATISTIC if key == "turnover" else EventFieldKind.STATE)
    telling = Telling(kind=kind, storage_key=key, value=Decimal(value), date=date, actor="user:1")
    async with shop.db.transaction(scope or shop.scope) as tx:
        await (backdate if late else tell)(tx, ident, telling, now=now)


async def metrics(shop: Shop) -> dict[str, tuple[Decimal, datetime]]:
    """By storage key, what they are and since when."""
    found = await shop.rows("SELECT storage_key, value, metric_date FROM event_metric")
    return {row["storage_key"]: (row["value"], row["metric_date"]) for row in found}


async def history(shop: Shop, key: str) -> list[tuple[Decimal, datetime, str | None]]:
    """Every value of one key, in the order they were told."""
    found = await shop.rows(
        "SELECT c.value, c.metric_date, c.actor FROM event_metric_change c JOIN event_metric m ON m.id = c.metric_id"
        " WHERE m.storage_key = $1 ORDER BY c.id",
        key,
    )
    return [(row["value"], row["metric_date"], row["actor"]) for row in found]


async def sums(shop: Shop) -> dict[str, Decimal]:
    """The hourly sums by key, all hours together."""
    found = await shop.rows("SELECT key, sum(value) AS value FROM event_rollup GROUP BY key")
    return {row["key"]: row["value"] for row in found if row["value"]}


async def truth(shop: Shop) -> dict[str, Decimal]:
    """What the sums should be, counted from the metrics themselves."""
    found = await shop.rows("SELECT storage_key, sum(value) AS value FROM event_metric GROUP BY storage_key")
    counted = await shop.rows("SELECT count(*) AS n FROM event WHERE status = 'processed'")
    every = {row["storage_key"]: row["value"] for row in found if row["value"]}
    return every | {rollups.EVENT_COUNT: Decimal(counted[0]["n"])}


async def test_each_state_has_its_own_date(shop: OpenShop) -> None:
    """The document's own example: qualified, then converted; both are kept."""
    given = await shop(fields=[*STATES, FieldEntry(storage_key="basket")])
    ident = await event(given)
    await told(given, ident, "qualified", 1, date=QUALIFIED)
    await told(given, ident, "converted", 1, date=CONVERTED)
    assert await metrics(given) == {
        "qualified": (Decimal(1), QUALIFIED),
        "converted": (Decimal(1), CONVERTED),
    }
    assert await sums(given) == {"qualified": 1, "converted": 1, rollups.EVENT_COUNT: 1}


async def test_every_value_stays_in_the_history(shop: OpenShop) -> None:
    given = await shop()
    ident = await event(given, turnover=100)
    await told(given, ident, "turnover", 4000, date=CONVERTED)
    await told(given, ident, "turnover", "-12.5")
    assert await history(given, "turnover") == [
        (Decimal(100), NOON, None),
        (Decimal(4000), CONVERTED, "user:1"),
        (Decimal("-12.5"), LATER, "user:1"),
    ]
    assert await metrics(given) == {"turnover": (Decimal("-12.5"), LATER)}
    assert await sums(given) == await truth(given) == {"turnover": Decimal("-12.5"), rollups.EVENT_COUNT: 1}


async def test_the_same_again_without_a_date_changes_nothing(shop: OpenShop) -> None:
    """A request sent twice does not move the moment of conversion."""
    given = await shop()
    ident = await event(given)
    await told(given, ident, "converted", 1, date=CONVERTED)
    await told(given, ident, "converted", 1)
    await told(given, ident, "converted", 1, date=CONVERTED)
    assert await history(given, "converted") == [(Decimal(1), CONVERTED, "user:1")]
    await told(
        given, ident, "converted", 1, date=QUALIFIED
    )  # with a date of its own it is another value, but an older
    assert await metrics(given) == {"converted": (Decimal(1), CONVERTED)}
    assert len(await history(given, "converted")) == 2
    assert await sums(given) == {"converted": 1, rollups.EVENT_COUNT: 1}


async def test_a_state_taken_back_counts_no_more(shop: OpenShop) -> None:
    given = await shop()
    ident = await event(given, converted=1)
    assert (await sums(given))["converted"] == 1
    await told(given, ident, "converted", 0)
    assert await sums(given) == {rollups.EVENT_COUNT: 1}
    assert [value for value, *_ in await history(given, "converted")] == [1, 0]


@pytest.mark.parametrize("value", ["2", "-1", "0.5"])
async def test_a_state_is_0_or_1(shop: OpenShop, value: str) -> None:
    given = await shop()
    ident = await event(given)
    with pytest.raises(Invalid) as refused:
        await told(given, ident, "converted", value)
    assert refused.value.path == ["value"]
    assert await metrics(given) == {}


async def test_a_statistic_beyond_what_can_be_stored_is_refused(shop: OpenShop) -> None:
    given = await shop()
    ident = await event(given)
    await told(given, ident, "turnover", "0.1235")
    for value in ("1e15", "-1e15", "0.12345", "0.00004"):
        with pytest.raises(Invalid):
            await told(given, ident, "turnover", value)
    assert (await metrics(given))["turnover"][0] == Decimal("0.1235")
    await told(given, ident, "turnover", "99999999999999.9999")
    other = await event(given)
    await told(given, other, "turnover", "99999999999999.9999")  # sums hold more than one value does
    assert await sums(given) == await truth(given)


async def test_a_key_must_have_been_there_when_the_event_came(shop: OpenShop) -> None:
    """A typo, the other kind, and a state that the event type got only later."""
    given = await shop()
    old = await event(given)
    for key, kind in (
        ("convrted", None),
        ("turnover", EventFieldKind.STATE),
        ("basket", EventFieldKind.STATE),
    ):
        with pytest.raises(NotFound) as refused:
            await told(given, old, key, 1, kind=kind)
        assert (refused.value.reason, refused.value.path) == (NO_FIELD, ["storageKey"])
        assert refused.value.message == f"The type of this event has no state {key}."
    await declare(given, FieldEntry(storage_key="rdv", kind=EventFieldKind.STATE))
    new = await event(given)
    with pytest.raises(NotFound) as refused:
        await told(given, old, "rdv", 1)
    assert refused.value.reason == NO_FIELD
    await told(given, new, "rdv", 1)
    assert await metrics(given) == {"rdv": (Decimal(1), LATER)}


async def test_a_key_that_is_gone_stays_for_the_events_that_had_it(shop: OpenShop) -> None:
    given = await shop()
    old = await event(given)
    async with given.db.transaction(given.scope) as tx:
        kept = [one for one in PURCHASE if one.storage_key != "converted"]
        await update_event_type(tx, given.type_id, EventTypeFields(fields=kept), now=NOON)
    await told(given, old, "converted", 1)
    new = await event(given)
    with pytest.raises(NotFound):
        await told(given, new, "converted", 1)


async def test_a_state_is_backdated_on_purpose_and_then_told_like_any_other(shop: OpenShop) -> None:
    given = await shop()
    old = await event(given)
    await declare(given, FieldEntry(storage_key="rdv", kind=EventFieldKind.STATE))
    with pytest.raises(NotFound) as refused:  # what the type never had cannot be backdated either
        await told(given, old, "rdz", 1, late=True)
    assert refused.value.reason == NO_FIELD
    await told(given, old, "rdv", 1, date=QUALIFIED, late=True)
    assert await sums(given) == await truth(given) == {"rdv": 1, rollups.EVENT_COUNT: 1}
    await told(given, old, "rdv", 0)
    assert [value for value, *_ in await history(given, "rdv")] == [1, 0]


async def test_only_processed_events_in_reach_have_metrics(shop: OpenShop) -> None:
    given = await shop()
    other = await shop()
    ident = await event(given)
    waiting = await given.send()
    trashed = await given.send(data={"basket": "much"})
    await given.process()
    pending = await given.send()
    foreign = Scope(given.group_id, project_ids=(other.project_id,))
    attempts: list[tuple[UUID, Scope]] = [
        (ident, other.scope), (ident, foreign), (trashed, given.scope), (pending, given.scope),
        (uuid4(), given.scope),
    ]  # fmt: skip
    for one, scope in attempts:
        with pytest.raises(NotFound) as refused:
            await told(given, one, "converted", 1, scope=scope)
        assert refused.value.path == ["id"]
    await told(given, waiting, "converted", 1, scope=Scope(given.group_id, project_ids=(given.project_id,)))


async def test_what_the_calendar_has_not_is_refused(shop: OpenShop) -> None:
    given = await shop()
    ident = await event(given)
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        with pytest.raises(Invalid) as refused:
            await told(given, ident, "converted", 1, date=moment)
        assert (refused.value.reason, refused.value.path) == ("OUT_OF_CALENDAR", ["date"])
    assert await metrics(given) == {}


async def test_many_at_once_never_lose_the_sums_truth(shop: OpenShop) -> None:
    given = await shop()
    idents = [await event(given, turnover=n) for n in range(3)]
    rng = random.Random(7)

    async def one(n: int) -> None:
        ident, value = rng.choice(idents), rng.randint(-500, 500)
        await told(given, ident, "turnover", value, now=LATER + timedelta(seconds=n))

    await asyncio.gather(*(one(n) for n in range(40)), *(told(given, i, "converted", 1) for i in idents * 4))
    assert await sums(given) == await truth(given)
    assert (await sums(given))["converted"] == 3
    assert len(await history(given, "converted")) == 3


async def test_reading_the_old_value_first_would_lose_it(shop: OpenShop) -> None:
    """What the row lock is for: two that both read 0 move the sum by more than truly changed."""
    given = await shop()
    ident = await event(given, turnover=0)
    both_read = asyncio.Barrier(2)

    async def naive(value: int) -> None:
        async with given.db.transaction(given.scope) as tx:
            old = await tx.fetchval("SELECT value FROM event_metric WHERE event_id = $1", ident)
            await both_read.wait()
            await tx.execute("UPDATE event_metric SET value = $2 WHERE event_id = $1", ident, value)
            place = (given.type_id, rollups.hour_of(NOON), "turnover")
            await rollups.add_to_sums(tx, given.project_id, {place: value - old})

    await asyncio.gather(naive(10), naive(20))
    assert await sums(given) != await truth(given)


async def test_a_metric_told_while_its_user_turns_out_to_be_somebody_follows_the_event(
    shop: OpenShop,
) -> None:
    given = await shop()
    await event(given, email="ada@example.com")
    for n in range(6):
        ident = await given.send(data={"basket": 1}, tracker_id=f"t-{n}")
        await given.process()
        await given.send(data={"basket": 1, "email": "ada@example.com"}, tracker_id=f"t-{n}")
        await asyncio.gather(given.process(), told(given, ident, "converted", 1))
    rows = await given.rows(
        "SELECT m.customer_id, e.customer_id AS whose FROM event_metric m JOIN event e ON e.id = m.event_id"
    )
    assert len(rows) == 6
    assert len({one for row in rows for one in row.values()}) == 1


async def declare(shop: Shop, *more: FieldEntry) -> None:
    """The event type gets more fields."""
    async with shop.db.transaction(shop.scope) as tx:
        await update_event_type(tx, shop.type_id, EventTypeFields(fields=[*PURCHASE, *more]), now=NOON)
