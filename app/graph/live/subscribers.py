"""One subscriber's side of a topic: what waits for it, within bounds."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import cached_property

from app.errors import Failure, Unavailable
from app.serving import metrics

MAX_WAITING = 100
"""Messages that wait for a subscriber which must get every one of them."""


class Payload:
    """A message, written once for all who get it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        """`{"data": …}`."""

    @cached_property
    def text(self) -> str:
        """For a socket."""
        return self.body.decode()

    @cached_property
    def event(self) -> bytes:
        """For an event stream. JSON kept as it was sent may have line breaks, which would end the field."""
        lines = self.body.replace(b"\r", b" ").replace(b"\n", b"\ndata: ")
        return b"event: next\ndata: " + lines + b"\n\n"


class Ended(Exception):
    """There will be no further message, though it has not come to its end.

    `failure` says why; None: the gateway stops.
    """

    def __init__(self, failure: Failure | None) -> None:
        super().__init__(failure)
        self.failure = failure


class Subscriber:
    """Takes what comes while its client reads, and waits for what comes.

    `keeps_all`: it must get every message, and is ended when too many wait. Else only the latest one waits.
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
        """One more message."""
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
        """Nothing more after what waits."""
        self._is_complete = True
        self._wake.set()

    @property
    def has_ended(self) -> bool:
        """Whether nothing is taken any more."""
        return self._ended is not None

    def end(self, failure: Failure | None) -> None:
        """Nothing more, not even what waits already."""
        if self._ended is None:
            self._ended = Ended(failure)
            self._waiting.clear()
            self._wake.set()

    async def next(self) -> Payload | None:
        """The next message; None when that was all. Raises Ended when there is none for another reason."""
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
        """The client wants no more."""
        self.end(None)
        self._leave(self)
        metrics.live_subscribed(-1)
