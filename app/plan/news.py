"""Rows that are new since the last time: those whose transaction was not yet visible then, and is now.

Rows become visible when they are committed, not in the order of their instants, however late that is. So each of them
keeps the number of the transaction that wrote it, and a reader keeps the snapshot of its last look: what that does not
contain and today's does is new, exactly once, whatever the clocks say. Where more is new than one look may take, the
next ones go on behind the last row, between the same two snapshots.

A row that changes until it is settled keeps a second number, of the transaction that changed it last. A reader who asks
for what is only found out then goes by that one, and is told of a row when it is settled.

A number means nothing to another server. What is read here must come from the primary, and from the one node of it.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.plan.binding import Bindings, NewsWindow
from app.plan.catalog import Catalog, News, NewsColumns, Row
from app.plan.sql import Sql, bound, const, sql

MARGIN = 256
"""A server that crashed may give the last numbers again that left nothing behind: this many are never taken for done
unless rows of theirs were seen."""
_NEVER = 2**63 - 1
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_ROW = struct.Struct("!16sqq")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions are over: those below `xmax` but for `running`, as `pg_current_snapshot()` prints it."""

    xmin: int
    xmax: int
    running: Sequence[int] = ()

    @classmethod
    def read(cls, text: str) -> "Snapshot":
        """`12:15:12,14`."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), tuple(int(one) for one in running.split(",") if one))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.running))}"


@dataclass(frozen=True, slots=True)
class NewsRow:
    """What its reader must know of a row."""

    at: datetime
    id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class NewsHead:
    """What came of a look, beside the answer."""

    snapshot: Snapshot
    """Up to which it went."""
    rows: Sequence[NewsRow] = ()


class SeenNews:
    """What one reader of news has seen."""

    def __init__(self, *, by_move: bool = False) -> None:
        """`by_move`: rows are told when they are settled, not when they are written."""
        self._by_move = by_move
        self._since: Snapshot | None = None
        """Everything in it has been seen; None before the first look, which only finds out where to begin."""
        self._until: Snapshot | None = None
        """Up to which the looks go that are under way; None: as far as the next one sees."""
        self._last = (_FIRST, UUID(int=0))
        self._begun = 0
        self._met: set[int] = set()
        """Transactions whose rows were seen, as far back as the margin."""

    def window(self) -> NewsWindow:
        """What is still unseen."""
        if self._since is None:
            return NewsWindow(self._by_move, _NEVER, str(Snapshot(1, 1)), None, *self._last)
        until = None if self._until is None else str(self._until)
        return NewsWindow(self._by_move, self._since.xmin, str(self._since), until, *self._last)

    def past(self, snapshot: Snapshot) -> NewsWindow:
        """What was there before the news that follow this snapshot: all that it contains."""
        return replace(self.window(), until=str(snapshot), is_past=True)

    def add(self, head: NewsHead, *, is_all: bool) -> None:
        """These were seen; `is_all`: there were no more."""
        if self._since is None:
            self._begun = head.snapshot.xmax
        self._met.update(row.number for row in head.rows)
        if is_all:
            self._since, self._until, self._last = self._doubting(head.snapshot), None, (_FIRST, UUID(int=0))
        else:
            self._until = head.snapshot
            self._last = max((row.at, row.id) for row in head.rows)

    def _doubting(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot, with the last transactions taken for running unless they were met."""
        # What was over when this reader began is none of its news, whoever it was.
        floor = min(max(self._begun, snapshot.xmax - MARGIN), snapshot.xmax)
        self._met = {number for number in self._met if number >= floor}
        doubted = {number for number in range(floor, snapshot.xmax) if number not in self._met}
        running = sorted(doubted.union(snapshot.running))
        return Snapshot(min([snapshot.xmin, *running]), snapshot.xmax, running)


