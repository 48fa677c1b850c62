"""Work that one subscriber waits for: it reports its progress, and comes to an end. Each has a task of its own.

The work does not wait for its client: messages not read in time are replaced by newer ones, and the last one is always
kept. When the subscriber leaves, for whatever reason, the work is cancelled, and its statement with it.
"""

import asyncio
import logging
from contextlib import aclosing

from app.errors import OUR_FAULT, Unavailable
from app.graph.live.subscribers import Payload, Subscriber
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context
from app.graph.running.entry import answers

MAX_RUNS = 4
"""Per process: each holds a writing connection and takes processor time as long as it runs."""
MAX_RUNS_OF_ONE = 2
"""Per group."""

log = logging.getLogger("gateway.live")


class Runs:
    """Every run of this process."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], int] = {}
        """The group of each."""

    def begin(self, checked: CheckedOperation, context: Context) -> Subscriber:
        """Begin the work of this subscription; Unavailable where too much is under way."""
        group_id = context.scope.group_id
        of_group = sum(one == group_id for one in self._tasks.values())
        if self.under_way >= MAX_RUNS or of_group >= MAX_RUNS_OF_ONE:
            raise Unavailable("Too many simulations are under way. Please try again when one is done.")

        def leave(_: Subscriber) -> None:
            task.cancel()

        subscriber = Subscriber(keeps_all=False, leave=leave)
        task = asyncio.create_task(_run(subscriber, checked, context))
        self._tasks[task] = group_id
        # A place is free once the work has stopped, not when it was told to.
        task.add_done_callback(self._tasks.pop)
        return subscriber

    @property
    def under_way(self) -> int:
        """How many have not stopped yet."""
        return len(self._tasks)

    async def close(self) -> None:
        """Stop all of it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(subscriber: Subscriber, checked: CheckedOperation, context: Context) -> None:
    try:
        async with aclosing(answers(checked, context)) as bodies:
            async for body in bodies:
                # Its reader may still be blocked by a client that reads nothing.
                if subscriber.has_ended:
                    return
                subscriber.put(Payload(body))
    except Exception:
        log.exception("a subscription cannot be answered", extra={"request_id": context.request_id})
        subscriber.end(Unavailable(f"{OUR_FAULT}. Please try again."))
    else:
        subscriber.complete()
