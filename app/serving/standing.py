"""What stands in the database, for `/metrics`: asked for there, not where the work is done, so that it is told also
when nobody works. Kept for a while, since several may scrape.
"""

import asyncio
import logging
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.db.database import Database
from app.domain.events.backlog import Backlog, count_backlog

KEPT_FOR_S = 10.0
SHARE_OF_TIME = 50
"""Counting may take a fiftieth of the time: of many groups it is done less often."""
ANSWERS_WITHIN_S = 2.0

log = logging.getLogger(__name__)


class Standing(Collector):
    """The numbers, as old as they may be. While the database is away there are none: what is not known is not told."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: Backlog | None = None
        self._again_s = 0.0
        self._counting: asyncio.Task[None] | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)

    async def exposition(self) -> bytes:
        """As Prometheus reads them."""
        if self._counting is None and time.monotonic() >= self._again_s:
            self._counting = asyncio.create_task(self._count())
        if self._counting is not None:
            await asyncio.wait([self._counting], timeout=ANSWERS_WITHIN_S)
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called once per exposition."""
        known = self._known
        if known is None:
            return
        for name, told, value in (
            ("gateway_events_pending", "Events that wait to be processed.", known.pending),
            ("gateway_events_trashed", "Events in the trash.", known.trashed),
            (
                "gateway_events_oldest_pending_seconds",
                "For how long the event waits that came first; 0 where none does.",
                known.oldest_age_s,
            ),
            (
                "gateway_worker_lease_held",
                "Whether some worker holds the lease of the schedule: 1, or 0.",
                int(known.is_led),
            ),
            ("gateway_jobs_failing", "Jobs of the schedule whose last run met trouble.", known.failing_jobs),
        ):
            yield GaugeMetricFamily(name, told, value=value)

    async def _count(self) -> None:
        started = time.monotonic()
        try:
            self._known = await count_backlog(self._db)
        except Exception as problem:
            self._known = None
            log.warning("what waits could not be counted: %s", problem)
        finally:
            took_s = time.monotonic() - started
            self._again_s = time.monotonic() + max(KEPT_FOR_S, took_s * SHARE_OF_TIME)
            self._counting = None


__all__ = ["Standing"]
