"""One subscriber's side of a topic: what waits for it, within bounds."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import cached_property

from app.errors import Failure, Unavailable
from app.serving import metrics

MAX_WAITING = 100
"""The most messages that wait for a subscriber who must get every one of them."""


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


class Subscriber:
    """Collects messages while its client reads, and waits for more.

    `keeps_all`: it must get every message, and is ended when too many wait. Otherwise only the latest one is kept.
    """

    def __init__(self, *, keeps_all: bool, leave: "Callable[[Subscriber], None]") -> None:
        self._keeps_all = keeps_all
        self._leave = leave
        self._waiting: deque[Payload] = deque()
        self._ended: Ended | None = None
        self._is_complete = False
        self._wake = asyncio.Event()
        metrics.live_subscribed(1)

    def put(self, payload: Payload) -> None:
        """Add a message."""
        if self._ended is not None:
            return
        if self._keeps_all and len(self._waiting) >= MAX_WAITING:
            metrics.live_dropped(len(self._waiting))
            self.end(
                Unavailable(f"{MAX_WAITING} messages were waiting, you read too slowly. Subscribe again.")
            )
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
            self._wake.set()

    async def next(self) -> Payload | None:
        """The next message; None when it is complete. Raises Ended when there are no more for another reason."""
        while True:
            if self._ended is not None:
                raise self._ended
            if self._waiting:
                metrics.live_message()
                return self._waiting.popleft()
            if self._is_complete:
                return None
            self._wake.clear()
            await self._wake.wait()

    def close(self) -> None:
        """The client has unsubscribed."""
        self.end(None)
        self._leave(self)
        metrics.live_subscribed(-1)
