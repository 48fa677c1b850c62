"""Columns that are unknown, mapped or left out, and two names for one thing."""

import json
from pathlib import Path

import pytest

from app.db.database import Database
from app.errors import Invalid
from app.importing import running
from app.importing.reading.told import read_told
from app.importing.report import Report
from tests.given.groups import GivenGroup
from tests.importing.conftest import bring, verdicts, written


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
    file = written(tmp_path / "c.json", json.dumps([{"id": n % 5, "name": f"N{n}"} for n in range(8)]))
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
    await bring(db, shop, "segments", written(tmp_path / "s.jsonl", '{"id": "s1", "name": "Friends"}'))
    written(
        file,
        '{"id": 1, "name": "A", "segment_id": "s1", "segment": {"id": "s1"}, "store": null, "store_id": null}',
    )
    assert verdicts(await bring(db, shop, "campaigns", file), "campaigns") == [1, 0, 0, 0]
    written(file, '{"id": 2, "externalId": 3, "external_id": 4, "name": "A"}')
    assert verdicts_or_refused(await bring(db, shop, "campaigns", file)) == 1


def verdicts_or_refused(report: Report) -> int:
    assert not report.concepts
    return report.refused
