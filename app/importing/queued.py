"""Imports that were sent over HTTP, done one after the other: at most one of each group, and few in a process.

Any process with a worker takes what waits. Each import has a thread of its own, with an event loop and connections of
its own, since reading files takes the processor for long; while other groups ask for anything, it pauses after each
batch for as long as that took. What waits for a whole file to be looked through, or for a batch, is never a request.

An import is held for seconds at a time (`domain/imports/operations.py`). Where its process dies, another takes it up
again from the beginning: rows that are in already are told as the same. So counts are those of the last time through,
and the refused rows are complete.
"""

import asyncio
import contextlib
import logging
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from app.db.database import Database, connect
from app.db.outages import Away
from app.db.troubles import is_the_databases
from app.domain.assets.storage import AssetStorage, Shelf, shelf
from app.domain.imports import files
from app.domain.imports.operations import (
    INTERRUPTED,
    MAX_BEGUN,
    Counted,
    Held,
    end_import,
    hold_next,
    hold_on,
    let_go,
    waiting_groups,
)
from app.errors import OUR_FAULT, Conflict, Failure, NotFound
from app.importing.checking import told_of
from app.importing.reading.sources import Source
from app.importing.records import Verdict
from app.importing.report import Report
from app.importing.running import import_files
from app.settings import Settings
from app.tables.imports import ImportState
from app.values.scope import Scope

AT_ONCE = 2
"""In a process: a long import does not hold up a short one of another group."""
LOOK_S = 2.0
TELL_S = 1.0
"""How often it is said how far an import is; it is held for many times as long."""
AFTER_TROUBLE_S = 5.0
STOPS_WITHIN_S = 5.0
"""How long a batch under way may take when the process stops."""
MAX_PAUSE_S = 1.0

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """Ends the work in its thread between two batches."""


class _Lost(Exception):
    """Somebody else has taken the import up: this process was away for too long."""


@dataclass(slots=True)
class _Work:
    """What an import's thread and its event loop tell each other."""

    report: Report
    total: int | None = None
    stops: bool = False
    others_are_about: bool = False
    _since: float = field(default_factory=time.monotonic)

    def progress(self, done: int, refused: int, total: int) -> None:
        """Called in the thread after each batch."""
        self.total = total
        if self.stops:
            raise _Stopped
        if self.others_are_about:
            time.sleep(min(time.monotonic() - self._since, MAX_PAUSE_S))
        self._since = time.monotonic()

    def counted(self) -> Counted:
        """How far it is."""
        by_verdict = dict.fromkeys(Verdict, 0)
        for counts in list(self.report.concepts.values()):
            for verdict in Verdict:
                by_verdict[verdict] += counts[verdict]
        return Counted(
            rows=self.report.rows,
            refused=self.report.refused,
            total=self.total,
            made=by_verdict[Verdict.MADE],
            changed=by_verdict[Verdict.CHANGED],
            same=by_verdict[Verdict.SAME],
            lost=sum(sum(list(lost.values())) for lost in list(self.report.lost.values())),
        )


