"""The event pipeline: processes accepted events, group by group, in every process that has a worker.

Any number of pipelines share the work: rows are claimed with SKIP LOCKED, so it does not matter who looks first, and no
lease is needed. A pipeline hears of work from the queue of its own process, or by NOTIFY from others; both are
hints, and it looks by itself every second.

One batch at a time, unless it takes long (a lock, a slow disk): then it is let go on beside the others, a few at most.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from app.db.database import Database
from app.db.outages import Away
from app.domain.events.accepting import CHANNEL
from app.domain.events.postponing import Postponed, pause_s
from app.domain.events.processing import MAX_BATCH, process_pending
from app.serving import metrics
from app.worker.hints import Hints

LOOK_S = 1.0
"""How often it looks by itself."""
PAUSE_S = 0.2
"""Between two batches of one group, unless there is a whole one waiting: a batch costs as much for one event as for
twenty."""
AFTER_ERROR_S = 1.0
GIVES_WAY_S = 0.005
GIVES_WAY_TIMES = 40
"""A batch waits for a fifth of a second at most: accepted events must also get done."""
PATIENCE_S = 0.5
"""A batch that takes longer is not waited for before the next group's begins."""
MAX_SLOW = 3
"""Batches that are under way like that; each holds a connection."""
STOPS_WITHIN_S = 5.0
"""How long batches under way may take when told to stop; undone, their events are pending."""

_PENDING = "SELECT * FROM pending_event_groups()"

log = logging.getLogger(__name__)


class Pipeline:
    """Processes events until told to stop; then it finishes the batches at hand. What waits stays pending."""

    def __init__(
        self,
        db: Database,
        *,
        listens: bool = False,
        look_s: float = LOOK_S,
        gives_way: Callable[[], bool] = lambda: False,
    ) -> None:
        """`listens`: other processes accept events and send NOTIFY. `gives_way`: whether other work comes first now."""
        self._db = db
        self._look_s = look_s
        self._gives_way = gives_way
        self._hints = Hints(db, lambda group_id: self.hint([group_id]), channel=CHANNEL) if listens else None
        self._due: dict[int, float] = {}
        """When to look at each group that has work next, by the monotonic clock."""
        self._visited: dict[int, float] = {}
        self._postponed: dict[int, Postponed] = {}
        self._failures: Counter[int] = Counter()
        """Of groups none of whose events could even be claimed, how often in a row."""
        self._slow: dict[int, asyncio.Task[float]] = {}
        """Batches that are not waited for, by group."""
        self._looked = float("-inf")
        self._wake = asyncio.Event()

    def hint(self, group_ids: Collection[int]) -> None:
        """These groups have events that wait."""
        for group_id in group_ids:
            due = self._visited.get(group_id, 0.0) + PAUSE_S
            if due < self._due.get(group_id, float("inf")) and not self._failures[group_id]:
                self._due[group_id] = due
                self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    wait_s = await self._turn(stopped)
                except Exception as problem:
                    # That the database is unreachable is in the log already.
                    if not isinstance(problem, Away):
                        log.warning("the event pipeline pauses: %s", problem)
                    wait_s = AFTER_ERROR_S
                if wait_s > 0:
                    await self._sleep(stopped, wait_s)
        finally:
            stopped.cancel()
            await self._end_slow()
            if self._hints is not None:
                with contextlib.suppress(Exception):
                    self._hints.close()

    async def _turn(self, stopped: "asyncio.Task[object]") -> float:
        """Process a batch of the group that waits longest, or look for work; the seconds until there may be more."""
        for group_id, task in [*self._slow.items()]:
            if task.done():
                del self._slow[group_id]
                if wait_s := task.result():
                    return wait_s
        now_s = time.monotonic()
        if now_s - self._looked >= self._look_s:
            if self._hints is not None:
                await self._hints.listen()
            self._looked = now_s
            async with self._db.directory() as directory:
                self.hint([row[0] for row in await directory.fetch(_PENDING)])
        self._wake.clear()
        waiting = self._due.keys() - self._slow.keys()
        until_look = self._looked + self._look_s - now_s
        if not waiting:
            return until_look
        group_id = min(waiting, key=self._due.__getitem__)
        if self._due[group_id] > now_s:
            return min(self._due[group_id] - now_s, until_look)
        if len(self._slow) >= MAX_SLOW:
            await asyncio.wait({stopped, *self._slow.values()}, return_when=asyncio.FIRST_COMPLETED)
            return 0
        for _ in range(GIVES_WAY_TIMES):
            if not self._gives_way():
                break
            await asyncio.sleep(GIVES_WAY_S)
        task = asyncio.create_task(self._batch(group_id))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if task.done():
            return task.result()
        self._slow[group_id] = task
        task.add_done_callback(lambda _: self._wake.set())
        return 0

    async def _batch(self, group_id: int) -> float:
        """Process a batch of this group; how long to leave the database alone then."""
        # Removed first: for events accepted from here on there will be another hint.
        del self._due[group_id]
        postponed = self._postponed.setdefault(group_id, Postponed())
        try:
            done = await process_pending(self._db, group_id, now=datetime.now(UTC), postponed=postponed)
        except Exception as problem:
            self._visited[group_id] = time.monotonic()
            if isinstance(problem, Away):
                return AFTER_ERROR_S
            self._failures[group_id] += 1
            self._due[group_id] = time.monotonic() + AFTER_ERROR_S + pause_s(self._failures[group_id])
            log.warning("events of group %s wait, none could be claimed: %s", group_id, problem)
            return 0
        metrics.events_processed(done)
        self._failures.pop(group_id, None)
        self._visited[group_id] = time.monotonic()
        if (again_s := postponed.next_s) is not None:
            self._due[group_id] = max(again_s, self._visited[group_id] + PAUSE_S)
        else:
            del self._postponed[group_id]
        if done >= MAX_BATCH:
            # Behind the others that wait, so that a large group does not hold them up.
            self._due[group_id] = self._visited[group_id]
        return 0

    async def _end_slow(self) -> None:
        """Let batches under way finish, for a while."""
        if self._slow:
            _, late = await asyncio.wait(self._slow.values(), timeout=STOPS_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._slow.values(), return_exceptions=True)

    async def _sleep(self, stopped: "asyncio.Task[object]", wait_s: float) -> None:
        woken = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({stopped, woken}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
