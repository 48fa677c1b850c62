"""Rows that are new since the last time: a stretch of time, reread with some overlap, without what was seen.

Rows become visible when they are committed, not in the order of their instants, so the last stretch is read again
each time. What was seen travels as one byte string of 16-byte ids, there and back: no object per row is made.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from app.plan.binding import Bindings, NewsWindow
from app.plan.catalog import Row
from app.plan.sql import Sql, bound, sql, whole

OVERLAP = timedelta(seconds=10)
"""How long after its instant a row may still be committed, and how far clocks of several gateways may differ."""
ID_BYTES = 16
_COUNT_BYTES = 4


class SeenNews:
    """What one reader of news has seen."""

    def __init__(self) -> None:
        self._read_at: datetime | None = None
        """The last time everything there was had been seen."""
        self._parts: deque[tuple[datetime, bytes]] = deque()

    def window(self, *, now: datetime) -> NewsWindow:
        """What is still unseen at `now`. Rows stamped further ahead than the overlap wait for their time."""
        since = (self._read_at or now) - OVERLAP
        return NewsWindow(since, now + OVERLAP, b"".join(ids for _, ids in self._parts))

    def add(self, ids: bytes, *, now: datetime, is_all: bool) -> None:
        """These were seen at `now`; `is_all`: there were no more."""
        if ids:
            self._parts.append((now, ids))
        if is_all:
            self._read_at = now
            # Seen then, they carried an instant an overlap later at most; no window reaches back to it any more.
            while self._parts and self._parts[0][0] < now - 2 * OVERLAP:
                self._parts.popleft()


def fresh_by(instant: str) -> Callable[[Row], Sql]:
    """The condition of news, by the column that says when a row came."""

    def fresh(row: Row) -> Sql:
        # A sub-select of what was seen, so that it is hashed: an array would be searched from end to end for every row.
        return sql(
            """
            {at} >= {since} AND {at} < {until} AND {row.id} NOT IN (
                SELECT encode(substring({seen} FROM {bytes} * n + 1 FOR {bytes}), 'hex')::uuid
                FROM generate_series(0, length({seen}) / {bytes} - 1) n
            )
            """,
            row=row,
            at=row(instant),
            since=_SINCE,
            until=_UNTIL,
            seen=_SEEN,
            bytes=whole(ID_BYTES),
        )

    return fresh


def head_of_news(row: Row) -> Sql:
    """What the value of a statement of news begins with: how many rows, and their ids."""
    return sql(
        "int4send(count(*)::int) || coalesce(string_agg(uuid_send({row.id}), ''::bytea), ''::bytea) ||",
        row=row,
    )


def split_news(value: bytes) -> tuple[bytes, bytes]:
    """A statement's value → the ids of its rows, and the answer."""
    end = _COUNT_BYTES + ID_BYTES * int.from_bytes(value[:_COUNT_BYTES], "big")
    return value[_COUNT_BYTES:end], value[end:]


def _window(bindings: Bindings) -> NewsWindow:
    window = bindings.facts.news
    assert window is not None, "news are only asked for by a subscription"
    return window


_SINCE = bound(("news", "since"), "timestamptz", lambda b: _window(b).since)
_UNTIL = bound(("news", "until"), "timestamptz", lambda b: _window(b).until)
_SEEN = bound(("news", "seen"), "bytea", lambda b: _window(b).seen)
