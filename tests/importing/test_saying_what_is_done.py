"""Dry runs, reports, and refused rows that go in again."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.database import Database
from app.errors import Invalid
from app.importing.reading.sources import find_sources
from app.importing.reading.told import Told, read_told
from app.importing.running import import_files
from tests.given import audience, groups
from tests.given.groups import GivenGroup
from tests.importing.conftest import bring, counted, verdicts, written

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


async def test_columns_that_become_attributes_are_named(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = tmp_path / "kunden.csv"
    file.write_text("Kundennr;E-Mail;Umsatz;Notiz;attributes.farbe\n1;a@example.org;1,50;x;rot\n")
    report = await bring(db, shop, "customers", file, told=read_told(ignored=["Notiz"]), dry=True)
    assert report.free == report.as_json()["free"] == ["Kundennr", "Umsatz"]
    assert "Kept as free attributes: `Kundennr`, `Umsatz`;" in report.lines()[-1]
    mapped = read_told(maps=["Kundennr=external_id", "Umsatz=total_spent"], ignored=["Notiz"])
    assert (await bring(db, shop, "customers", file, told=mapped, dry=True)).free == []


async def test_a_store_that_is_not_found_says_how_stores_are_named(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = tmp_path / "c.csv"
    file.write_text("external_id,store\nS1,Köln\n")
    report = await bring(db, shop, "customers", file, dry=True)
    [reason] = report.reasons.values()
    assert reason.code == "NOT_FOUND"
    assert reason.message.startswith("There is no store Köln here; rows name stores as `store_5`")


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


async def test_a_place_for_refused_rows_that_cannot_be_written(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = written(tmp_path / "c.csv", "id,email\n1,bad\n")
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
        {
            "id": f"n{n}",
            "email": f"n{n}{'@' if kind == 'good' else ' at '}example.org",
            "note": text if text.strip() else "-",
        }
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
