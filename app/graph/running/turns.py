"""Heavy operations take turns: what counts, simulates or prints tens of thousands of values, or was seen to take long.

A few run at once in a process. While requests of other groups come in, each group has one at a time, and pauses for as
long as that one took, or for twice as long where it is this process that works: so a heavy tenant leaves most of the
processor, of the database and of the connections to others, and all of it is its own when nobody else is there. What
they read meanwhile is read on connections of their own, whose processes give way in the database (`db/giving_way.py`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

from app.db.giving_way import GIVES_WAY
from app.errors import Unavailable
from app.values.shares import Shares, TooMany
from app.values.slices import PAUSE, SLICE_S

AT_ONCE = 3
"""Fewer than there are reading connections."""
MAX_WAITING = 32
"""Of one group."""
SLOW_MS, TIMES_OTHERS, NEWEST_COUNTS = 5.0, 3.0, 0.1
"""A group is slow whose statements take that long, and so many times as long as those of another that is about: on a
busy machine everybody's take longer, and who waits for somebody slow is not slow."""
ABOUT_FOR_S = 2.0
"""So long after its last request a group is still about."""
LONG_S, MAX_PAUSE_S = 0.005, 1.0
"""What took less is followed by no pause, and none is longer."""


class Turns:
    """The heavy operations of a process."""

    def __init__(self) -> None:
        self._shares = Shares(AT_ONCE, max_waiting=MAX_WAITING, most_of=self._most_of)
        self._seen: dict[int, float] = {}
        self._mean_ms: dict[int, float] = {}
        """How long statements take, by group, of late."""

    def saw(self, group: int) -> bool:
        """A request of this group came in. Whether what this group asks takes long on the whole, however it looks, and
        others are about."""
        self._seen[group] = time.monotonic()
        # Most groups are not: they are not compared with others.
        return self._mean_ms.get(group, 0.0) > SLOW_MS and self.is_slow(group)

    def took(self, group: int, took_ms: float) -> None:
        """A statement of this group took so long."""
        mean = self._mean_ms.get(group, 0.0)
        self._mean_ms[group] = mean + (took_ms - mean) * NEWEST_COUNTS

    def is_slow(self, group: int) -> bool:
        """Whether what this group asks takes long on the whole, however it looks, and others are about."""
        mean_ms = self._mean_ms.get(group, 0.0)
        if mean_ms <= SLOW_MS:
            return False
        others = [self._mean_ms.get(one, 0.0) for one in self._about(group)]
        return bool(others) and mean_ms > TIMES_OTHERS * min(others)

    def others_are_about(self, group: int) -> bool:
        """Whether another group asks for anything, too."""
        return next(self._about(group), None) is not None

    @asynccontextmanager
    async def turn(self, group: int, *, is_planned: bool = False) -> AsyncIterator[None]:
        """A turn. Unavailable where too many of this group wait.

        `is_planned`: the database does the work, which has more than one process for it.
        """
        if not self._shares.take(group):
            try:
                await self._shares.turn(group)
            except TooMany:
                raise Unavailable(
                    "Too many large requests are under way. Please try again shortly.", retry_after_s=5
                ) from None
        started = time.monotonic()
        PAUSE.set(partial(self._pause, group))
        was = GIVES_WAY.set(self.others_are_about(group))
        try:
            yield
        finally:
            GIVES_WAY.reset(was)
            took_s = time.monotonic() - started
            if took_s > LONG_S and self.others_are_about(group):
                pause_s = min((1 if is_planned else 2) * took_s, MAX_PAUSE_S)
                asyncio.get_running_loop().call_later(pause_s, self._shares.give_back, group)
            else:
                self._shares.give_back(group)

    def _about(self, group: int) -> Iterator[int]:
        """The other groups that ask for anything."""
        since = time.monotonic() - ABOUT_FOR_S
        return (one for one, seen in self._seen.items() if one != group and seen > since)

    def _pause(self, group: int) -> float:
        return 2 * SLICE_S if self.others_are_about(group) else 0.0

    def _most_of(self, group: int) -> int:
        return 1 if self.others_are_about(group) else AT_ONCE
