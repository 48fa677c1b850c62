"""Long work in slices: whoever works through many things lets everything else in this process run in between.

Where others are about (`PAUSE` says so) there is a pause after each slice, so that they have most of the processor.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

SLICE_S = 0.002
"""How long one works without a break; others in this process wait that long."""
PAUSE: ContextVar[Callable[[], float]] = ContextVar("pause", default=lambda: 0.0)
"""How long the work under way waits after a slice, in seconds."""


class Slice:
    """A turn of work without a break, SLICE_S long."""

    def __init__(self) -> None:
        self._until = time.perf_counter() + SLICE_S

    @property
    def is_over(self) -> bool:
        """Whether others should have a turn."""
        return time.perf_counter() >= self._until

    async def pass_on(self) -> None:
        """Let everything else in this process run, then take the next turn."""
        await asyncio.sleep(PAUSE.get()())
        self._until = time.perf_counter() + SLICE_S


async def gradually(things: Sequence[T]) -> AsyncIterator[T]:
    """One after the other, with breaks."""
    turn = Slice()
    for thing in things:
        if turn.is_over:
            await turn.pass_on()
        yield thing


class FewAtOnce:
    """Where many tasks become ready at once they go on a few at a time, and everything else runs in between."""

    AT_ONCE = 4
    """Without a pause; with one they go on one by one."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._afterwards: list[Callable[[], None]] = []
        self._is_passing = False

    async def turn(self) -> None:
        """Wait for the next turn."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if not self._is_passing:
            self._is_passing = True
            loop.call_soon(self._next)
        await mine

    def once_all_had_one(self, do: Callable[[], None]) -> bool:
        """Do this when everybody has had their turn; False where nobody waits for one."""
        if self._is_passing:
            self._afterwards.append(do)
        return self._is_passing

    def _next(self) -> None:
        pause_s = PAUSE.get()()
        for _ in range(min(1 if pause_s else self.AT_ONCE, len(self._waiting))):
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
        loop = asyncio.get_running_loop()
        if self._waiting:
            loop.call_later(pause_s, self._next)
        else:
            loop.call_soon(self._end)  # After those who have their turn now.

    def _end(self) -> None:
        if self._waiting:  # Somebody came with the last of them.
            self._next()
            return
        self._is_passing = False
        afterwards, self._afterwards = self._afterwards, []
        for do in afterwards:
            do()
