"""What waits for clients that do not read is bounded in bytes: for each, for a group, for the process."""

import asyncio
from typing import Any, cast

import pytest

from app.errors import Unavailable
from app.graph.live.subscribers import MAX_WAITING_BYTES, Ended, Payload, Subscriber, Waiting
from app.serving.watching import cut_off

LARGE = Payload(b"x" * 1_000_000)


def subscriber(room: Waiting, group_id: int = 1, *, keeps_all: bool = True) -> Subscriber:
    """A place that nobody reads from."""
    return Subscriber(keeps_all=keeps_all, leave=lambda _: None, group_id=group_id, room=room)


async def test_one_that_must_get_everything_has_room_for_so_many_bytes() -> None:
    room = Waiting()
    slow = subscriber(room)
    for _ in range(MAX_WAITING_BYTES // len(LARGE.body)):
        slow.put(LARGE)
    assert not slow.has_ended
    slow.put(LARGE)
    with pytest.raises(Ended) as ended:
        await slow.next()
    assert isinstance(ended.value.failure, Unavailable)
    assert "slowly" in ended.value.failure.message
    assert room.bytes == 0
    slow.close()


async def test_a_single_message_is_taken_however_large() -> None:
    room = Waiting()
    one = subscriber(room)
    one.put(Payload(b"x" * (MAX_WAITING_BYTES + 1)))
    assert (await one.next()) is not None
    assert room.bytes == 0
    one.close()


async def test_a_group_has_its_part_and_others_have_theirs() -> None:
    room = Waiting(of_group=5_000_000, in_all=8_000_000)
    ours = [subscriber(room) for _ in range(3)]
    for one in ours[:2]:
        one.put(LARGE)
        one.put(LARGE)
    ours[2].put(LARGE)
    ours[2].put(LARGE)  # the sixth
    assert [one.has_ended for one in ours] == [False, False, True]
    theirs = subscriber(room, group_id=2)
    for _ in range(4):
        theirs.put(LARGE)
    assert [theirs.has_ended] == [False]
    theirs.put(LARGE)
    assert [theirs.has_ended] == [True]
    for one in (*ours, theirs):
        one.close()
    assert room.bytes == 0


async def test_who_gets_the_latest_alone_takes_no_room() -> None:
    room = Waiting(of_group=10, in_all=10)
    one = subscriber(room, keeps_all=False)
    for _ in range(3):
        one.put(LARGE)
    assert (await one.next()) is LARGE
    one.close()


async def test_a_message_that_was_read_makes_room() -> None:
    room = Waiting()
    one = subscriber(room)
    for _ in range(50):
        one.put(LARGE)
        assert (await one.next()) is LARGE
    assert room.bytes == 0
    one.close()


class Pipe:
    """A transport with so much unread."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.is_cut = False

    def get_write_buffer_size(self) -> int:
        return self.size

    def is_closing(self) -> bool:
        return self.is_cut

    def abort(self) -> None:
        self.is_cut = True


def test_connections_with_the_most_unread_go_first() -> None:
    pipes = [Pipe(size) for size in (10, 500, 0, 300, 200)]
    cut_off(cast("list[asyncio.Transport]", cast("Any", pipes)), most=600)
    assert [pipe.is_cut for pipe in pipes] == [False, True, False, False, False]
    cut_off(cast("list[asyncio.Transport]", cast("Any", pipes)), most=600)
    assert sum(pipe.is_cut for pipe in pipes) == 1
