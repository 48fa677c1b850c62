"""Timers that do not keep alive what they look after."""

import asyncio
import weakref
from collections.abc import Callable


def later(within_s: float, method: Callable[[], None]) -> asyncio.TimerHandle:
    """Call a bound method after so long, unless its object has gone by then: nobody has to close that."""
    known = weakref.WeakMethod(method)

    def call() -> None:
        living = known()
        if living is not None:
            living()

    return asyncio.get_running_loop().call_later(within_s, call)
