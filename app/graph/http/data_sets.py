"""Data sets over HTTP: JSON lines or CSV, sent page by page as it is read.

What is wrong before the first byte is an ordinary GraphQL error. What goes wrong later cuts the answer off: its last
chunk never comes, and no client takes a part for the whole.
"""

import asyncio
import logging
from collections import Counter
from contextlib import aclosing, suppress
from functools import partial

import msgspec
from starlette.types import Send

from app.db.snapshots import snapshot
from app.errors import Failure, Unavailable
from app.graph.http.negotiation import Form
from app.graph.live.watching import Watches
from app.graph.running.answers import Answer, refused
from app.graph.running.context import Context
from app.graph.running.data_sets import DataSet, Pause, Refused, data_set_of, pages
from app.graph.running.operations import Operation
from app.graph.running.sheets import Sheet, sheet_of
from app.serving.exchange import Exchange

LASTS_S = 3600.0
"""How long a data set may take in all: its snapshot holds vacuum up."""
TAKEN_WITHIN_S = 120.0
"""How long a client may take to read a page."""
MAX_WAIT_S = 60
"""How long a data set waits for a budget that is spent; beyond it the answer is cut off."""
MAX_AT_ONCE, MAX_OF_GROUP = 4, 2
"""Per process, and of one group: each has a connection to the database of its own."""
ROUTE = "/graphql (data set)"
EXECUTION = "pages"
log = logging.getLogger("gateway.graph")
_PIECE = 128 * 1024
_HEADERS = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


class DataSets:
    """Answers queries as data sets."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._of_group: Counter[int] = Counter()

    async def answer(
        self, operation: Operation, context: Context, exchange: Exchange, form: Form, send: Send
    ) -> Answer | None:
        """Send the whole data set; or, where nothing was sent, the answer that says why."""
        try:
            data = await data_set_of(operation, context)
            sheet = sheet_of(data.row) if form is Form.CSV else None
            group = context.scope.group_id
            if self._of_group.total() >= MAX_AT_ONCE or self._of_group[group] >= MAX_OF_GROUP:
                raise Unavailable("Too many data sets are under way. Please try again when one is done.")
            exchange.route = ROUTE
            self._of_group[group] += 1
            try:
                await self._send(data, sheet, context, exchange, form, send)
            finally:
                self._of_group[group] -= 1
        except Refused as instead:
            return instead.answer
        except Failure as failure:
            if exchange.execution:
                # The line of the request says 200: that was its beginning.
                told = {"request_id": context.request_id, "reason": failure.message}
                log.warning("a data set was cut off", extra=told)
                raise
            return refused(failure)
        return None

    async def _send(
        self, data: DataSet, sheet: Sheet | None, context: Context, exchange: Exchange, form: Form, send: Send
    ) -> None:
        ended = _Ended()
        stop_watch = self._watches.open(exchange.headers, context.principal, ended.end, now=context.now)
        exchange.at_stop = partial(ended.end, Unavailable("The server stops."))
        try:
            async with (
                snapshot(
                    context.db, context.scope, lasts_s=LASTS_S, idle_s=TAKEN_WITHIN_S + MAX_WAIT_S
                ) as moment,
                aclosing(pages(data, context, moment, pause=ended)) as all_pages,
            ):
                head = b"" if sheet is None else sheet.header()
                async for rows in all_pages:
                    ended.check()
                    if not exchange.execution:
                        exchange.execution = EXECUTION
                        headers = _head(form, context)
                        await send({"type": "http.response.start", "status": 200, "headers": headers})
                    body = head + (_lines(rows) if sheet is None else sheet.lines(rows))
                    head = b""
                    await hand_over(body, send)
            await send({"type": "http.response.body", "body": b""})
        except Refused as instead:
            if exchange.execution:
                # Half of it is out. Whoever reads it sees that it breaks off.
                raise Unavailable("A data set was cut off.") from instead
            raise
        finally:
            exchange.at_stop = None
            stop_watch()


class _Ended(Pause):
    """Whether somebody ended it: the credential does not hold any more, or the server stops."""

    def __init__(self) -> None:
        self._failure: Failure | None = None
        self._told = asyncio.Event()

    def end(self, failure: Failure | None) -> None:
        """No further page is sent."""
        self._failure = failure or Unavailable("The server stops.")
        self._told.set()

    def check(self) -> None:
        """Raises the reason."""
        if self._failure is not None:
            raise self._failure

    async def wait(self, for_s: int, problem: Unavailable) -> None:
        if for_s > MAX_WAIT_S:
            raise problem
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await self._told.wait()
        self.check()


def _head(form: Form, context: Context) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", f"{form.value}; charset=utf-8".encode()), *_HEADERS]
    if context.left is not None:
        headers.append((b"ratelimit-remaining", b"%d" % max(0, context.left.amount)))
    return headers


def _lines(rows: list[msgspec.Raw]) -> bytes:
    # Documents that were kept as they were sent may have line breaks; between tokens only, so a blank is the same.
    lines = [bytes(row) for row in rows]
    return b"".join(
        (line.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in line or b"\r" in line else line) + b"\n"
        for line in lines
    )


async def hand_over(body: bytes, send: Send, *, within_s: float = TAKEN_WITHIN_S) -> None:
    """Send it as fast as the client reads it; Unavailable where it does not."""
    try:
        async with asyncio.timeout(within_s):
            for at in range(0, len(body), _PIECE):
                await send({"type": "http.response.body", "body": body[at : at + _PIECE], "more_body": True})
    except TimeoutError:
        raise Unavailable("The client did not read a page in time.") from None


__all__ = ["DataSets", "hand_over"]