def fresh_by(columns: NewsColumns) -> Callable[[Row], Sql]:
    """The condition of news."""

    def fresh(row: Row) -> Sql:
        # A range of plain numbers, for the index: with one bound alone a plan made for any value would expect so many
        # rows that it read the group's from the first on. Sub-selects, so that snapshots are read once, not per row.
        return sql(
            """
            {moved_by} >= {oldest} AND {moved_by} < {no_end}
            AND NOT pg_visible_in_snapshot(({number})::text::xid8, (SELECT {since}::pg_snapshot))
            AND pg_visible_in_snapshot(
              ({number})::text::xid8, (SELECT coalesce({until}::pg_snapshot, pg_current_snapshot())))
            AND ({at}, {row.id}) > ({last_at}, {last_id})
            """,
            row=row,
            at=row(columns.instant),
            moved_by=row(columns.moved_by),
            number=number_of(row, columns),
            oldest=_OLDEST,
            no_end=const(_NEVER, "bigint"),
            since=_SINCE,
            until=_UNTIL,
            last_at=_LAST_AT,
            last_id=_LAST_ID,
        )

    return fresh


def known_by(columns: NewsColumns) -> Callable[[Row], Sql]:
    """The condition of what is no news any more: its transaction was over. Nobody knows those without a number."""

    def known(row: Row) -> Sql:
        return sql(
            """
            coalesce(pg_visible_in_snapshot(({number})::text::xid8, (SELECT {until}::pg_snapshot)), true)
            """,
            number=number_of(row, columns),
            until=_UNTIL,
        )

    return known


def with_past(catalog: Catalog) -> Catalog:
    """The catalog in which fields of news mean what was there before."""
    root = catalog.entities["Subscription"]
    fields = {name: one.past if isinstance(one, News) else one for name, one in root.fields.items()}
    return replace(catalog, entities={**catalog.entities, root.name: replace(root, fields=fields)})


def number_of(row: Row, columns: NewsColumns) -> Sql:
    """The number that this reader goes by."""
    return sql(
        "CASE WHEN {by_move} THEN {moved} ELSE {written} END",
        by_move=_BY_MOVE,
        moved=row(columns.moved_by),
        written=row(columns.written_by),
    )


def head_of_news(row: Row, columns: NewsColumns) -> Sql:
    """What the value of a statement of news begins with: its snapshot, and what there is to know of its rows."""
    return sql(
        """
        (SELECT int4send(length(told)) || convert_to(told, 'UTF8')
           FROM coalesce({until}, pg_current_snapshot()::text) told)
        || int4send(count(*)::int) || coalesce(string_agg(
             uuid_send({row.id}) || timestamptz_send({at}) || int8send(coalesce({number}, 0)), ''::bytea), ''::bytea) ||
        """,
        row=row,
        at=row(columns.instant),
        number=number_of(row, columns),
        until=_UNTIL,
    )


CURRENT = sql("SELECT pg_current_snapshot()::text AS told")
"""For readers that make several statements: the first, whose answer is where the others end."""


def split_news(value: bytes) -> tuple[NewsHead, bytes]:
    """A statement's value → its head, and the answer."""
    length = int.from_bytes(value[:4], "big")
    snapshot = Snapshot.read(value[4 : 4 + length].decode())
    start = 8 + length
    end = start + _ROW.size * int.from_bytes(value[4 + length : start], "big")
    rows = [
        NewsRow(_EPOCH + timedelta(microseconds=at), UUID(bytes=ident), number)
        for ident, at, number in _ROW.iter_unpack(value[start:end])
    ]
    return NewsHead(snapshot, rows), value[end:]


def _window(bindings: Bindings) -> NewsWindow:
    window = bindings.facts.news
    assert window is not None, "news are only asked for by a subscription"
    return window


_BY_MOVE = bound(("news", "by_move"), "boolean", lambda b: _window(b).by_move)
_OLDEST = bound(("news", "oldest"), "bigint", lambda b: _window(b).oldest)
_SINCE = bound(("news", "since"), "text", lambda b: _window(b).since)
_UNTIL = bound(("news", "until"), "text", lambda b: _window(b).until)
_LAST_AT = bound(("news", "last_at"), "timestamptz", lambda b: _window(b).last_at)
_LAST_ID = bound(("news", "last_id"), "uuid", lambda b: _window(b).last_id)
