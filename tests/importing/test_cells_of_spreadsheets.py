"""What a table has that a person typed or a spreadsheet made: guards of formulas, blanks, words for yes and no."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.db.database import Database
from app.graph.running.sheets import Sheet
from tests.given.groups import GivenGroup
from tests.importing.conftest import bring, written

HEADER = (("externalId",), ("name",), ("email",), ("phone",), ("tags",))
ROWS: list[dict[str, Any]] = [
    {
        "externalId": "c1",
        "name": "=Ada+1",
        "email": "ada@example.org",
        "phone": "+33612345678",
        "tags": ["=x", "y"],
    },
    {"externalId": "c2", "name": "'@bo", "email": "+bo@example.org", "phone": None, "tags": ["y", "-z"]},
    {
        "externalId": "c3",
        "name": "'quoted'",
        "email": "'cy@example.org",
        "phone": "06 12 34 56 79",
        "tags": [],
    },
    {"externalId": "c4", "name": "-5", "email": None, "phone": None, "tags": ["-5", "x"]},
]


async def customers(db: Database, shop: GivenGroup) -> list[dict[str, Any]]:
    async with db.transaction(shop.scope) as tx:
        rows = await tx.fetch(
            'SELECT external_id AS "externalId", name, email, phone, tags FROM customer WHERE group_id = $1'
            " ORDER BY external_id",
            shop.group_id,
        )
    return [dict(row) for row in rows]


async def test_a_sheet_of_ours_comes_back_as_it_was(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    sheet = Sheet(HEADER)
    file = tmp_path / "round.csv"
    file.write_bytes(sheet.header() + sheet.lines([msgspec.Raw(msgspec.json.encode(row)) for row in ROWS]))
    assert "'+33612345678" in file.read_text()
    for made in (4, 0):
        report = await bring(db, shop, "customers", file)
        assert (report.refused, report.imported) == (0, 4)
        assert await customers(db, shop) == ROWS, made


async def test_a_cell_of_blanks_is_empty(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    file = written(tmp_path / "c.csv", "external_id,name,phone,email_consent\nc1,Ada,   ,  \nc2, ,\t,yes\n")
    report = await bring(db, shop, "customers", file)
    assert (report.refused, report.imported) == (0, 2)
    assert [(one["name"], one["phone"]) for one in await customers(db, shop)] == [("Ada", None), ("c2", None)]


async def test_a_reason_names_the_column_and_no_place_in_a_batch(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = written(tmp_path / "c.jsonl", '{"external_id": "c1"}\n{"external_id": "c2", "phone": " "}\n')
    await bring(db, shop, "customers", file)
    [told] = (tmp_path / "c.jsonl.reasons.jsonl").read_text().splitlines()
    assert "`phone`" in told
    assert "customers." not in told


async def test_who_has_the_e_mail_is_named(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    await bring(db, shop, "customers", written(tmp_path / "a.csv", "external_id,email\nc1,ada@example.org\n"))
    async with db.transaction(shop.scope) as tx:
        ada = await tx.fetchval("SELECT id FROM customer WHERE external_id = 'c1'")
    await bring(db, shop, "customers", written(tmp_path / "b.csv", "external_id,email\nc2,Ada@example.org\n"))
    [told] = (tmp_path / "b.csv.reasons.jsonl").read_text().splitlines()
    assert json.loads(told)["code"] == "EMAIL_EXISTS"
    assert f"cust_{ada}" in told


@pytest.mark.parametrize(
    ("word", "is_yes"),
    [
        ("ja", True),
        ("Nein", False),
        ("OUI", True),
        ("non", False),
        ("yes", True),
        ("No", False),
        ("0", False),
    ],
)
async def test_words_for_yes_and_no(
    db: Database, shop: GivenGroup, tmp_path: Path, word: str, is_yes: bool
) -> None:
    file = written(tmp_path / "c.csv", f"external_id,email,sms_consent\nc1,a@example.org,{word}\n")
    assert (await bring(db, shop, "customers", file)).imported == 1
    async with db.transaction(shop.scope) as tx:
        assert await tx.fetchval("SELECT sms_consent FROM customer") is is_yes


async def test_another_word_is_refused_with_those_that_are_read(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = written(tmp_path / "c.csv", "external_id,sms_consent\nc1,perhaps\n")
    await bring(db, shop, "customers", file)
    assert "ja or nein" in (tmp_path / "c.csv.reasons.jsonl").read_text()