class Imports:
    """Does what waits, until told to stop. What is under way then is left to whoever comes next."""

    def __init__(
        self,
        db: Database,
        storage: AssetStorage,
        settings: Settings,
        *,
        look_s: float = LOOK_S,
        others_are_about: Callable[[int], bool] = lambda group_id: False,
    ) -> None:
        """`others_are_about`: whether another group than this one asks this process for anything."""
        self._db = db
        self._storage = storage
        self._settings = settings
        self._look_s = look_s
        self._others_are_about = others_are_about
        self._wake = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        """By group."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look for imports and do them."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                wait_s = self._look_s
                try:
                    await self._begin(stop)
                except Exception as problem:
                    if not isinstance(problem, Away):
                        log.exception("imports cannot be looked for")
                    wait_s = AFTER_TROUBLE_S
                woken = asyncio.create_task(self._wake.wait())
                await asyncio.wait({stopped, woken}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
                self._wake.clear()
        finally:
            stopped.cancel()
            if self._running:
                await asyncio.wait(self._running.values(), timeout=STOPS_WITHIN_S)

    async def _begin(self, stop: asyncio.Event) -> None:
        if len(self._running) >= AT_ONCE:
            return
        for group_id in await waiting_groups(self._db):
            if group_id in self._running:
                continue
            if len(self._running) >= AT_ONCE:
                return
            held = await hold_next(self._db, group_id, secrets.token_hex(8))
            if held is not None:
                task = self._running[group_id] = asyncio.create_task(self._do(held, stop))
                task.add_done_callback(partial(self._over, group_id))

    def _over(self, group_id: int, _: "asyncio.Task[None]") -> None:
        del self._running[group_id]
        self._wake.set()

    async def _do(self, held: Held, stop: asyncio.Event) -> None:
        """Do one, whatever happens: it ends, or is left to the next."""
        name = f"import {held.id} of group {held.group_id}"
        work = _Work(Report(what=held.what, dry=held.is_dry))
        try:
            if held.is_cancelled:
                await self._end(held, ImportState.CANCELLED, work)
            elif held.begun > MAX_BEGUN:
                failure = Conflict(
                    f"It was interrupted {MAX_BEGUN} times, and is not begun again. What is in stays in; the same file"
                    " can be sent again.",
                    code=INTERRUPTED,
                )
                await self._end(held, ImportState.FAILED, work, failure=failure)
            else:
                await self._import(held, work, stop)
        except _Lost:
            log.warning("%s was taken up by another process", name)
        except Exception as problem:
            if is_the_databases(problem):
                log.warning("%s is taken up again later: %s", name, problem)
                with contextlib.suppress(Exception):
                    await let_go(self._db, held, counts=True)
                await asyncio.sleep(AFTER_TROUBLE_S)
                return
            log.exception("%s failed", name)
            with contextlib.suppress(Exception):
                await self._end(
                    held, ImportState.FAILED, work, failure=Conflict(f"{OUR_FAULT}.", code="INTERNAL")
                )
        with contextlib.suppress(Exception):
            await files.drop_sent(self._db, self._storage, held.group_id)

    async def _import(self, held: Held, work: _Work, stop: asyncio.Event) -> None:
        with tempfile.TemporaryDirectory(prefix="gateway-import-") as place:
            folder = Path(place)
            sent = folder / "sent"
            try:
                await files.fetch(self._storage, held.file_key, sent)
            except NotFound as gone:
                await self._end(held, ImportState.FAILED, work, failure=gone)
                return
            source = Source(held.file_name, sent, Path(held.file_name), held.file_name)
            (into := folder / "refused").mkdir()
            doing = _in_thread(
                lambda: self._in_its_own_loop(held, source, into, work), name=f"import-{held.id}"
            )
            is_cancelled = await self._watch(held, work, doing, stop)
            failure: Failure | None = None
            try:
                state = ImportState.DONE
                await doing
            except _Stopped:
                if not is_cancelled:
                    await let_go(self._db, held, counts=False)
                    return
                state = ImportState.CANCELLED
            except Failure as wrong:
                if is_the_databases(wrong):
                    raise
                state, failure = ImportState.FAILED, wrong
            async with shelf(self._storage) as kept:
                await self._end(held, state, work, failure=failure, made=into, kept=kept)

    def _in_its_own_loop(self, held: Held, source: Source, into: Path, work: _Work) -> None:
        """In the thread: import the file."""

        async def importing() -> None:
            assert self._settings.database_url is not None
            db = await connect(self._settings.database_url, readers=1, writers=2)
            try:
                await import_files(
                    db, Scope(held.group_id), held.what, [source], now=datetime.now(UTC),
                    told=told_of(held.told, held.system), dry=held.is_dry, refused_into=into, progress=work.progress,
                    report=work.report,
                )  # fmt: skip
            finally:
                await db.close()

        asyncio.run(importing())

    async def _watch(
        self, held: Held, work: _Work, doing: "asyncio.Future[None]", stop: asyncio.Event
    ) -> bool:
        """Say how far it is until the thread is done. Whether it was cancelled."""
        is_cancelled = False
        try:
            while not doing.done():
                work.others_are_about = self._others_are_about(held.group_id)
                try:
                    told = await hold_on(self._db, held, work.counted())
                except Exception as problem:
                    if not is_the_databases(problem):
                        raise
                else:
                    if told is None:
                        raise _Lost
                    is_cancelled = is_cancelled or told
                work.stops = is_cancelled or stop.is_set()
                await asyncio.wait({doing}, timeout=TELL_S)
        finally:
            work.stops = True
        return is_cancelled

    async def _end(
        self,
        held: Held,
        state: ImportState,
        work: _Work,
        *,
        failure: Failure | None = None,
        made: Path | None = None,
        kept: Shelf | None = None,
    ) -> None:
        """Write down how it ended, with the files that it made."""
        refused = reasons = None
        if made is not None and kept is not None:
            for file in await asyncio.to_thread(_files_in, made):
                part = await files.keep_made(kept, file, group_id=held.group_id)
                if ".reasons." in file.name:
                    reasons = part
                else:
                    refused = part
        report = work.report.as_json()
        for one in report["files"]:
            for name in files.PARTS:
                if name in one:
                    one[name] = Path(one[name]).name
        async with self._db.transaction(Scope(held.group_id)) as tx:
            if not await end_import(
                tx,
                held,
                state,
                work.counted(),
                report=report,
                failure=failure,
                refused=refused,
                reasons=reasons,
            ):
                raise _Lost


def _files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def _in_thread(work: Callable[[], None], *, name: str) -> "asyncio.Future[None]":
    """Do it in a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    # Where nobody waits for it any more, nobody asks how it ended.
    done.add_done_callback(lambda _: done.cancelled() or done.exception())

    def tell(problem: BaseException | None) -> None:
        if done.cancelled():
            return
        if problem is None:
            done.set_result(None)
        else:
            done.set_exception(problem)

    def run() -> None:
        problem: BaseException | None = None
        try:
            work()
        except BaseException as raised:
            problem = raised
        with contextlib.suppress(RuntimeError):  # The loop is closed: the process ends.
            loop.call_soon_threadsafe(tell, problem)

    threading.Thread(target=run, name=name, daemon=True).start()
    return done
