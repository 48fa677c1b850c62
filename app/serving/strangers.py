"""Those of whom nothing is known yet: on routes that are open to everybody, and on sockets that have not said who
they are.

While a stranger's body is on its way it takes no place anybody else could want: it waits, within a bound of its
route's, and where too many wait whoever waits longest has to leave. Somebody who means it has said everything in
milliseconds. When all of it is here it is worked on, in one of its route's few places.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope

from app.errors import BUSY, Unavailable
from app.serving.bodies import MIB, ClientGone, Entrance, too_large
from app.serving.exchange import Exchange, exchange_of

MAX_WAITING = 1_000
"""Of one route, and sockets of one process."""
MAX_HELD = 16 * MIB
"""Of bodies that are not yet complete, of one route."""


class Waiting:
    """Those we wait for. Where they are too many the one that waits longest leaves."""

    def __init__(self, *, most: int = MAX_WAITING) -> None:
        self._most = most
        self._leave: dict[object, Callable[[], object]] = {}

    def __len__(self) -> int:
        return len(self._leave)

    def add(self, who: object, leave: Callable[[], object]) -> None:
        """One more; `leave` is called when it has to go."""
        self._leave[who] = leave
        if len(self._leave) > self._most:
            self.send_one_away()

    def remove(self, who: object) -> None:
        """It need not wait any more."""
        self._leave.pop(who, None)

    def send_one_away(self) -> None:
        """The one that waits longest."""
        longest = next(iter(self._leave), None)
        if longest is not None:
            self._leave.pop(longest)()


class Lobby:
    """The room of one entrance."""

    def __init__(self, entrance: Entrance, *, places: int, max_waiting: int = MAX_WAITING) -> None:
        self.entrance = entrance
        self.places = places
        self.taken = 0
        self.held = 0
        """Bytes of bodies that are not complete."""
        self.waiting = Waiting(most=max_waiting)

    def take(self) -> bool:
        """A place, if one is free."""
        if self.taken >= self.places:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        """A place is free again."""
        self.taken -= 1

    async def read(self, exchange: Exchange, receive: Receive) -> bytes:
        """The whole body. Raises TooLarge, Unavailable (others came, and this one was slow) or ClientGone."""
        limit = self.entrance.max_body
        exchange.max_body, exchange.body_within_s = limit, self.entrance.body_within_s
        # What is too large is not waited for, and a connection with half a body on it is of no use to anybody.
        exchange.closes = True
        if int(exchange.headers.get(b"content-length", b"0")) > limit:
            raise too_large("The body", limit)
        sent_away = False
        task = asyncio.current_task()
        assert task is not None

        def leave() -> None:
            nonlocal sent_away
            sent_away = True
            task.cancel()

        chunks: list[bytes] = []
        size, more = 0, True
        self.waiting.add(task, leave)
        try:
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGone
                more = message.get("more_body", False)
                chunk: bytes = message.get("body", b"")
                chunks.append(chunk)
                size += len(chunk)
                self.held += len(chunk)
                if size > limit:
                    raise too_large("The body", limit)
                if more and self.held > MAX_HELD:
                    self.waiting.send_one_away()
        except asyncio.CancelledError:
            if not sent_away:
                raise
            task.uncancel()
            raise Unavailable(BUSY) from None
        finally:
            self.waiting.remove(task)
            self.held -= size
        exchange.closes = False
        return b"".join(chunks)


async def body_of_stranger(scope: Scope, receive: Receive, entrance: Entrance) -> bytes:
    """The body of a request to an open route, which has a place there from then on.

    Raises TooLarge, ClientGone, or Unavailable where there is no room.
    """
    exchange = exchange_of(scope)
    lobby = Lobby(entrance, places=1) if exchange.gate is None else exchange.gate.lobby(entrance)
    body = await lobby.read(exchange, receive)
    exchange.knock(entrance)
    return body
