"""Things of which there are only so many, shared among groups: places at the door, connections, heavy work.

Alone a group has all of them. Where others want some, too, each has at least its share, the whole divided by the
groups that hold or want any; what some do not use the others may. Whoever is over its share waits; what becomes free
goes to the waiting group that holds the fewest, and inside a group to who waits longest. A few are spare: only groups
below their share get those, so that they need not wait for somebody who holds the rest for long.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

OURS = 0
"""The group of the gateway itself: look-ups of credentials, whoever watches. No customer group has this id."""
WORKER = -1
"""That of what is done in the background, in any group's name."""


class TooMany(Exception):
    """All are taken, and as many of this group wait as may."""


@dataclass(slots=True, eq=False)
class _Turn:
    weight: int
    number: int
    """By which it is seen who came first."""
    ready: "asyncio.Future[None]"


class Shares:
    """How many each group holds, and who waits."""

    def __init__(
        self,
        size: int,
        *,
        spare: int = 0,
        max_waiting: int | None = None,
        most_of: Callable[[int], int] | None = None,
    ) -> None:
        """`spare`: how many there are beyond `size`, for those below their share. `max_waiting`: of one group.

        `most_of`: how many a group may hold at most just now, whatever is free.
        """
        self.size = size
        self.spare = spare
        self.taken = 0
        self._limit: int | None = None
        self._max_waiting = max_waiting
        self._most_of = most_of
        self._held: dict[int, int] = {}
        self._waiting: dict[int, deque[_Turn]] = {}
        self._number = 0

    def held(self, group: int) -> int:
        """How many it holds now."""
        return self._held.get(group, 0)

    def waiting(self, group: int | None = None) -> int:
        """How many wait: of this group, or of all."""
        if group is not None:
            return len(self._waiting.get(group, ()))
        return sum(map(len, self._waiting.values()))

    def has_others(self, group: int) -> bool:
        """Whether another group holds or wants any."""
        return any(one != group for one in self._held) or any(one != group for one in self._waiting)

    def is_below(self, group: int, weight: int = 1) -> bool:
        """Whether it would hold no more than its share with so many more. One is never too many."""
        held = self._held.get(group, 0)
        return held == 0 or (held + weight) * self._active(group) <= self.size

    def take(self, group: int, weight: int = 1) -> bool:
        """So many, if they are free and nobody comes before."""
        if self._most_of is not None and not self._may_hold(group, weight):
            return False
        if (self._waiting or self.taken + weight > self.size) and not self._may_pass(group, weight):
            return False
        if self._limit is not None and self.taken + weight > self._limit:
            return False
        self._held[group] = self._held.get(group, 0) + weight
        self.taken += weight
        return True

    def give_back(self, group: int, weight: int = 1) -> None:
        """They are free again: whoever is next gets them."""
        left = self._held[group] - weight
        if left:
            self._held[group] = left
        else:
            del self._held[group]
        self.taken -= weight
        if self._waiting:
            self._hand_on()

    async def turn(
        self,
        group: int,
        weight: int = 1,
        *,
        within_s: float | None = None,
        late: Callable[[], BaseException] = TimeoutError,
    ) -> None:
        """Wait for so many. TooMany where the group's queue is full, what `late` makes where it takes too long."""
        queue = self._waiting.get(group)
        if queue is None:
            queue = self._waiting[group] = deque()
        elif self._max_waiting is not None and len(queue) >= self._max_waiting:
            raise TooMany
        self._number += 1
        loop = asyncio.get_running_loop()
        turn = _Turn(weight, self._number, loop.create_future())
        queue.append(turn)
        self._hand_on()
        # A busy pool of connections comes here for every other read: `asyncio.timeout` would cost more than the rest.
        timer = None if within_s is None else loop.call_later(within_s, _refuse, turn.ready, late)
        try:
            await turn.ready
        except BaseException:
            if turn.ready.done() and not turn.ready.cancelled() and turn.ready.exception() is None:
                # Our turn came as we left.
                self.give_back(group, weight)
            else:
                self._leave(group, turn)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def limit(self, most: int | None) -> None:
        """However many there should be: there are no more than so many just now; None: there are all again."""
        self._limit = most
        self._hand_on()

    def refuse(self, problem: Callable[[], BaseException]) -> None:
        """Whoever waits is told."""
        waiting, self._waiting = self._waiting, {}
        for queue in waiting.values():
            for turn in queue:
                if not turn.ready.done():
                    turn.ready.set_exception(problem())

    # ── how it is done ────────────────────────────────────────────────────────

    def _active(self, group: int) -> int:
        """Groups that hold or want any, with this one."""
        if len(self._held) < 2 and len(self._waiting) < 2 and not self.has_others(group):
            return 1
        return len(self._held.keys() | self._waiting.keys() | {group})

    def _may_pass(self, group: int, weight: int) -> bool:
        """Whether one that just came gets its own though it is crowded."""
        return group not in self._waiting and self.is_below(group, weight) and self._fits(weight, spare=True)

    def _fits(self, weight: int, *, spare: bool) -> bool:
        if self._limit is not None and self.taken + weight > self._limit:
            return False
        # What weighs more than there is gets in alone.
        return self.taken + weight <= self.size + (self.spare if spare else 0) or not self.taken

    def _may_hold(self, group: int, weight: int) -> bool:
        return self._most_of is None or self._held.get(group, 0) + weight <= self._most_of(group)

    def _next(self) -> tuple[int, _Turn] | None:
        """Whose turn it is: of those who may hold more the group that holds the fewest, then who waits longest."""
        if len(self._waiting) == 1:
            ((group, queue),) = self._waiting.items()
            first = queue[0]
            if self._most_of is None or first.ready.done() or self._may_hold(group, first.weight):
                return group, first
            return None
        firsts = ((group, queue[0]) for group, queue in self._waiting.items())
        mine = (one for one in firsts if self._may_hold(one[0], one[1].weight) or one[1].ready.done())
        return min(mine, key=lambda one: (self._held.get(one[0], 0), one[1].number), default=None)

    def _hand_on(self) -> None:
        # A busy pool comes here with every read.
        while self._waiting and (self.taken < self.size or self._has_spare_for_others()):
            first = self._next()
            if first is None:
                return
            group, turn = first
            if turn.ready.done():  # It was cancelled, and has not noticed yet.
                self._drop(group, turn)
                continue
            weight = turn.weight
            if self.taken + weight > self.size or self._limit is not None:
                if not self._fits(weight, spare=self.is_below(group, weight)):
                    return
            self._drop(group, turn)
            self._held[group] = self._held.get(group, 0) + weight
            self.taken += weight
            turn.ready.set_result(None)

    def _has_spare_for_others(self) -> bool:
        """All but the spare ones are taken: whether they may be for anybody, or one group has all and waits alone."""
        if self.taken >= self.size + self.spare:
            return False
        return len(self._held) > 1 or self._held.keys() != self._waiting.keys()

    def _leave(self, group: int, turn: _Turn) -> None:
        """It does not wait any more; others may have waited for it."""
        self._drop(group, turn)
        self._hand_on()

    def _drop(self, group: int, turn: _Turn) -> None:
        queue = self._waiting.get(group)
        if queue is None:
            return
        if queue[0] is turn:
            queue.popleft()
        elif turn in queue:
            queue.remove(turn)
        if not queue:
            del self._waiting[group]


def _refuse(ready: "asyncio.Future[None]", late: Callable[[], BaseException]) -> None:
    if not ready.done():
        ready.set_exception(late())
