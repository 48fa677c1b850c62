"""Whether a server is there: what pools that go to it find out together, and what the log says of it."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import asyncpg

from app.db.outages import Away, outage

TELL_EVERY_S = 10.0
"""The log has no more than a line in this time, but for the first absence and its end."""

FULL_FOR_S = 5.0
"""How long a server without room is taken to have none; longer with each that finds it so."""

log = logging.getLogger(__name__)


class Member(Protocol):
    """A pool, as far as it is known here."""

    def abandon(self) -> None:
        """The server hangs."""

    def spare(self) -> bool:
        """Ends a connection for another pool, if it can."""


class Absence:
    """Logs that the database is unreachable: when that begins, every `TELL_EVERY_S` after that, and when it is over.

    A line for each refused connection would fill the log, thousands a minute; and so would one for each end and
    beginning, where a server refuses now and then.

    While it is away one connection at a time is asked for, and all others are refused at once: they would only wait,
    and a server that is about to come back has other things to do.
    """

    def __init__(self) -> None:
        self.began: float | None = None
        """By the monotonic clock; None while we get connections."""
        self.pools: list[Member] = []
        """Whose connections go there."""
        self._full_until = float("-inf")
        self._tried = False
        self._told = self._told_crowded = float("-inf")
        self._is_told = False
        self._refused = 0

    @contextmanager
    def giving(self, *, others: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Wraps asking for a connection. Raises Away where the database gives none, for whatever reason.

        `others`: whether there are some already; that it has no more to give is no absence then, but raised as it is.
        """
        if self.began is not None and self._tried:
            self._refused += 1
            raise Away
        self._tried = True
        try:
            yield
        except (
            OSError,
            asyncpg.InternalClientError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
        ) as problem:
            if isinstance(problem, asyncpg.TooManyConnectionsError) and others():
                raise
            failure = outage(problem) or Away()
            self.refused(str(problem) or "it does not answer")
            raise failure from problem
        finally:
            self._tried = False
        self.over()

    def full(self) -> None:
        """It had no room or no resources for something."""
        self._full_until = time.monotonic() + FULL_FOR_S

    @property
    def is_full(self) -> bool:
        """Whether it had no room lately."""
        return time.monotonic() < self._full_until

    def hangs(self) -> None:
        """It takes our words and says nothing: everybody who waits for it is told so."""
        self.refused("it does not answer")
        for pool in self.pools:
            pool.abandon()

    def refused(self, problem: object, *, now_s: float | None = None) -> None:
        """We got no connection."""
        now_s = time.monotonic() if now_s is None else now_s
        self._refused += 1
        if self.began is None:
            self.began = now_s
            if now_s - self._told >= TELL_EVERY_S:
                self._told, self._is_told = now_s, True
                log.warning("the database gives no connection: %s", problem)
        elif now_s - self._told >= TELL_EVERY_S:
            self._told, self._is_told = now_s, True
            log.warning(
                "the database gives no connection for %.0f s, %d were refused: %s",
                now_s - self.began, self._refused, problem,
            )  # fmt: skip

    def over(self, *, now_s: float | None = None) -> None:
        """We got a connection."""
        if self.began is None:
            return
        now_s = time.monotonic() if now_s is None else now_s
        if self._is_told:
            log.warning(
                "the database is back after %.1f s; %d connections were refused",
                now_s - self.began, self._refused,
            )  # fmt: skip
            self._told, self._is_told, self._refused = now_s, False, 0
        self.began = None

    def crowded(self, ours: int, problem: object) -> None:
        """It has no more connections to give; `ours` are open, and are shared."""
        now_s = time.monotonic()
        if now_s - self._told_crowded >= 6 * TELL_EVERY_S:
            self._told_crowded = now_s
            log.warning("the database gives no more connections, going on with %d: %s", ours, problem)


__all__ = ["TELL_EVERY_S", "Absence"]
