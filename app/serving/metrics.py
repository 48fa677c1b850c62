"""Prometheus metrics of the doors. With several worker processes they are added up over all of them.

prometheus_client decides on import whether it counts in memory or in files shared between processes, so
PROMETHEUS_MULTIPROC_DIR must be set before this module is imported (see `serving/running.py`).
"""

import os
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = Histogram(
    "gateway_request_seconds",
    "How long requests took, from their headers to the end of their answer.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_EXECUTIONS = Counter(
    "gateway_executions",
    "Operations by how they ran: planned (one statement), resolved, rerun (its plan failed), refused.",
    ["operation", "execution"],
)
_IN_FLIGHT = Gauge("gateway_requests_in_flight", "Requests being worked on.", multiprocess_mode="livesum")
_REFUSED = Counter("gateway_requests_refused", "Requests refused because too many were in flight.")

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# `labels()` takes a lock and builds a key each time; the same few children are asked for at every request.
_seconds: dict[tuple[str, str, int], Histogram] = {}
_executions: dict[tuple[str, str], Counter] = {}
_operations: set[str] = set()
MAX_OPERATIONS = 200
"""Names that are counted apart; clients choose them, so their number must be bounded. Later ones are `other`."""


def observe(method: str, route: str, status: int, took_s: float, *, execution: str, operation: str) -> None:
    """Count an answered request. `route` is a template, so that the number of series stays bounded."""
    key = (method, route, status)
    child = _seconds.get(key)
    if child is None:
        shown = method if method in _METHODS else "other"
        child = _seconds[key] = _SECONDS.labels(shown, route or "none", str(status))
        if shown != method:
            del _seconds[key]
    child.observe(took_s)
    if execution:
        counter = _executions.get((operation, execution))
        if counter is None:
            counter = _new_execution(operation, execution)
        counter.inc()


def _new_execution(operation: str, execution: str) -> Counter:
    if operation not in _operations and len(_operations) >= MAX_OPERATIONS:
        return _EXECUTIONS.labels("other", execution)
    _operations.add(operation)
    counter = _executions[operation, execution] = _EXECUTIONS.labels(operation or "unnamed", execution)
    return counter


def entered() -> None:
    """A request was let in."""
    _IN_FLIGHT.inc()


def left() -> None:
    """A request that was let in has its answer."""
    _IN_FLIGHT.dec()


def refused() -> None:
    """A request was turned away at the gate."""
    _REFUSED.inc()


def exposition() -> tuple[bytes, str]:
    """The metrics as Prometheus reads them, and their content type."""
    if MULTIPROCESS_DIR not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    _forget_the_dead()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _forget_the_dead() -> None:
    """A worker process that was killed is still in the middle of its requests, says its file."""
    for file in Path(os.environ[MULTIPROCESS_DIR]).glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            multiprocess.mark_process_dead(int(pid))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
