"""What there is only so much of is shared by groups: alone one has all, and nobody waits behind another's queue."""

import asyncio
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.values.shares import Shares, TooMany

STEPS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["take", "give", "wait"])), max_size=80)


async def settled() -> None:
    """Whoever got its turn has noticed."""
    for _ in range(4):
        await asyncio.sleep(0)


def waiting(shares: Shares, group: int, weight: int = 1) -> "asyncio.Task[None]":
    """Somebody who waits."""
    return asyncio.create_task(shares.turn(group, weight))


def test_alone_a_group_has_all_but_what_is_spare() -> None:
    shares = Shares(4, spare=2)
    assert [shares.take(1) for _ in range(5)] == [True] * 4 + [False]
    shares.give_back(1)
    assert shares.take(1)


def test_a_group_below_its_share_gets_what_is_spare_at_once() -> None:
    shares = Shares(4, spare=2)
    for _ in range(4):
        shares.take(1)
    assert [shares.take(2) for _ in range(3)] == [True, True, False]
    assert not shares.take(3), "nothing is left, however little it has"
    shares.give_back(2)
    assert not shares.take(1)
    assert shares.take(3)


def test_what_others_do_not_use_one_may_have() -> None:
    shares = Shares(10)
    assert shares.take(2)
    assert [shares.take(1) for _ in range(10)] == [True] * 9 + [False]


def test_who_weighs_more_than_there_is_gets_in_alone() -> None:
    shares = Shares(4)
    assert shares.take(1, 8)
    assert not shares.take(2)
    shares.give_back(1, 8)
    assert shares.take(2)


async def test_what_becomes_free_goes_to_the_group_that_holds_the_fewest() -> None:
    shares = Shares(3)
    for group in (1, 1, 2):
        assert shares.take(group)
    first, second, third = waiting(shares, 1), waiting(shares, 2), waiting(shares, 3)
    await settled()
    for who, gives in ((third, 1), (first, 1), (second, 2)):
        assert not who.done()
        shares.give_back(gives)
        await settled()
        assert who.done()
    assert (shares.held(1), shares.held(2), shares.held(3)) == (1, 1, 1)


async def test_inside_a_group_and_between_equals_who_waits_longest_is_next() -> None:
    shares = Shares(1)
    shares.take(9)
    order: list[int] = []

    async def wants(number: int, group: int) -> None:
        await shares.turn(group)
        order.append(number)
        shares.give_back(group)

    tasks = [asyncio.create_task(wants(n, group)) for n, group in enumerate((1, 1, 2, 3, 2))]
    await settled()
    shares.give_back(9)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


async def test_nobody_of_a_group_overtakes_those_of_it_who_wait() -> None:
    shares = Shares(2)
    shares.take(1)
    shares.take(1)
    big = waiting(shares, 2, 2)
    await settled()
    shares.give_back(1)
    await settled()
    assert not shares.take(2)
    assert not shares.take(1), "others wait, and it has its share"
    shares.give_back(1)
    await settled()
    assert big.done()


async def test_a_queue_is_bounded_in_number_and_time() -> None:
    shares = Shares(1, max_waiting=1)
    shares.take(1)
    task = waiting(shares, 2)
    await settled()
    with pytest.raises(TooMany):
        await shares.turn(2)
    with pytest.raises(TimeoutError):
        await shares.turn(3, within_s=0.01)
    assert shares.waiting() == shares.waiting(2) == 1
    shares.give_back(1)
    await task


async def test_who_leaves_takes_nothing_along_whenever_that_is() -> None:
    for steps in range(5):
        shares = Shares(1)
        shares.take(1)
        leaving, staying = waiting(shares, 2), waiting(shares, 3)
        await settled()
        shares.give_back(1)
        for _ in range(steps):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        if not leaving.cancelled():
            shares.give_back(2)
        await asyncio.wait_for(staying, 1)
        assert (shares.taken, shares.held(3), shares.waiting()) == (1, 1, 0)


async def test_one_that_leaves_makes_way_for_those_behind_it() -> None:
    shares = Shares(4)
    shares.take(1, 3)
    big, small = waiting(shares, 2, 2), waiting(shares, 2)
    await settled()
    big.cancel()
    await asyncio.wait_for(small, 1)


@given(steps=STEPS, size=st.integers(1, 8), spare=st.integers(0, 3))
def test_they_are_shared_out_max_min_fair(steps: list[tuple[int, str]], size: int, spare: int) -> None:
    async def run() -> None:
        shares = Shares(size, spare=spare)
        held: Counter[int] = Counter()
        tasks: list[tuple[int, asyncio.Task[None]]] = []
        for group, what in steps:
            if what == "take":
                held[group] += shares.take(group)
            elif what == "give" and held[group]:
                held[group] -= 1
                shares.give_back(group)
            elif what == "wait":
                tasks.append((group, waiting(shares, group)))
            await settled()
            for one in [one for one in tasks if one[1].done()]:
                tasks.remove(one)
                held[one[0]] += 1
            wants = Counter(group for group, _ in tasks)
            assert sum(held.values()) == shares.taken <= size + spare
            assert shares.waiting() == len(tasks)
            active = {group for group in (*held, *wants) if held[group] or wants[group]}
            if wants:
                assert shares.taken >= size, "nobody waits where there is room"
            for group in wants:
                share = Fraction(size, len(active))
                if held[group] + 1 <= share or not held[group]:
                    assert shares.taken == size + spare, "below its share it gets what is spare"
        for _, task in tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)
        assert shares.waiting() == 0

    asyncio.run(run())
