"""The value of a state or statistic that is latest by its own date stands, in whatever order they are told."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

import pytest

from app.domain.events.bringing_in import bring_in_events
from app.domain.events.past import PastEvent, PastMetric, Understood
from app.domain.events.past_metrics import bring_in_metrics
from app.domain.events.standing import FURTHEST_AHEAD
from app.domain.external_ids.giving import set_ids
from app.tables.event_types import EventFieldKind
from tests.events.conftest import OpenShop
from tests.events.test_states_and_statistics import event, history, metrics, sums, told, truth
from tests.given.events import NOON, Shop

HOUR = timedelta(hours=1)
Word = tuple[int, timedelta]
"""A value, and how long after the event it is dated."""


async def test_what_is_dated_later_stands_though_it_came_first(shop: OpenShop) -> None:
    """Not 1: that was true only until 0 was."""
    given = await shop()
    ident = await event(given)
    await told(given, ident, "converted", 0, date=NOON + 48 * HOUR, now=NOON)
    await told(given, ident, "converted", 1, date=NOON + 24 * HOUR, now=NOON + HOUR)
    assert await metrics(given) == {"converted": (Decimal(0), NOON + 48 * HOUR)}
    assert [value for value, *_ in await history(given, "converted")] == [0, 1]  # kept all the same
    assert await sums(given) == await truth(given) == {"event-count": 1}


STATES: Sequence[Word] = ((1, 24 * HOUR), (0, 48 * HOUR), (1, 36 * HOUR), (1, 48 * HOUR))
AMOUNTS: Sequence[Word] = ((400, -2 * HOUR), (70, 0 * HOUR), (-30, 30 * HOUR), (900, 5 * HOUR))


@pytest.mark.parametrize(
    ("key", "first", "words", "stands"),
    [
        ("converted", None, STATES, (1, 48 * HOUR)),  # of one moment the greater
        ("converted", 1, STATES[:2], (0, 48 * HOUR)),
        ("turnover", 100, AMOUNTS, (-30, 30 * HOUR)),
        (
            "turnover",
            100,
            AMOUNTS[:1],
            (400, -2 * HOUR),
        ),  # told, over what came with the event without a date
    ],
)
async def test_any_order_of_arrival_gives_the_same(
    shop: OpenShop, key: str, first: int | None, words: Sequence[Word], stands: Word
) -> None:
    given = await shop()
    for order in permutations(words):
        ident = await event(given, **({} if first is None else {key: first}))
        for n, (value, after) in enumerate(order):
            await told(given, ident, key, value, date=NOON + after, now=NOON + n * HOUR)
        value, after = stands
        assert await metric(given, ident) == (value, NOON + after), order
        assert await sums(given) == await truth(given)
        assert len(await history_of(given, ident)) == len(words) + (first is not None)


async def test_the_last_to_come_would_win_without_the_rule(shop: OpenShop) -> None:
    """What the condition is for: overwriting with whatever comes depends on the order."""
    given = await shop()
    ended = set()
    for order in permutations(STATES[:2]):
        ident = await event(given)
        await told(given, ident, "converted", 0, date=NOON)
        for value, after in order:
            await given.rows(
                "UPDATE event_metric SET value = $2, metric_date = $3 WHERE event_id = $1 RETURNING id",
                ident, value, NOON + after,
            )  # fmt: skip
        ended.add((await metric(given, ident))[0])
    assert ended == {0, 1}


async def test_two_workers_at_once_agree_on_the_latest(shop: OpenShop) -> None:
    given = await shop()
    for _ in range(10):
        ident = await event(given)
        words = [(n % 2, (n * 7 % 12) * HOUR) for n in range(12)]
        await asyncio.gather(
            *(
                told(given, ident, "converted", value, date=NOON + after, now=NOON + n * HOUR)
                for n, (value, after) in enumerate(words)
            )
        )
        value, after = max(words, key=lambda word: (word[1], word[0]))
        assert await metric(given, ident) == (value, NOON + after)
    assert await sums(given) == await truth(given)


async def test_in_one_batch_or_many_files_give_the_same(shop: OpenShop) -> None:
    given = await shop()
    for order in permutations(STATES[:3]):
        for batches in ([list(order)], [[one] for one in order]):
            ident = await event(given)
            fates = [fate for batch in batches for fate in await brought(given, ident, batch)]
            assert await metric(given, ident) == (0, NOON + 48 * HOUR)
            assert len(await history_of(given, ident)) == 3
            assert set(fates) <= {"made", "changed"}
            assert set(await brought(given, ident, list(order))) == {"same"}  # twice is once
            assert len(await history_of(given, ident)) == 3
    assert await sums(given) == await truth(given)


async def test_an_event_from_a_file_may_tell_one_state_several_times(shop: OpenShop) -> None:
    given = await shop()
    for n, order in enumerate(permutations(STATES[:3])):
        past = PastEvent(
            project_id=given.project_id, event_type="purchase", occurred_at=NOON, received_at=NOON,
            ids={"webmarketer": f"e{n}"},
            understood=Understood(
                user=None, data={}, user_data={}, is_attributable=False, metrics=[told_there(*one) for one in order]
            ),
        )  # fmt: skip
        for fate in ("made", "same"):
            async with given.db.transaction(given.scope) as tx:
                [done] = await bring_in_events(tx, [past], now=NOON)
            assert (done.failure, done.fate.value) == (None, fate)
            [row] = await given.rows("SELECT id FROM event ORDER BY id DESC LIMIT 1")
            assert await metric(given, row["id"]) == (0, NOON + 48 * HOUR)
            assert len(await history_of(given, row["id"])) == 3
    assert await sums(given) == await truth(given)


async def test_a_file_with_an_older_value_does_not_undo_what_was_told_here(shop: OpenShop) -> None:
    given = await shop()
    ident = await event(given)
    await told(given, ident, "converted", 0, date=NOON + 48 * HOUR)
    await brought(given, ident, [(1, 24 * HOUR)])
    assert await metric(given, ident) == (0, NOON + 48 * HOUR)
    await told(given, ident, "converted", 1, date=NOON + 30 * HOUR)
    assert await metric(given, ident) == (0, NOON + 48 * HOUR)


async def test_a_value_of_the_year_2999_decides_nothing_for_good(shop: OpenShop) -> None:
    """It is kept with its date, and stands until the next one: its clock counts as the moment it was told."""
    given = await shop()
    ident = await event(given)
    far = datetime(2999, 1, 1, tzinfo=UTC)
    await told(given, ident, "converted", 1, date=far, now=NOON)
    assert await metric(given, ident) == (1, far)
    await told(given, ident, "converted", 0, now=NOON + HOUR)
    assert await metric(given, ident) == (0, NOON + HOUR)
    await told(
        given, ident, "converted", 1, date=NOON + FURTHEST_AHEAD, now=NOON + 2 * HOUR
    )  # may be agreed on
    await told(given, ident, "converted", 0, now=NOON + 3 * HOUR)
    assert await metric(given, ident) == (1, NOON + FURTHEST_AHEAD)


async def test_what_comes_with_an_event_of_a_wrong_clock_is_overruled_at_once(shop: OpenShop) -> None:
    given = await shop()
    ident = await given.send(data={"basket": 1, "converted": 1}, event_date="2999-01-01T00:00:00Z")
    await given.process()
    await told(given, ident, "converted", 0, now=NOON + HOUR)
    assert await metric(given, ident) == (0, NOON + HOUR)


async def test_a_repeat_of_what_came_too_late_is_kept_once(shop: OpenShop) -> None:
    given = await shop()
    ident = await event(given)
    await told(given, ident, "converted", 0, date=NOON + 48 * HOUR)
    for _ in range(3):
        await told(given, ident, "converted", 1, date=NOON + 24 * HOUR)
    assert [value for value, *_ in await history_of(given, ident)] == [0, 1]


async def test_a_late_value_moves_nothing_that_hangs_on_it(shop: OpenShop) -> None:
    """Neither the hourly sums, nor what attribution has to look at again."""
    given = await shop()
    await given.rows(
        "UPDATE customer_group SET attribution_model = 'linear' WHERE id = $1 RETURNING id", given.group_id
    )
    ident = await event(given, email="ada@example.com", turnover=100)
    await told(given, ident, "turnover", 4000, date=NOON + 48 * HOUR)
    await given.rows("DELETE FROM sale_change RETURNING id")
    await told(given, ident, "turnover", 1, date=NOON + 24 * HOUR)
    assert await given.rows("SELECT id FROM sale_change") == []
    assert await sums(given) == {"turnover": 4000, "event-count": 1}
    await told(given, ident, "turnover", 2, date=NOON + 72 * HOUR)
    assert len(await given.rows("SELECT id FROM sale_change")) == 1


async def metric(shop: Shop, ident: UUID) -> tuple[Decimal | int, datetime]:
    """The event's one state or statistic: its value, and since when."""
    [row] = await shop.rows("SELECT value, metric_date FROM event_metric WHERE event_id = $1", ident)
    return row["value"], row["metric_date"]


async def history_of(shop: Shop, ident: UUID) -> list[tuple[Decimal, datetime]]:
    """Every value that was told of it."""
    rows = await shop.rows(
        "SELECT c.value, c.metric_date FROM event_metric_change c JOIN event_metric m ON m.id = c.metric_id"
        " WHERE m.event_id = $1 ORDER BY c.id",
        ident,
    )
    return [(row["value"], row["metric_date"]) for row in rows]


async def brought(shop: Shop, ident: UUID, words: Sequence[Word]) -> list[str]:
    """Bring values in as a file has them; what became of each."""
    name = ("webmarketer", str(ident))
    async with shop.db.transaction(shop.scope) as tx:
        await set_ids(tx, "event", {ident: {"webmarketer": str(ident)}})
        done = await bring_in_metrics(tx, [(name, told_there(*one)) for one in words])
    assert not any(one.failure for one in done)
    return [one.fate.value for one in done]


def told_there(value: int, after: timedelta) -> PastMetric:
    """A value as another system has it."""
    return PastMetric(
        kind=EventFieldKind.STATE, storage_key="converted", value=Decimal(value), metric_date=NOON + after,
        created_at=NOON, updated_at=NOON + after,
    )  # fmt: skip
