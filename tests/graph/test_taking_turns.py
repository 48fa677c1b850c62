"""Heavy operations take turns: a group that is alone has several at once, beside others one."""

import asyncio

import pytest

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
