"""The event pipeline: processes accepted events, group by group, in every process that has a worker.

Any number of pipelines share the work: rows are claimed with SKIP LOCKED, so it does not matter who looks first, and no
lease is needed. A pipeline hears of work from the queue of its own process, or by NOTIFY from others; both are
hints, and it looks by itself every second.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from app.db.database import Database
from app.db.outages import Away
from app.domain.events.accepting import CHANNEL
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

_PENDING = "SELECT * FROM pending_event_groups()"

log = logging.getLogger(__name__)


class Pipeline:
    """Processes events until told to stop; then it finishes the batch at hand. What waits stays pending."""

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
        self._looked = float("-inf")
        self._wake = asyncio.Event()

    def hint(self, group_ids: Collection[int]) -> None:
        """These groups have events that wait."""
        for group_id in group_ids:
            if group_id not in self._due:
                self._due[group_id] = self._visited.get(group_id, 0.0) + PAUSE_S
                self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    wait_s = await self._turn()
                except Exception as problem:
                    # That the database is unreachable is in the log already.
                    if not isinstance(problem, Away):
                        log.warning("the event pipeline pauses: %s", problem)
                    wait_s = AFTER_ERROR_S
                if wait_s > 0:
                    await self._sleep(stopped, wait_s)
        finally:
            stopped.cancel()
            if self._hints is not None:
                with contextlib.suppress(Exception):
                    self._hints.close()

    async def _turn(self) -> float:
        """Process a batch of the group that waits longest, or look for work; the seconds until there may be more."""
        now_s = time.monotonic()
        if now_s - self._looked >= self._look_s:
            if self._hints is not None:
                await self._hints.listen()
            self._looked = now_s
            async with self._db.directory() as directory:
                self.hint([row[0] for row in await directory.fetch(_PENDING)])
        self._wake.clear()
        group_id = min(self._due, key=self._due.__getitem__, default=None)
        until_look = self._looked + self._look_s - now_s
        if group_id is None:
            return until_look
        if self._due[group_id] > now_s:
            return min(self._due[group_id] - now_s, until_look)
        for _ in range(GIVES_WAY_TIMES):
            if not self._gives_way():
                break
            await asyncio.sleep(GIVES_WAY_S)
        # Removed first: for events accepted from here on there will be another hint.
        del self._due[group_id]
        done = await process_pending(self._db, group_id, now=datetime.now(UTC))
        metrics.events_processed(done)
        self._visited[group_id] = time.monotonic()
        if done >= MAX_BATCH:
            # Behind the others that wait, so that a large group does not hold them up.
            self._due[group_id] = self._visited[group_id]
        return 0

    async def _sleep(self, stopped: "asyncio.Task[object]", wait_s: float) -> None:
        woken = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({stopped, woken}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
