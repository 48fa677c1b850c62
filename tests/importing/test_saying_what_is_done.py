"""Dry runs, reports, refused rows that go in again, and what a file calls things."""

import csv
import io
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.database import Database, Transaction
from app.errors import Conflict, Invalid, NotFound
from app.importing import registry, running
from app.importing.reading.sources import find_sources
from app.importing.reading.told import Told, read_told
from app.importing.records import Columns, Lists, Outcome, Record, Row, Verdict
from app.importing.report import Report
from app.importing.running import import_files
from tests.given import audience, groups
from tests.given.groups import GivenGroup


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    return await groups.group(db)


async def bring(db: Database, shop: GivenGroup, what: str, place: Path, **options: Any) -> Report:
    told = options.pop("told", Told())
    return await import_files(
        db, shop.scope, what, find_sources(str(place)), now=audience.NOON, told=told, **options
    )


async def counted(db: Database, shop: GivenGroup, table: str = "customer") -> int:
    async with db.transaction(shop.scope) as tx:
        return int(await tx.fetchval(f"SELECT count(*) FROM {table} WHERE group_id = $1", shop.group_id))


def verdicts(report: Report, concept: str = "customers") -> list[int]:
    return [report.concepts[concept][verdict] for verdict in Verdict]


GERMAN = (
    "Kundennr;Name;E-Mail;Umsatz;Letzte Bestellung;Notiz\r\n"
    '1;"Müller, Jörg";joerg@example.org;1.234,50;31.12.2025;"TV 55"" wide\r\nund mehr"\r\n'
    "2;Groß;gross@example.org;12,50;1.2.2025;\r\n"
    "3;Arg;keine Adresse;1;;x\r\n"
)
GERMAN_TOLD: dict[str, Any] = {
    "maps": ["Kundennr=external_id", "Umsatz=total_spent", "Letzte Bestellung=last_order_at"],
    "dates": "day-first",
    "ignored": ["Notiz"],
}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16"])
async def test_a_german_table_as_excel_writes_it(
    db: Database, shop: GivenGroup, tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "kunden.csv"
    file.write_bytes(GERMAN.encode(encoding))
    dry = await bring(db, shop, "customers", file, told=read_told(**GERMAN_TOLD), dry=True)
    assert await counted(db, shop) == 0
    assert os.listdir(tmp_path) == ["kunden.csv"]
    report = await bring(db, shop, "customers", file, told=read_told(**GERMAN_TOLD))
    assert report.concepts == dry.concepts
    assert (report.lost, dry.lost) == (dry.lost, {"customers": {"Notiz": 1}})
    assert verdicts(report) == [2, 0, 0, 1]
    async with db.transaction(shop.scope) as tx:
        rows = await tx.fetch(
            "SELECT name, total_spent, last_order_at::date AS day FROM customer ORDER BY external_id"
        )
    assert [(row["name"], str(row["total_spent"]), str(row["day"])) for row in rows] == [
        ("Müller, Jörg", "1234.5000", "2025-12-31"), ("Groß", "12.5000", "2025-02-01"),
    ]  # fmt: skip
    refused = file.with_name("kunden.csv.refused.csv")
    assert (
        refused.read_bytes().decode(encoding)
        == GERMAN[: GERMAN.index("\n") + 1] + "3;Arg;keine Adresse;1;;x\r\n"
    )
    (told,) = [
        json.loads(line) for line in file.with_name("kunden.csv.reasons.jsonl").read_text().splitlines()
    ]
    assert (told["line"], told["code"], told["column"], told["refused_line"]) == (5, "INVALID", "E-Mail", 2)
    # Mended and fed again, just as it is.
    refused.write_bytes(
        refused.read_bytes().decode(encoding).replace("keine Adresse", "c@example.org").encode(encoding)
    )
    again = await bring(db, shop, "customers", refused, told=read_told(**GERMAN_TOLD))
    assert verdicts(again) == [1, 0, 0, 0]


async def test_twice_is_once_and_a_change_is_a_change(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    rows: list[dict[str, Any]] = [
        {"id": "a", "email": "A@example.org", "name": "Ada", "tags": ["x", "x", "y"], "total_spent": 12.50,
         "last_order_at": "2026-01-01", "email_consent": True, "attributes": {"b": [1, 2.50]}, "shoe": 42},
        {"id": "b"}, {"email": "c@example.org", "loyalty_tier": "gold"},
    ]  # fmt: skip
    file.write_text("\n".join(json.dumps(row) for row in rows))
    assert verdicts(await bring(db, shop, "customers", file)) == [3, 0, 0, 0]
    async with db.transaction(shop.scope) as tx:
        before = await tx.fetch("SELECT xmin::text, customer.* FROM customer")
    for dry in (True, False):
        assert verdicts(await bring(db, shop, "customers", file, dry=dry)) == [0, 0, 3, 0]
    async with db.transaction(shop.scope) as tx:
        assert await tx.fetch("SELECT xmin::text, customer.* FROM customer") == before
    for column, value in (
        ("name", "Bo"), ("tags", ["y"]), ("total_spent", 12.51), ("email_consent", False), ("shoe", 43),
        ("email", "B@example.org"), ("last_order_at", "2026-01-02"),
    ):  # fmt: skip
        rows[0][column] = value
        file.write_text("\n".join(json.dumps(row) for row in rows))
        assert verdicts(await bring(db, shop, "customers", file, dry=True)) == [0, 1, 2, 0]
        assert verdicts(await bring(db, shop, "customers", file)) == [0, 1, 2, 0]


async def test_campaigns_and_segments_twice_are_the_same(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    await audience.customer(db, shop.scope, "c1")
    segments, campaigns = tmp_path / "s.jsonl", tmp_path / "c.json"
    segments.write_text('{"id": "s1", "name": "Friends", "members": ["c1"], "size": 3}\n')
    row = {"id": 7, "name": "Summer", "segment": {"id": "s1"}, "channels": ["email"], "start_date": "2030-01-01",
           "metrics": {"sent": 5420, "sung": 3}, "created_at": "2025-01-01T00:00:00Z", "budget": "12.50"}  # fmt: skip
    campaigns.write_text(json.dumps({"campaigns": [row], "total": 1}))
    for expected in ([1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]):
        report = await bring(db, shop, "segments", segments)
        assert verdicts(report, "segments") == expected
        assert report.lost == {}
        report = await bring(db, shop, "campaigns", campaigns)
        assert verdicts(report, "campaigns") == expected
        # What cannot be kept is not left unsaid.
        assert report.lost == {"campaign_totals": {"sung": 1}}
        assert any("no place for sung (1)" in line for line in report.lines())
    row["name"] = "Winter"
    campaigns.write_text(json.dumps(row))
    assert verdicts(await bring(db, shop, "campaigns", campaigns), "campaigns") == [0, 1, 0, 0]


async def test_unknown_columns_are_named_with_the_nearest_known_one(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = tmp_path / "c.csv"
    file.write_text("Campaign ID,Name,Chanels,nonsense\n1,Summer,email,x\n")
    report = await bring(db, shop, "campaigns", file)
    (reason,) = report.reasons.values()
    assert "`Chanels` (perhaps `channels`)" in reason.message
    assert "`nonsense`" in reason.message
    told = read_told(maps=["Campaign ID=external_id", "Chanels=channels"], ignored=["NONSENSE"])
    report = await bring(db, shop, "campaigns", file, told=told)
    assert verdicts(report, "campaigns") == [1, 0, 0, 0]
    assert report.lost == {"campaigns": {"nonsense": 1}}


async def test_customers_nobody_named_are_told_the_columns(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = tmp_path / "c.csv"
    file.write_text("Kundennr;Umsatz\n1;2,5\n")
    (reason,) = (await bring(db, shop, "customers", file)).reasons.values()
    assert "the columns are `Kundennr`, `Umsatz`" in reason.message
    assert "--map" in reason.message


async def test_a_mapping_in_a_file(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    mapping, file = tmp_path / "m.map", tmp_path / "c.csv"
    mapping.write_text('{"Kundennr": "externalId", "a=b": "name", "Umsatz": "nowhere"}')
    file.write_text("KUNDENNR;a=b;Umsatz;Ort\n1;Ada;1,5;Ulm\n")
    told = read_told(mapping=mapping, maps=["Umsatz=Total Spent"])
    assert verdicts(await bring(db, shop, "customers", file, told=told)) == [1, 0, 0, 0]
    async with db.transaction(shop.scope) as tx:
        row = await tx.fetchrow(
            "SELECT external_id, name, total_spent, attributes::text AS kept FROM customer"
        )
    assert row is not None
    assert (row["external_id"], row["name"], str(row["total_spent"])) == ("1", "Ada", "1.5000")
    assert json.loads(row["kept"]) == {"Ort": "Ulm"}
    for wrong in ("[]", "{broken", '{"a": 1}', '{"a": ""}'):
        mapping.write_text(wrong)
        with pytest.raises(Invalid):
            read_told(mapping=mapping)
    for pair in ("a", "=b", "a="):
        with pytest.raises(Invalid):
            read_told(maps=[pair])
    with pytest.raises(Invalid):
        read_told(mapping=tmp_path / "none")


async def test_a_mapping_to_nothing_or_of_nothing_is_said(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = tmp_path / "c.csv"
    file.write_text("Nr;Farbe;Ort\n1;rot;Ulm\n")
    with pytest.raises(Invalid, match="perhaps `total_spent`"):
        await bring(db, shop, "customers", file, told=read_told(maps=["Nr=totalspend"]))
    told = read_told(maps=["Nr=id", "Farbe=attributes.colour", "Umsatz=total_spent"])
    report = await bring(db, shop, "customers", file, told=told)
    assert report.absent == ["Umsatz"]
    assert "No column is called `Umsatz`." in report.lines()
    async with db.transaction(shop.scope) as tx:
        assert json.loads(await tx.fetchval("SELECT attributes::text FROM customer")) == {
            "colour": "rot",
            "Ort": "Ulm",
        }


async def test_rows_on_one_line_are_told_apart(
    db: Database, shop: GivenGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    file = _written(tmp_path / "c.json", json.dumps([{"id": n % 5, "name": f"N{n}"} for n in range(8)]))
    report = await bring(db, shop, "customers", file)
    assert (verdicts(report), report.refused) == ([5, 0, 0, 3], 3)
    told = [json.loads(line) for line in (tmp_path / "c.json.reasons.jsonl").read_text().splitlines()]
    assert [(one["line"], one["row"], one["code"]) for one in told] == [
        (1, 6, "REPEATED"), (1, 7, "REPEATED"), (1, 8, "REPEATED"),
    ]  # fmt: skip


async def test_a_workbook_is_no_table(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    file = tmp_path / "c.xlsx"
    file.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(Invalid, match="CSV"):
        await bring(db, shop, "customers", file)


async def test_two_of_our_names_for_a_value(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    await bring(db, shop, "segments", _written(tmp_path / "s.jsonl", '{"id": "s1", "name": "Friends"}'))
    _written(
        file,
        '{"id": 1, "name": "A", "segment_id": "s1", "segment": {"id": "s1"}, "store": null, "store_id": null}',
    )
    assert verdicts(await bring(db, shop, "campaigns", file), "campaigns") == [1, 0, 0, 0]
    _written(file, '{"id": 2, "externalId": 3, "external_id": 4, "name": "A"}')
    assert verdicts_or_refused(await bring(db, shop, "campaigns", file)) == 1


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def verdicts_or_refused(report: Report) -> int:
    assert not report.concepts
    return report.refused


async def test_a_place_for_refused_rows_that_cannot_be_written(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = _written(tmp_path / "c.csv", "id,email\n1,bad\n")
    with pytest.raises(Invalid, match="--refused"):
        await bring(db, shop, "customers", file, refused_into=tmp_path / "none" / "x.csv")


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["good", "bad"]), st.text(st.sampled_from('aé;,"\n '), max_size=6)),
        min_size=1,
        max_size=12,
    ),
    separator=st.sampled_from([";", ",", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    form=st.sampled_from(["csv", "jsonl", "list", "answer"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_refused_rows_go_in_again_once_they_are_mended(
    db: Database,
    tmp_path: Path,
    rows: list[tuple[str, str]],
    separator: str,
    end: str,
    encoding: str,
    form: str,
) -> None:
    shop = await groups.group(db)
    told = Told(separator=separator, encoding=encoding if encoding == "cp1252" else None)
    for old in os.listdir(tmp_path):
        (tmp_path / old).unlink()
    cells = [
        {"id": f"n{n}", "email": f"n{n}{'@' if kind == 'good' else ' at '}example.org", "note": text or "-"}
        for n, (kind, text) in enumerate(rows)
    ]
    file = tmp_path / f"c.{'csv' if form == 'csv' else 'jsonl' if form == 'jsonl' else 'json'}"
    if form == "csv":
        out = io.StringIO(newline="")
        writer = csv.DictWriter(
            out, ["id", "email", "note"], delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL
        )
        writer.writeheader()
        writer.writerows(cells)
        text = out.getvalue()
    elif form == "jsonl":
        text = end.join(json.dumps(row, ensure_ascii=False) for row in cells)
    else:
        text = json.dumps(
            cells if form == "list" else {"total": 1, "customers": cells}, indent=1, ensure_ascii=False
        )
    file.write_bytes(text.encode(encoding))
    bad = sum(kind == "bad" for kind, _ in rows)
    report = await bring(db, shop, "customers", file, told=told)
    assert verdicts(report) == [len(rows) - bad, 0, 0, bad]
    if bad:
        (refused,) = (tmp_path / name for name in os.listdir(tmp_path) if ".refused." in name)
        mended = refused.read_bytes().decode(encoding).replace(" at ", "@")
        assert "�" not in mended
        refused.write_bytes(mended.encode(encoding))
        again = await bring(db, shop, "customers", refused, told=told)
        assert verdicts(again) == [bad, 0, 0, 0]
    async with db.transaction(shop.scope) as tx:
        kept = await tx.fetch(
            "SELECT external_id, attributes ->> 'note' AS note FROM customer WHERE group_id = $1",
            shop.group_id,
        )
    assert {row["external_id"]: row["note"] for row in kept} == {row["id"]: row["note"] for row in cells}


async def test_a_folder_and_its_total(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    (folder / "a.csv").write_text('id,name\n1,"a\nb"\n2,c\n\n3,d')
    (folder / "more" / "b.json").write_text('[{"id": 4}, {"id": 5, "email": "bad"}, {"id": 1}]')
    (folder / "more" / "b.json.refused.jsonl").write_text('{"id": 6}')
    (folder / ".hidden.csv").write_text("id\n7\n")
    (folder / "read.me").write_text("nothing")
    seen: list[tuple[int, int, int]] = []
    report = await bring(
        db, shop, "customers", folder, progress=lambda *told: seen.append(told), refused_into=tmp_path
    )
    assert seen[-1] == (6, 2, 6)
    assert verdicts(report) == [4, 0, 0, 2]
    messages = [reason.message for reason in report.reasons.values()]
    assert any(message.startswith(f"Line 2 of {folder / 'a.csv'} is about the same") for message in messages)
    assert len((tmp_path / "more-b.json.refused.jsonl").read_text().splitlines()) == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    for nowhere in (empty, tmp_path / "none.csv"):
        with pytest.raises(Invalid):
            find_sources(str(nowhere))


async def test_stdin(db: Database, shop: GivenGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"id;email\n1;bad\n2;b@example.org\n")))
    sources = find_sources("-")
    report = await import_files(db, shop.scope, "customers", sources, now=audience.NOON)
    assert verdicts(report) == [1, 0, 0, 1]
    assert (tmp_path / "stdin.refused.csv").read_text() == "id;email\n1;bad\n"
    assert not sources[0].path.exists()


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
    _written(folder / "1.json", json.dumps({"data": rows}))
    _written(folder / "2.json", json.dumps({"data": [{"id": "b", "knows": ["c"]}]}))
    _written(folder / "3.json", json.dumps({"data": [{"id": "c"}]}))
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
