"""What the driver's errors mean, as failures of ours: the database is slow, gone or overloaded, or a text cannot be
stored; and what the log says while it is away."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.errors import Failure, Invalid, Unavailable

TELL_EVERY_S = 10.0

log = logging.getLogger(__name__)

_AWAY = "The database cannot be reached just now."
_GONE = (
    asyncpg.PostgresConnectionError,
    # It stops or is not up yet: a stop, a crash, a postmaster that was killed, a start.
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    OSError,
    # The server has announced its end, and the connection has not been closed yet.
    asyncpg.InternalClientError,
)


class Away(Unavailable):
    """The database gave no connection, or ended one."""


class TookTooLong(Unavailable):
    """A statement ran into its time limit."""


def outage(error: BaseException) -> Unavailable | None:
    """The failure behind a driver's error; None where the error is our own."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Unavailable):
            return seen
        if isinstance(seen, asyncpg.QueryCanceledError):
            return TookTooLong("The query took too long. Ask for less, or narrow it down.")
        if isinstance(seen, _GONE) or _is_closed(seen):
            return Away(_AWAY)
        seen = seen.__cause__
    return None


def unfit(error: BaseException) -> Invalid | None:
    """The failure behind a text that PostgreSQL cannot hold. Each way in refuses NUL and halves of characters before
    that (`values/texts.py`, `values/json_text.py`, `graph/documents/limits.py`); this is for what they overlook."""
    if isinstance(error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return Invalid("A text holds the character NUL (U+0000), which cannot be stored.")
    if isinstance(error, asyncpg.DataError) and isinstance(error.__cause__, UnicodeEncodeError):
        return Invalid("A text holds half of a surrogate pair, which is not a character.")
    return None


@contextmanager
def told() -> Iterator[None]:
    """Raises the driver's errors as failures of ours where they are. All ways to the database go through here."""
    try:
        yield
    except Failure:
        raise
    except Exception as problem:
        failure = outage(problem) or unfit(problem)
        if failure is None:
            raise
        raise failure from problem


class Absence:
    """Logs that the database is unreachable: when that begins, every `TELL_EVERY_S` after that, and when it is over.

    A line for each refused connection would fill the log, thousands a minute.
    """

    def __init__(self) -> None:
        self.began: float | None = None
        """By the monotonic clock; None while we get connections."""
        self._told = 0.0
        self._refused = 0

    @contextmanager
    def giving(self) -> Iterator[None]:
        """Wraps asking for a connection. Raises Away where the database gives none, for whatever reason."""
        try:
            yield
        except (*_GONE, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
            failure = outage(problem) or Away(_AWAY)
            if isinstance(failure, Away):
                self.refused(problem)
            raise failure from problem
        self.over()

    def refused(self, problem: object, *, now_s: float | None = None) -> None:
        """We got no connection."""
        now_s = time.monotonic() if now_s is None else now_s
        self._refused += 1
        if self.began is None:
            self.began = self._told = now_s
            log.warning("the database gives no connection: %s", problem)
        elif now_s - self._told >= TELL_EVERY_S:
            self._told = now_s
            log.warning(
                "the database gives no connection for %.0f s, %d were refused: %s",
                now_s - self.began, self._refused, problem,
            )  # fmt: skip

    def over(self, *, now_s: float | None = None) -> None:
        """We got a connection."""
        if self.began is not None:
            away_s = (time.monotonic() if now_s is None else now_s) - self.began
            log.warning(
                "the database is back after %.1f s; %d connections were refused", away_s, self._refused
            )
            self.began, self._refused = None, 0


def _is_closed(error: BaseException) -> bool:
    """Whether the error is that the connection has ended.

    ROLLBACK on such a connection fails as well, and that error hides the one that ended it. The driver raises its
    class for misuse, and the event loop has no class for it, so we have to go by the message.
    """
    if isinstance(error, asyncpg.InterfaceError):
        return "connection is closed" in str(error)
    return isinstance(error, RuntimeError) and "the handler is closed" in str(error)
