"""Look-ups under way: whoever asks for the same meanwhile waits for that one."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Flights(Generic[K, V]):
    """One for each key at most."""

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
