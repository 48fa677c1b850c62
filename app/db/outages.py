"""What the database says when it is slow, gone or overloaded, in our words; and what the log says of it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.errors import Failure, Unavailable

TELL_EVERY_S = 10.0

log = logging.getLogger(__name__)

_AWAY = "The database cannot be reached just now."
_GONE = (
    asyncpg.PostgresConnectionError,
    # It goes, or is not there yet: a stop, a crash, a postmaster that was killed, a start.
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    OSError,
    # The server has said goodbye, and the connection's end has not come yet.
    asyncpg.InternalClientError,
)


class Away(Unavailable):
    """The database gave no connection, or ended one."""


class TookTooLong(Unavailable):
    """A statement ran into its time limit."""


def outage(error: BaseException) -> Unavailable | None:
    """The failure behind a driver's error; None where it is an error of ours."""
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


@contextmanager
def told() -> Iterator[None]:
    """Raises what the driver says of an outage in our words. All ways to the database lead through here."""
    try:
        yield
    except Failure:
        raise
    except Exception as problem:
        failure = outage(problem)
        if failure is None:
            raise
        raise failure from problem


class Absence:
    """Says that the database is away: when it begins, every `TELL_EVERY_S` after that, and when it is over.

    A line for each refused connection would fill the log, thousands a minute.
    """

    def __init__(self) -> None:
        self.began: float | None = None
        """By the monotonic clock; None while connections are given."""
        self._told = 0.0
        self._refused = 0

    @contextmanager
    def giving(self) -> Iterator[None]:
        """Around the asking for a connection. Raises Away where the database gives none, whatever its reason."""
        try:
            yield
        except (*_GONE, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
            failure = outage(problem) or Away(_AWAY)
            if isinstance(failure, Away):
                self.refused(problem)
            raise failure from problem
        self.over()

    def refused(self, problem: object, *, now_s: float | None = None) -> None:
        """No connection was given."""
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
        """A connection was given."""
        if self.began is not None:
            away_s = (time.monotonic() if now_s is None else now_s) - self.began
            log.warning(
                "the database is back after %.1f s; %d connections were refused", away_s, self._refused
            )
            self.began, self._refused = None, 0


def _is_closed(error: BaseException) -> bool:
    """Whether it was asked of a connection that has ended.

    ROLLBACK on such a connection fails as well, and is what is heard of in place of the failure that ended it. The
    driver says it by the class of its own misuse, and the event loop by none of its own, so the words tell.
    """
    if isinstance(error, asyncpg.InterfaceError):
        return "connection is closed" in str(error)
    return isinstance(error, RuntimeError) and "the handler is closed" in str(error)
