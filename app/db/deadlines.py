"""The time a request has as a whole, whatever it does: several statements, resolvers, simulations.

When it is over the task is cancelled, and with it the statement that runs for it. Only a COMMIT is never cut: what it
came to is known, or the client would have to ask.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from types import TracebackType

from app.db.outages import TookTooLong

MORE_AFTER_COMMIT_S = 1.0
"""For the rest of a request whose time was over during its COMMIT."""


class Deadline:
    """`with Deadline(30): …`: TookTooLong when that takes longer."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._is_over = False
        self._uncut = 0
        self._is_cut = False

    def __enter__(self) -> "Deadline":
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._asked_before = task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._within_s, self._end)
        self._token: Token[Deadline | None] = _DEADLINE.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _DEADLINE.reset(self._token)
        if not self._is_cut:
            return
        # Whoever else cancelled the task as well still gets it cancelled.
        others = self._task.uncancel() > self._asked_before
        if problem is None or others:
            return
        if isinstance(problem, asyncio.CancelledError):
            raise TookTooLong() from problem

    def check(self) -> None:
        """Raises TookTooLong when the time is over."""
        if self._is_over:
            raise TookTooLong()

    def hold(self) -> None:
        """It is not cut until `release`."""
        self._uncut += 1

    def release(self) -> None:
        """It may be cut again; where it should have been meanwhile, a moment later."""
        self._uncut -= 1
        if self._is_over and not self._uncut and not self._is_cut:
            self._timer = self._loop.call_later(MORE_AFTER_COMMIT_S, self._end)

    def _end(self) -> None:
        self._is_over = True
        if not self._uncut and not self._is_cut:
            self._is_cut = True
            self._task.cancel()


_DEADLINE: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def not_too_late() -> None:
    """Nothing is begun when the request's time is over: TookTooLong."""
    deadline = _DEADLINE.get()
    if deadline is not None:
        deadline.check()


class _Uncut:
    __slots__ = ("_deadline",)

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        self._deadline.hold()

    def __exit__(self, *_: object) -> None:
        self._deadline.release()


_NOTHING: AbstractContextManager[None] = nullcontext()


def uncut() -> AbstractContextManager[None]:
    """What is inside is finished even if the request's time is over meanwhile."""
    deadline = _DEADLINE.get()
    return _NOTHING if deadline is None else _Uncut(deadline)
