"""Whatever is committed is news exactly once: however late, in whatever order, also after a server crashed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from app.plan.binding import NewsWindow
from app.plan.news import MARGIN, NewsHead, NewsRow, SeenNews, Snapshot, split_news

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A row of a transaction, and from when to when that ran; `ended` without a commit where it was undone."""

    id: UUID
    instant: datetime
    number: int
    begun_s: float
    ended_s: float
    is_committed: bool = True

    def seen(self) -> NewsRow:
        return NewsRow(self.instant, self.id, self.number)


def written(chance: Random, *, transactions: int = 300) -> list[Row]:
    """A minute of transactions of one to nine rows, by clocks that differ, which commit at once or much later."""
    out: list[Row] = []
    for number in range(1000, 1000 + transactions):
        begun_s = (number - 1000) * 60 / transactions
        late_s = chance.choice([0.0, chance.uniform(0, 1), chance.uniform(5, 70)])
        instant = BEGIN + timedelta(seconds=begun_s + chance.uniform(-20, 20))
        is_committed = chance.random() > 0.1
        out += [
            Row(uuid4(), instant, number, begun_s, begun_s + late_s, is_committed)
            for _ in range(chance.randint(1, 9))
        ]
    return out


def snapshot(rows: list[Row], now_s: float, *, fresh: int = 1000) -> Snapshot:
    """What the server says at this moment."""
    running = sorted({row.number for row in rows if row.begun_s <= now_s < row.ended_s})
    xmax = max([fresh, *(row.number + 1 for row in rows if row.begun_s <= now_s)])
    return Snapshot(min([xmax, *running]), xmax, running)


def is_in(number: int, text: str) -> bool:
    """`pg_visible_in_snapshot`."""
    known = Snapshot.read(text)
    return number < known.xmax and number not in known.running


def look(rows: list[Row], window: NewsWindow, now_s: float, *, most: int) -> NewsHead:
    """What the statement gives."""
    here = snapshot(rows, now_s)
    until = window.until or str(here)
    found = [
        row
        for row in rows
        if row.is_committed
        and row.ended_s <= now_s
        and row.number >= window.oldest
        and not is_in(row.number, window.since)
        and is_in(row.number, until)
        and (row.instant, row.id) > (window.last_at, window.last_id)
    ]
    found.sort(key=lambda row: (row.instant, row.id))
    return NewsHead(Snapshot.read(until), [row.seen() for row in found[:most]])


def read(
    rows: list[Row], *, most: int, seen: SeenNews, now_s: float = -1.0, until_s: float = 140
) -> list[UUID]:
    """Everything that was news to one reader, a look about every second."""
    out: list[UUID] = []
    while now_s < until_s:
        head = look(rows, seen.window(), now_s, most=most)
        is_all = len(head.rows) < most
        seen.add(head, is_all=is_all)
        out += [row.id for row in head.rows]
        now_s += 1.3 if is_all else 0.01
    return out


@pytest.mark.parametrize("seed", range(20))
def test_each_row_comes_once_however_late(seed: int) -> None:
    given = written(Random(seed))
    told = read(given, most=25, seen=SeenNews())
    assert len(told) == len(set(told))
    assert set(told) == {row.id for row in given if row.is_committed}


@pytest.mark.parametrize("naive", ["all that began is seen", "the last numbers are believed"])
def test_naive_ways_lose_rows(naive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if naive == "all that began is seen":
        monkeypatch.setattr(SeenNews, "_doubting", lambda _, known: Snapshot(known.xmax, known.xmax))
        given = written(Random(1))
        assert set(read(given, most=25, seen=SeenNews())) < {row.id for row in given if row.is_committed}
    else:
        monkeypatch.setattr(SeenNews, "_doubting", lambda _, known: known)
        with pytest.raises(AssertionError):
            test_numbers_that_a_crash_gives_again_are_not_taken_for_done(0)


def test_what_was_there_before_is_no_news() -> None:
    given = written(Random(3))
    seen = SeenNews()
    seen.add(look(given, seen.window(), 40.0, most=25), is_all=True)
    told = set(read(given, most=25, seen=seen, now_s=41))
    before = {row.id for row in given if row.is_committed and row.ended_s <= 40}
    assert told == {row.id for row in given if row.is_committed} - before


@pytest.mark.parametrize("seed", range(5))
def test_numbers_that_a_crash_gives_again_are_not_taken_for_done(seed: int) -> None:
    """The last transactions were undone and left nothing behind; after the crash others have their numbers."""
    chance = Random(seed)
    before = [replace(row, ended_s=row.begun_s) for row in written(chance, transactions=40)]
    undone = [Row(uuid4(), BEGIN, n, 60.0, 60.0, is_committed=False) for n in range(1040, 1040 + MARGIN // 2)]
    seen = SeenNews()
    told = read(before + undone, most=25, seen=seen, until_s=65)
    after = [Row(uuid4(), BEGIN, n, 70.0, 70.0) for n in range(1040, 1060)]
    told += [row.id for row in look(before + after, seen.window(), 75.0, most=1000).rows]
    assert sorted(told) == sorted(row.id for row in before + after if row.is_committed)


def test_what_is_remembered_is_bounded() -> None:
    seen = SeenNews()
    seen.add(NewsHead(Snapshot(1, 1)), is_all=True)
    for number in range(1, 5_000):
        seen.add(
            NewsHead(Snapshot(number, number + 1), [NewsRow(BEGIN, uuid4(), number - 1)]),
            is_all=number % 3 == 0,
        )
    assert len(seen.window().since) < MARGIN * 6


def test_a_statement_s_value_is_its_snapshot_its_rows_and_the_answer() -> None:
    ident = uuid4()
    told = b"7:9:7"
    head = len(told).to_bytes(4, "big") + told
    row = ident.bytes + (1_000_000).to_bytes(8, "big") + (8).to_bytes(8, "big")
    found, answer = split_news(head + b"\0\0\0\1" + row + b'{"data":1}')
    assert found.snapshot == Snapshot(7, 9, (7,))
    assert found.rows == [NewsRow(datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC), ident, 8)]
    assert answer == b'{"data":1}'
    assert split_news(head + b"\0\0\0\0{}") == (NewsHead(Snapshot(7, 9, (7,)), []), b"{}")
