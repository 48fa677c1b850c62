"""Heavy operations take turns: a group that is alone has several at once, beside others one."""

import asyncio

import pytest

from app.db.giving_way import GIVES_WAY
from app.errors import Unavailable
from app.graph.running.turns import AT_ONCE, MAX_WAITING, Turns


async def running(
    turns: Turns, group: int, number: int
) -> tuple[list["asyncio.Task[None]"], list[int], asyncio.Event]:
    """So many operations; how many run now is the list's length."""
    end, now = asyncio.Event(), list[int]()

    async def one() -> None:
        async with turns.turn(group):
            now.append(1)
            await end.wait()
            now.pop()

    tasks = [asyncio.create_task(one()) for _ in range(number)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks, now, end


async def test_alone_a_group_has_several_at_once() -> None:
    turns = Turns()
    turns.saw(1)
    tasks, now, end = await running(turns, 1, 5)
    assert len(now) == AT_ONCE
    end.set()
    await asyncio.gather(*tasks)


async def test_beside_others_it_has_one_and_others_have_theirs_at_once() -> None:
    turns = Turns()
    turns.saw(1)
    turns.saw(2)
    tasks, now, end = await running(turns, 1, 5)
    assert len(now) == 1
    others, theirs, their_end = await running(turns, 2, 2)
    assert len(theirs) == 1
    end.set()
    their_end.set()
    await asyncio.gather(*tasks, *others)


async def test_when_too_many_wait_the_next_is_told() -> None:
    turns = Turns()
    tasks, _, end = await running(turns, 1, AT_ONCE + MAX_WAITING)
    with pytest.raises(Unavailable):
        async with turns.turn(1):
            pass
    end.set()
    await asyncio.gather(*tasks)


async def test_whoever_has_a_turn_beside_others_gives_way_and_nobody_after_it() -> None:
    turns = Turns()
    async with turns.turn(1):
        assert not GIVES_WAY.get(), "alone it gives way to nobody"
    turns.saw(2)
    async with turns.turn(1):
        assert GIVES_WAY.get()
    assert not GIVES_WAY.get()


@pytest.mark.parametrize(
    ("mine_ms", "theirs_ms", "is_slow"),
    [
        (1.0, 0.5, False),
        (6.0, 0.5, True),
        (40.0, 10.0, True),
        # A busy machine: everybody takes longer.
        (12.0, 40.0, False),
        (12.0, 10.0, False),
    ],
)
async def test_slow_is_who_takes_several_times_as_long_as_another(
    mine_ms: float, theirs_ms: float, is_slow: bool
) -> None:
    turns = Turns()
    turns.saw(1)
    for _ in range(100):
        turns.took(1, mine_ms)
        turns.took(2, theirs_ms)
    assert not turns.is_slow(1), "alone nobody is"
    turns.saw(2)
    assert turns.is_slow(1) == is_slow


async def test_a_heavy_group_goes_on_while_others_never_cease() -> None:
    turns, done = Turns(), 0

    async def heavy() -> None:
        nonlocal done
        async with turns.turn(1, is_planned=True):
            await asyncio.sleep(0.02)
        done += 1

    tasks = [asyncio.create_task(heavy()) for _ in range(5)]
    for _ in range(40):
        turns.saw(1)
        turns.saw(2)
        turns.took(2, 0.1)
        await asyncio.sleep(0.01)
    assert done == len(tasks)
