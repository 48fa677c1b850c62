"""One subscriber's side of a topic: what waits for it, within bounds."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from functools import cached_property

from app.errors import Failure, Unavailable
from app.serving import metrics

MAX_WAITING = 100
"""The most messages that wait for a subscriber who must get every one of them."""
MAX_WAITING_BYTES = 8 * 1024 * 1024
"""How large they may be together; a single one may be larger."""
MAX_WAITING_OF_GROUP = 64 * 1024 * 1024
"""For all subscribers of a group together."""
MAX_WAITING_IN_ALL = 256 * 1024 * 1024
"""For all of this process. Whoever gets the latest message alone needs none of it: that one is shared."""


class Payload:
    """A message, encoded once for all who get it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        """`{"data": …}`."""

    @cached_property
    def text(self) -> str:
        """For a socket."""
        return self.body.decode()

    @cached_property
    def event(self) -> bytes:
        """For an event stream. JSON stored as it was sent may have line breaks, which would end the field."""
        lines = self.body.replace(b"\r", b" ").replace(b"\n", b"\ndata: ")
        return b"event: next\ndata: " + lines + b"\n\n"


class Ended(Exception):
    """There will be no further message, although the subscription is not complete.

    `failure` says why; None: the gateway stops.
    """

    def __init__(self, failure: Failure | None) -> None:
        super().__init__(failure)
        self.failure = failure


class Waiting:
    """Bytes of messages that wait, by group."""

    def __init__(self, *, of_group: int = MAX_WAITING_OF_GROUP, in_all: int = MAX_WAITING_IN_ALL) -> None:
        self._of_group = of_group
        self._in_all = in_all
        self.bytes = 0
        self._groups: Counter[int] = Counter()

    def take(self, group_id: int, size: int) -> bool:
        """Room for a message; False where there is none."""
        if self._groups[group_id] + size > self._of_group or self.bytes + size > self._in_all:
            return False
        self.bytes += size
        self._groups[group_id] += size
        return True

    def give_back(self, group_id: int, size: int) -> None:
        """A message waits no longer."""
        self.bytes -= size
        self._groups[group_id] -= size
        if not self._groups[group_id]:
            del self._groups[group_id]


WAITING = Waiting()


class Subscriber:
    """Collects messages while its client reads, and waits for more.

    `keeps_all`: it must get every message, and is ended when too many wait. Otherwise only the latest one is kept.
    """

    def __init__(
        self,
        *,
        keeps_all: bool,
        leave: "Callable[[Subscriber], None]",
        group_id: int = 0,
        room: Waiting = WAITING,
    ) -> None:
        self._keeps_all = keeps_all
        self._leave = leave
        self._group_id = group_id
        self._room = room
        self._bytes = 0
        """Of what waits, where that must all be sent."""
        self._waiting: deque[Payload] = deque()
        self._ended: Ended | None = None
        self._is_complete = False
        self._wake = asyncio.Event()
        metrics.live_subscribed(1)

    def put(self, payload: Payload) -> None:
        """Add a message."""
        if self._ended is not None:
            return
        if self._keeps_all and (why := self._refuses(len(payload.body))):
            metrics.live_dropped(len(self._waiting))
            self.end(Unavailable(f"{why}. Subscribe again."))
            return
        if not self._keeps_all and self._waiting:
            self._waiting.clear()
            metrics.live_dropped(1)
        self._waiting.append(payload)
        self._wake.set()

    def complete(self) -> None:
        """No more messages after those that wait."""
        self._is_complete = True
        self._wake.set()

    @property
    def has_ended(self) -> bool:
        """Whether it takes no more messages."""
        return self._ended is not None

    def end(self, failure: Failure | None) -> None:
        """No more messages, not even those that wait already."""
        if self._ended is None:
            self._ended = Ended(failure)
            self._waiting.clear()
            self._free(self._bytes)
            self._wake.set()

    async def next(self) -> Payload | None:
        """The next message; None when it is complete. Raises Ended when there are no more for another reason."""
        while True:
            if self._ended is not None:
                raise self._ended
            if self._waiting:
                metrics.live_message()
                payload = self._waiting.popleft()
                if self._keeps_all:
                    self._free(len(payload.body))
                return payload
            if self._is_complete:
                return None
            self._wake.clear()
            await self._wake.wait()

    def close(self) -> None:
        """The client has unsubscribed."""
        self.end(None)
        self._leave(self)
        metrics.live_subscribed(-1)

    def _refuses(self, size: int) -> str:
        """Why a message cannot wait; empty: it can, and its room is taken."""
        if len(self._waiting) >= MAX_WAITING:
            return f"{MAX_WAITING} messages were waiting, you read too slowly"
        if self._waiting and self._bytes + size > MAX_WAITING_BYTES:
            return f"{self._bytes + size} bytes were waiting, you read too slowly"
        if not self._room.take(self._group_id, size):
            return "Too much waits for subscribers who read too slowly"
        self._bytes += size
        return ""

    def _free(self, size: int) -> None:
        if size:
            self._bytes -= size
            self._room.give_back(self._group_id, size)
