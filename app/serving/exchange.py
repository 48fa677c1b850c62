"""What the door and the surfaces tell each other about one request."""

import asyncio
import itertools
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.types import Receive

from app.serving.bodies import FORM_WEIGHT, MAX_BODY, MAX_FORM, Entrance
from app.values.shares import OURS

KEY = "gateway"
"""Where the ASGI scope keeps it."""
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The request under way, for log records of code that has no access to its exchange."""

CLIENT_LEFT = 499
"""The status in the log when nobody waited for the answer (the code nginx uses)."""
WHOLE = "gateway.whole"
"""Where the ASGI scope keeps the bytes of a request that came in one piece and alone."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._:\-]{8,64}")

# Ids only have to be unique: a random number per process and a count do, without one per request.
_PROCESS = secrets.token_hex(4)
_COUNT = itertools.count(1)


class Again(Protocol):
    """Asks the same again, for the same credential."""

    def __call__(self, exchange: "Exchange") -> Awaitable[bytes | None]:
        """The body of an answer with status 200; None where the request has to be read after all."""


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """How a request that is known by its bytes is answered again."""

    again: Again
    head: bytes
    """The lines of the answer's head that never change, except the first."""
    method: str
    route: str
    size: int
    """The request's bytes."""
    group: int
    """Whose places it takes."""


class AnswersAgain(Protocol):
    """Knows requests by their bytes (`known_requests.py`)."""

    def find(self, request: bytes) -> KnownRequest | None:
        """What is known of a request."""

    async def answer(self, known: KnownRequest, exchange: "Exchange") -> bytes | None:
        """The answer's body; None where the request has to go the long way. Empty where nobody waits for it."""


class Room(Protocol):
    """What an open route has room for (`strangers.py`)."""

    def take(self) -> bool:
        """A place, if one is free."""

    def give_back(self) -> None:
        """A place is free again."""

    async def read(self, exchange: "Exchange", receive: Receive) -> bytes:
        """The whole body of a request that waits for it there."""


class Gate(Protocol):
    """What the door does for requests it let in."""

    @property
    def known_requests(self) -> AnswersAgain:
        """What is known of requests by their bytes."""

    def let_in(self, exchange: "Exchange", *, group: int) -> bool:
        """Whether there is room for this request; if so it takes its place."""

    def make_room(self, exchange: "Exchange") -> None:
        """A request that was let in is done."""

    def admit(self, exchange: "Exchange", *, group: int, weight: int) -> Awaitable[None] | None:
        """A place for one that is under way, and of whom it is known who asks.

        None where it has one at once, else what has to be awaited. Unavailable where there is none.
        """

    def admit_stranger(self, exchange: "Exchange", entrance: Entrance) -> None:
        """A place for one of whom nothing is known. Unavailable where there is none."""

    def lobby(self, entrance: Entrance) -> Room:
        """The room there is for strangers."""

    def leave(self, exchange: "Exchange") -> None:
        """It is not under way any more, and gives back the place it has."""

    def note(self, exchange: "Exchange", method: str, *, took_s: float) -> None:
        """Log and count what was answered."""


class Exchange:
    """One request on its way through. The surfaces fill in what the log line says about it."""

    # Class attributes, so that a request writes only what it changes.
    route = ""
    """The route's template, never the path: paths can hold secrets, and each would become a metric of its own."""
    status = 0
    address = ""
    """Where it comes from, as soon as a surface has looked."""
    principal = ""
    operation = ""
    execution = ""
    left = False
    """The client closed the connection before it had its answer."""
    task: asyncio.Task[Any] | None = None
    gate: Gate | None = None
    weight = 0
    """How many requests it counts as while it is under way and it is known who asks."""
    group = OURS
    """The customer group of whoever asks: its places are shared out by that."""
    lobby: Room | None = None
    """Where it has a stranger's place."""
    is_under_way = False
    max_body = MAX_BODY
    """How much of its body is read, whatever its headers say."""
    body_within_s: float | None = None
    """How long its body may be on its way; None: as long as it moves."""
    closes = False
    """Whether its connection is closed after its answer."""
    at_stop: Callable[[], None] | None = None
    again: Again | None = None
    """How the same request is answered when it comes again, where that is possible."""

    def __init__(self, headers: dict[bytes, bytes]) -> None:
        self.headers = headers
        """By lower-case name; of a repeated header the last one."""
        asked = headers.get(b"x-request-id")
        if asked is not None and _SANE_ID.fullmatch(asked):
            self.request_id = asked.decode("ascii")
        else:
            self.request_id = f"{_PROCESS}{next(_COUNT):08x}"

    def header(self, name: bytes) -> str | None:
        """A header's text; None where it was not sent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def cancel_with_client(self) -> None:
        """From here on this request is abandoned when its client leaves: it only reads."""
        self.task = asyncio.current_task()
        if self.left and self.task is not None:
            self.task.cancel()

    def step_aside(self) -> None:
        """From here on it only waits, perhaps for hours, and takes no place among the requests under way."""
        if self.gate is not None:
            self.gate.leave(self)

    def enter(self, *, group: int = OURS, form: bool = False) -> Awaitable[None] | None:
        """It is known who asks: from here on it has a place; where it is crowded, after what this returns was awaited.

        Said before the body is read. `form`: the route takes files, and some may come. Unavailable where there is no
        place.
        """
        if form:
            self.max_body = MAX_FORM
        if self.gate is None:
            return None
        return self.gate.admit(self, group=group, weight=FORM_WEIGHT if form else 1)

    def knock(self, entrance: Entrance) -> None:
        """Nobody knows who asks: from here on it has a stranger's place. Unavailable where there is none."""
        if self.gate is not None:
            self.gate.admit_stranger(self, entrance)

    def note(self, exchange: "Exchange", method: str, *, took_s: float) -> None:
        """Log and count another request that came inside this one."""
        if self.gate is not None:
            self.gate.note(exchange, method, took_s=took_s)

    def server_stops(self) -> None:
        """Called by the connection. Answers without an end of their own have set `at_stop`."""
        if self.at_stop is not None:
            self.at_stop()

    def is_given_up(self) -> bool:
        """Whether this request was cancelled because nobody waits for it: then that is its end, and no error."""
        task = asyncio.current_task()
        if self.left and task is not None:
            task.uncancel()
        return self.left

    def client_left(self) -> None:
        """Called by the connection. Cancelling the task makes the driver cancel the running statement."""
        self.left = True
        if self.task is not None:
            self.task.cancel()


def exchange_of(scope: MutableMapping[str, Any]) -> Exchange:
    """The exchange of a request; a new one where there is no door in front."""
    found = scope.get(KEY)
    if isinstance(found, Exchange):
        return found
    made = scope[KEY] = Exchange(dict(scope["headers"]))
    return made
