"""Prometheus metrics of the surfaces. Several worker processes are added up.

Requests are counted in plain numbers (`tallies.py`), which prometheus_client prints when it is scraped. Its own
counters take a lock and walk their buckets at every request, which cost more than finding the plan.
"""

import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from app.serving.exchange import Exchange
from app.serving.tallies import Name, Tallies

METRICS_FOLDER = "GATEWAY_METRICS_FOLDER"
"""Set before worker processes start: the folder where their numbers come together (see `serving/running.py`)."""

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TIMED = len(BUCKETS_S) + 2
"""Slots of a histogram: its buckets, one for anything longer, and the sum of all seconds."""
_SUM = _TIMED - 1

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
MAX_OPERATIONS = 200
"""Names that are counted apart; clients choose them, so their number must be bounded. Later ones are `other`."""

_folder = os.environ.get(METRICS_FOLDER)
_tallies = Tallies(Path(_folder) if _folder else None, spare=_TIMED)
_numbers = _tallies.numbers
_in_flight = _tallies.place(("in_flight",), slots=1)
_refused = _tallies.place(("refused",), slots=1)
_over_budget = _tallies.place(("over_budget",), slots=1)
_events = _tallies.place(("events_processed",), slots=1)
_stale = {answered: _tallies.place(("stale_reads", answered), slots=1) for answered in ("replica", "primary")}
_database = _tallies.place(("database",), slots=4)
_replica = _tallies.place(("replica",), slots=3)
_live = {
    name: _tallies.place((name,), slots=1)
    for name in ("live_subscriptions", "live_ticks", "live_messages", "live_dropped")
}
_seconds: dict[tuple[str, str, int], int] = {}
_executions: dict[tuple[str, str], int] = {}
_operations: set[str] = set()


def observe(exchange: Exchange, method: str, *, took_s: float) -> None:
    """Count an answered request."""
    at = _seconds.get((method, exchange.route, exchange.status))
    if at is None:
        at = _new_seconds(method, exchange.route, exchange.status)
    _numbers[at + bisect_left(BUCKETS_S, took_s)] += 1
    _numbers[at + _SUM] += took_s
    if exchange.execution:
        at = _executions.get((exchange.operation, exchange.execution))
        if at is None:
            at = _new_execution(exchange.operation, exchange.execution)
        _numbers[at] += 1


def entered() -> None:
    """A request was let in."""
    _numbers[_in_flight] += 1


def left() -> None:
    """A request that was let in has its answer."""
    _numbers[_in_flight] -= 1


def turned_away() -> None:
    """A request was turned away at the gate."""
    _numbers[_refused] += 1


def over_budget() -> None:
    """Somebody asked for something whose budget was spent."""
    _numbers[_over_budget] += 1


def events_processed(count: int) -> None:
    """A pipeline of this process is done with this many events, processed or trashed."""
    _numbers[_events] += count


def stale_read(*, by_replica: bool) -> None:
    """A read that may be stale was answered, by the replica or by the primary in its place."""
    _numbers[_stale["replica" if by_replica else "primary"]] += 1


def database_seen(opened: int, in_use: int, waiting: int, *, is_away: bool) -> None:
    """How a process of ours found its database."""
    for at, number in enumerate((opened, in_use, waiting, is_away)):
        _numbers[_database + at] = number


def replica_seen(*, lag_s: float | None, is_asked: bool) -> None:
    """How a process of ours found its replica."""
    _numbers[_replica] = 1
    _numbers[_replica + 1] = 0 if lag_s is None else lag_s
    _numbers[_replica + 2] = is_asked


def live_subscribed(change: int) -> None:
    """This many more subscriptions are open."""
    _numbers[_live["live_subscriptions"]] += change


def live_tick() -> None:
    """A topic was read: one statement."""
    _numbers[_live["live_ticks"]] += 1


def live_message() -> None:
    """A subscriber took a message."""
    _numbers[_live["live_messages"]] += 1


def live_dropped(count: int) -> None:
    """Messages that were never sent: newer ones replaced them, or the subscriber read too slowly."""
    _numbers[_live["live_dropped"]] += count


def retention_dropped(kind: str, count: int) -> None:
    """So many rows of a kind were older than their group keeps them."""
    _numbers[_tallies.place(("retention_dropped", kind), slots=1)] += count


def exposition() -> tuple[bytes, str]:
    """The metrics as Prometheus reads them, and their content type."""
    return generate_latest(_registry), CONTENT_TYPE_LATEST


def _new_seconds(method: str, route: str, status: int) -> int:
    shown = method if method in _METHODS else "other"
    at = _tallies.place(("seconds", shown, route or "none", str(status)), slots=_TIMED)
    if shown == method:
        _seconds[method, route, status] = at
    return at


