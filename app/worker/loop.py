"""The loop: hold the lease, run what is due, sleep until the next appointment.

Idle, it costs two small statements every few seconds. It ends when told to, never because of an error.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from app.db.database import Database
from app.db.outages import Away
from app.db.troubles import is_the_databases
from app.domain.assets.storage import AssetStorage
from app.worker.attribution import Attribution
from app.worker.audience import Audience
from app.worker.channels import Channels
from app.worker.files import Files
from app.worker.hints import Hints
from app.worker.housekeeping import Housekeeping
from app.worker.import_files import ImportFiles
from app.worker.jobs import Job, Patience, one_line
from app.worker.journeys import Journeys
from app.worker.lease import Appointments, Lease
from app.worker.lifecycle import Lifecycle
from app.worker.points import Points
from app.worker.reevaluations import Reevaluations
from app.worker.retention import Retention
from app.worker.spend_limits import SpendLimits

log = logging.getLogger(__name__)

AFTER_ERROR_S = 1.0
LONGEST_PAUSE_S = 60.0
"""Before a job that failed as a whole is tried again, if its interval is longer."""


class Worker:
    """Runs the jobs, unless another worker does. Any number of workers may run side by side."""

    def __init__(
        self,
        db: Database,
        *,
        name: str | None = None,
        jobs: Sequence[Job] | None = None,
        assets: AssetStorage | None = None,
        lease: str = "schedule",
        term_s: float = 15.0,
    ) -> None:
        """`assets`: where files are; without it they are left alone. `term_s`: how long after its last sign of life a
        worker is taken for dead."""
        self.name = name or f"{socket.gethostname()[:30]}:{os.getpid()}"
        self.jobs: dict[str, Job] = {
            job.name: job
            for job in (
                jobs
                if jobs is not None
                else (
                    Lifecycle(),
                    SpendLimits(),
                    Audience(),
                    Attribution(),
                    Journeys(),
                    Reevaluations(),
                    Points(),
                    Channels(),
                    Housekeeping(),
                    Retention(),
                    *(() if assets is None else (Files(assets), ImportFiles(assets))),
                )
            )
        }
        self._term_s = term_s
        # Two workers of one name must not take each other's lease for their own.
        self._lease = Lease(db, lease, f"{self.name[:50]}:{secrets.token_hex(4)}", timedelta(seconds=term_s))
        self._appointments = Appointments(self._lease)
        self._db = db
        self._hints = Hints(db, self._on_hint)
        self._hinted: set[str] = set()
        self._wake = asyncio.Event()
        self._registered = False
        self._renewed = float("-inf")
        self._holding = False
        self._patience = Patience(
            first=timedelta(seconds=AFTER_ERROR_S), longest=timedelta(seconds=LONGEST_PAUSE_S)
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish the job at hand, give the lease back and return."""
        log.info("worker %s started", self.name)
        try:
            while not stop.is_set():
                try:
                    wait_s = await self._turn(stop)
                except Exception as problem:
                    # That the database is unreachable is in the log already.
                    if not isinstance(problem, Away):
                        log.exception("worker %s: this turn failed, the next comes", self.name)
                    self._renewed, wait_s = float("-inf"), AFTER_ERROR_S
                await self._sleep(stop, wait_s)
        finally:
            with contextlib.suppress(Exception):
                self._hints.close()
            with contextlib.suppress(Exception):
                await self._lease.give_back()
            log.info("worker %s stopped", self.name)

    async def _turn(self, stop: asyncio.Event) -> float:
        """Run all that is due; returns the seconds until there may be more."""
        if not self._registered:
            await self._appointments.register([(job.name, job.every_s) for job in self.jobs.values()])
            self._registered = True
        if not await self._hold():
            return self._term_s / 5
        for name in tuple(self._hinted):
            self._hinted.discard(name)
            try:
                await self._appointments.bring_forward(name)
            except BaseException:
                self._hinted.add(name)
                raise
        while not stop.is_set():
            appointment = await self._appointments.next(list(self.jobs))
            until_renewal = self._renewed + self._term_s / 3 - time.monotonic()
            if appointment is None:
                return until_renewal
            name, wait = appointment
            if wait > timedelta():
                return min(wait.total_seconds(), until_renewal)
            async with self._renewing():
                if not await self._run(self.jobs[name]):
                    # Another worker was quicker or has the lease: ask again before going on.
                    self._renewed = float("-inf")
                    return 0
        return 0

    async def _run(self, job: Job) -> bool:
        now = await self._appointments.claim(job.name)
        if now is None:
            return False
        try:
            report = await job.run(self._db, now)
            errors, next_at = report.errors, report.next_at
            self._patience.passed(job.name)
        except Exception as problem:
            if is_the_databases(problem):
                log.warning("job %s is tried again: %s", job.name, one_line(problem))
            else:
                log.exception("job %s failed", job.name)
            errors, next_at = [one_line(problem)], self._patience.failed(job.name, now)
        error = "\n".join(errors)[:10_000] or None
        await self._appointments.settle(job.name, error=error, next_at=next_at)
        return True

    async def _hold(self) -> bool:
        """Renew the lease when a third of its term has passed; listen for hints while it is ours."""
        if time.monotonic() - self._renewed < self._term_s / 3:
            return self._holding
        held = await self._lease.hold()
        if held != self._holding:
            log.info("worker %s %s the lease", self.name, "has" if held else "does not have")
        if held and await self._hints.listen():
            # Hints sent while nobody listened are made up for by looking everywhere.
            for job in self.jobs.values():
                job.forget()
            self._hinted.update(self.jobs)
        if not held:
            self._hints.close()
        self._holding = held
        self._renewed = time.monotonic() if held else float("-inf")
        return held

    @contextlib.asynccontextmanager
    async def _renewing(self) -> AsyncIterator[None]:
        """Keep the lease while a job takes longer than its term."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(self._term_s / 3)
                try:
                    if await self._lease.hold():
                        self._renewed = time.monotonic()
                except Away:
                    continue
                except Exception:
                    log.exception("worker %s could not renew its lease", self.name)

        keeper = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])

    async def _sleep(self, stop: asyncio.Event, seconds: float) -> None:
        """Sleep until it is time, a hint comes in, or the worker must stop."""
        if seconds > 0:
            waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._wake.wait())]
            try:
                await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waits:
                    task.cancel()
        self._wake.clear()

    def _on_hint(self, group_id: int) -> None:
        for job in self.jobs.values():
            if job.hint(group_id):
                self._hinted.add(job.name)
                self._wake.set()
