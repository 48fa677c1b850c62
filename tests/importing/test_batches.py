"""Batches of records: those that fail as a whole, and rows that wait for what they point at."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from app.db.database import Database, Transaction
from app.errors import Conflict, Invalid, NotFound
from app.importing import registry
from app.importing.records import Columns, Lists, Outcome, Record, Row, Verdict
from tests.given.groups import GivenGroup
from tests.importing.conftest import bring, counted, verdicts, written


class _Notes:
    """A writer that fails as a whole where a row is odd, and says so only of one kind."""

    columns = Columns(("id", "text"), own_key=True)
    calls: list[int] = []

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        self.calls.append(len(records))
        await tx.execute("SELECT 1")
        if any(record.values.get("text") == "odd" for record in records):
            raise Conflict("Something is odd.")
        if any(record.values.get("text") == "nul" for record in records):
            await tx.fetchval("SELECT $1::text", "\0")
        return [
            Outcome.refused(Invalid("No.", path=["text"]))
            if record.values.get("text") == "no"
            else Outcome(Verdict.MADE)
            for record in records
        ]


class _Reader:
    """A system that prints a thing with its notes."""

    lists = Lists(frozenset({"data"}))

    def records(self, row: Row) -> Sequence[Record]:
        if "id" not in row.values:
            raise Invalid("This is nothing.")
        notes = [Record("notes", {"text": text}, row) for text in row.values["notes"]]
        return [Record("customers", {"external_id": row.values["id"]}, row, lost={"size": 1}), *notes]


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> type[_Notes]:
    _Notes.calls = []
    monkeypatch.setitem(registry.WRITERS, "notes", _Notes)
    monkeypatch.setitem(registry.READERS, "diary", _Reader())
    return _Notes


@pytest.mark.parametrize("odd", ["odd", "nul"])
async def test_a_batch_that_fails_as_a_whole_is_tried_by_halves(
    db: Database, shop: GivenGroup, tmp_path: Path, notes: type[_Notes], odd: str
) -> None:
    file = tmp_path / "n.jsonl"
    rows = [
        {"id": n, "notes": [odd if n in (3, 900) else "x", "no" if n == 5 else "y"]} for n in range(1_000)
    ]
    lines = [json.dumps({"data": [row], "of": "me"}) for row in rows]
    file.write_text("\n".join(lines))
    report = await bring(db, shop, "diary", file, dry=True)
    assert await counted(db, shop) == 0
    again = await bring(db, shop, "diary", file)
    for one in (report, again):
        assert (one.rows, one.refused) == (1_000, 3)
        assert verdicts(one) == [998, 0, 0, 2]
        assert verdicts(one, "notes") == [1_995, 0, 0, 5]
        assert one.lost == {"customers": {"size": 998}}
    assert max(notes.calls) == 1_000
    assert await counted(db, shop) == 998
    # A row of an answer is written down within its list, and with what stood around.
    refused = [json.loads(line) for line in (tmp_path / "n.jsonl.refused.jsonl").read_text().splitlines()]
    assert refused == [{"of": "me", "data": [rows[n]]} for n in (3, 5, 900)]


class _Links:
    """A writer of what points at customers."""

    columns = Columns(("to",))

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        known = await tx.fetch("SELECT external_id FROM customer WHERE group_id = $1", tx.scope.group_id)
        there = {row["external_id"] for row in known}
        return [
            Outcome(Verdict.MADE)
            if record.values["to"] in there
            else Outcome.refused(NotFound("customer", record.values["to"], path=["to"]))
            for record in records
        ]


class _Friends:
    """A system that prints whom somebody knows, and something nobody here has heard of."""

    lists = Lists(frozenset({"data"}))

    def records(self, row: Row) -> Sequence[Record]:
        values = row.values
        links = [Record("links", {"to": to}, row) for to in values.get("knows", [])]
        odd = [Record("planets", {}, row)] if "planet" in values else []
        return [Record("customers", {"external_id": values["id"]}, row), *links, *odd]


@pytest.mark.parametrize("dry", [True, False])
async def test_what_points_at_a_later_file_waits_for_it(
    db: Database, shop: GivenGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dry: bool
) -> None:
    monkeypatch.setitem(registry.WRITERS, "links", _Links)
    monkeypatch.setitem(registry.READERS, "diary", _Friends())
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [
        {"id": "a", "knows": ["b", "c"]},
        {"id": "x", "knows": ["nobody", "a"]},
        {"id": "y", "planet": "Mars"},
    ]
    written(folder / "1.json", json.dumps({"data": rows}))
    written(folder / "2.json", json.dumps({"data": [{"id": "b", "knows": ["c"]}]}))
    written(folder / "3.json", json.dumps({"data": [{"id": "c"}]}))
    seen: list[tuple[int, int, int]] = []
    report = await bring(
        db, shop, "diary", folder, dry=dry, progress=lambda *told: seen.append(told), refused_into=tmp_path
    )
    assert (report.rows, report.refused, seen[-1]) == (5, 2, (5, 2, 5))
    # Each record is counted once, however often its row was tried.
    assert (verdicts(report), verdicts(report, "links")) == ([5, 0, 0, 0], [4, 0, 0, 1])
    assert verdicts(report, "planets") == [0, 0, 0, 1]
    told = [json.loads(line) for line in (tmp_path / "1.json.reasons.jsonl").read_text().splitlines()]
    assert [(one["row"], one["code"], one["refused_line"]) for one in told] == [
        (3, "NO_PLACE", 1), (2, "NOT_FOUND", 2),
    ]  # fmt: skip
    assert await counted(db, shop) == (0 if dry else 5)


async def test_what_cannot_be_imported_is_said(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id\n1\n")
    with pytest.raises(Invalid, match="customers"):
        await bring(db, shop, "nothings", file)
    with pytest.raises(Invalid, match="itself"):
        await bring(db, shop, "customers", file, refused_into=file)