def _new_execution(operation: str, execution: str) -> int:
    if operation not in _operations and len(_operations) >= MAX_OPERATIONS:
        return _tallies.place(("executions", "other", execution), slots=1)
    _operations.add(operation)
    at = _tallies.place(("executions", operation or "unnamed", execution), slots=1)
    _executions[operation, execution] = at
    return at


class _Doors(Collector):
    """What was counted, in prometheus_client's words."""

    def collect(self) -> Iterator[Metric]:
        """Called once per scrape."""
        sums = _tallies.sums(of_the_living=("in_flight", "live_subscriptions", "replica", "database"))
        seconds = HistogramMetricFamily(
            "gateway_request_seconds",
            "How long requests took, from their headers to the end of their answer.",
            labels=["method", "route", "status"],
        )
        for labels, (*buckets, total_s) in _of(sums, "seconds"):
            limits = [*map(str, BUCKETS_S), "+Inf"]
            seconds.add_metric(labels, list(zip(limits, accumulate(buckets), strict=True)), total_s)
        executions = CounterMetricFamily(
            "gateway_executions",
            "Operations by how they ran: planned (one statement), resolved, lean (a mutation, called directly),"
            " rerun (its plan failed), explained (not run), refused.",
            labels=["operation", "execution"],
        )
        for labels, (count,) in _of(sums, "executions"):
            executions.add_metric(labels, count)
        in_flight = GaugeMetricFamily("gateway_requests_in_flight", "Requests being worked on.")
        refused = CounterMetricFamily(
            "gateway_requests_refused", "Requests refused because too many were in flight."
        )
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
            "in_flight": in_flight,
            "refused": refused,
            "over_budget": CounterMetricFamily(
                "gateway_operations_over_budget", "Operations of credentials whose budget was spent."
            ),
            "events_processed": CounterMetricFamily(
                "gateway_events_processed", "Events the pipeline is done with, taken or trashed."
            ),
            "live_subscriptions": GaugeMetricFamily(
                "gateway_live_subscriptions", "Open subscriptions, over sockets and event streams."
            ),
            "live_ticks": CounterMetricFamily(
                "gateway_live_ticks", "Looks at what is subscribed to: one per tick and topic."
            ),
            "live_messages": CounterMetricFamily(
                "gateway_live_messages", "Results of subscriptions that subscribers took."
            ),
            "live_dropped": CounterMetricFamily(
                "gateway_live_dropped",
                "Results that slow subscribers never got: a newer one took their place.",
            ),
        }
        retention = CounterMetricFamily(
            "gateway_retention_dropped", "Rows that lost a text or went, by what it was.", labels=["kind"]
        )
        for labels, (count,) in _of(sums, "retention_dropped"):
            retention.add_metric(labels, count)
        for name, family in families.items():
            for labels, (count,) in _of(sums, name):
                family.add_metric(labels, count)
        yield from (seconds, executions, retention, *families.values())
        yield from _of_databases(sums)
        yield from _of_replicas(sums)


def _of_databases(sums: dict[Name, Sequence[float]]) -> Iterator[Metric]:
    connections = GaugeMetricFamily(
        "gateway_database_connections",
        "Connections to the primary by their state, and requests that wait for one.",
        labels=["state"],
    )
    away = GaugeMetricFamily("gateway_database_away", "Processes for which the database is away just now.")
    for _, (opened, in_use, waiting, is_away) in _of(sums, "database"):
        for state, number in (("open", opened), ("in_use", in_use), ("waiting", waiting)):
            connections.add_metric([state], number)
        away.add_metric([], is_away)
    yield from (connections, away)


def _of_replicas(sums: dict[Name, Sequence[float]]) -> Iterator[Metric]:
    reads = CounterMetricFamily(
        "gateway_stale_reads",
        "Reads that might be stale, by who answered: the replica, or the primary in its place.",
        labels=["answered"],
    )
    for labels, (count,) in _of(sums, "stale_reads"):
        reads.add_metric(labels, count)
    yield reads
    for _, (processes, lag_s, asked) in _of(sums, "replica"):
        if not processes:
            continue
        lag = GaugeMetricFamily(
            "gateway_replica_lag_seconds",
            "How much of the primary's past the replica lacks; 0 also while that is not known.",
        )
        lag.add_metric([], lag_s / processes)
        usable = GaugeMetricFamily(
            "gateway_replica_asked", "Whether the replica is asked: 1; 0: the primary answers in its place."
        )
        usable.add_metric([], asked / processes)
        yield from (lag, usable)


def _of(sums: dict[Name, Sequence[float]], name: str) -> Iterator[tuple[Name, Sequence[float]]]:
    return ((key[1:], numbers) for key, numbers in sums.items() if key[0] == name)


# A single process reports about itself as well; of several it would be whichever happens to answer.
_registry = CollectorRegistry() if _folder else REGISTRY
_registry.register(_Doors())
