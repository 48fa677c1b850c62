"""A small memory of recent answers: bounded in number and in age. And the look-ups that make them."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

SLACK = timedelta(seconds=1)
"""Requests overlap, so an entry may be a little younger than the one who asks. One from further in the future
is not believed: after the clock was set back it would live for too long."""


class Recent(Generic[K, V]):
    """Entries live for `life` at most; when it is full the oldest goes first."""

    def __init__(self, size: int, *, life: timedelta) -> None:
        self._size = size
        self._life = life
        self._entries: dict[K, tuple[datetime, datetime, V]] = {}

    def get(self, key: K, *, now: datetime) -> V | None:
        """What was put under this key, while it is fresh."""
        entry = self._entries.get(key)
        if entry is not None and entry[0] <= now < entry[1]:
            return entry[2]
        return None

    def is_aging(self, key: K, *, now: datetime) -> bool:
        """Whether an entry is in the last third of its life."""
        entry = self._entries.get(key)
        return entry is not None and entry[1] - now < self._life / 3

    def forget(self, key: K) -> None:
        """Remember it no more."""
        self._entries.pop(key, None)

    def put(self, key: K, value: V, *, now: datetime, until: datetime | None = None) -> None:
        """Remember, for `life` or until a moment that comes earlier."""
        self._entries.pop(key, None)
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        end = now + self._life
        self._entries[key] = (now - SLACK, end if until is None else min(end, until), value)

    def __len__(self) -> int:
        return len(self._entries)


class Flights(Generic[K, V]):
    """Look-ups under way, one for each key: whoever asks meanwhile waits for that one."""

    def __init__(self) -> None:
        self._under_way: dict[K, asyncio.Task[V]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._under_way

    def get(self, key: K) -> asyncio.Task[V] | None:
        """The one for this key."""
        return self._under_way.get(key)

    def begin(self, key: K, work: Coroutine[Any, Any, V]) -> asyncio.Task[V]:
        """Begin one; there is none for this key."""
        flight = self._under_way[key] = asyncio.create_task(work)
        flight.add_done_callback(partial(self._landed, key))
        return flight

    def _landed(self, key: K, flight: asyncio.Task[V]) -> None:
        self._under_way.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # read here, or asyncio complains when all who waited have left
