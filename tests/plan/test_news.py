"""Whatever is committed within the overlap is news exactly once, in whatever order; without an overlap it is not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from app.plan.binding import NewsWindow
from app.plan.news import OVERLAP, SeenNews, split_news

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A row: what its instant says, and when it can be seen."""

    id: UUID
    instant: datetime
    committed: datetime


def rows(chance: Random, *, count: int = 400) -> list[Row]:
    """A minute of rows, committed up to almost the overlap late, by clocks that differ by seconds."""
    out = []
    for _ in range(count):
        instant = BEGIN + timedelta(seconds=chance.uniform(0, 60))
        late_s = chance.choice([chance.uniform(-3, 0.1), chance.uniform(0, OVERLAP.total_seconds() - 2.5)])
        out.append(Row(uuid4(), instant, instant + timedelta(seconds=late_s)))
    return out


def look(all_rows: list[Row], window: NewsWindow, now: datetime, *, most: int) -> list[Row]:
    """What the statement gives."""
    seen = {window.seen[at : at + 16] for at in range(0, len(window.seen), 16)}
    found = [
        row
        for row in all_rows
        if row.committed <= now and window.since <= row.instant < window.until and row.id.bytes not in seen
    ]
    return sorted(found, key=lambda row: (row.instant, row.id))[:most]


def read(all_rows: list[Row], *, most: int, overlap: bool = True) -> list[UUID]:
    """Everything that was news to one reader, a look about every second."""
    seen, now, out = SeenNews(), BEGIN, []
    while now < BEGIN + timedelta(seconds=90):
        window = seen.window(now=now)
        if not overlap:
            window = NewsWindow(window.since + OVERLAP, now, window.seen)
        found = look(all_rows, window, now, most=most)
        seen.add(b"".join(row.id.bytes for row in found), now=now, is_all=len(found) < most)
        out += [row.id for row in found]
        now += timedelta(seconds=0.01 if len(found) == most else 1.3)
    return out


@pytest.mark.parametrize("seed", range(20))
def test_late_and_early_rows_come_once_each(seed: int) -> None:
    given = rows(Random(seed))
    told = read(given, most=25)
    assert len(told) == len(set(told))
    assert set(told) == {row.id for row in given}


def test_without_an_overlap_late_rows_are_lost() -> None:
    given = rows(Random(1))
    assert len(set(read(given, most=25, overlap=False))) < len(given)


def test_what_was_seen_is_forgotten_when_no_window_reaches_it() -> None:
    seen = SeenNews()
    for second in range(600):
        seen.add(b"x" * 16, now=BEGIN + timedelta(seconds=second), is_all=True)
    assert len(seen.window(now=BEGIN + timedelta(seconds=600)).seen) <= 16 * 21


def test_a_statement_s_value_is_ids_and_answer() -> None:
    ids = uuid4().bytes + uuid4().bytes
    assert split_news(b"\0\0\0\2" + ids + b'{"data":1}') == (ids, b'{"data":1}')
    assert split_news(b"\0\0\0\0{}") == (b"", b"{}")
