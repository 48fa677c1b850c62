"""A folder that is not what was exported, or does not fit, ends in a sentence, and nothing is written."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.errors import Conflict, Failure, Invalid, Unavailable
from app.exporting.bringing_back import import_group
from app.exporting.writing import export_group
from app.seeding.demo import seed_demo
from app.settings import read_settings
from app.values.scope import Scope

NOW = datetime(2025, 6, 18, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
async def exported(db: Database, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AssetStorage]:
    """A group of the demonstration, whose project has another slug now."""
    storage = AssetStorage(
        replace(read_settings({}), data_dir=tmp_path_factory.mktemp("data"), secret_key="s" * 40)
    )
    demo = await seed_demo(db, now=NOW, storage=storage)
    folder = tmp_path_factory.mktemp("out") / "group"
    await export_group(db, storage, demo.groups[0].group_id, folder, now=NOW)
    return folder, storage


@pytest.fixture
def folder(exported: tuple[Path, AssetStorage], tmp_path: Path) -> Path:
    """A copy to be damaged; its project's slug is free here."""
    made = tmp_path / "group"
    shutil.copytree(exported[0], made)
    rewrite(made, "project_slug", lambda row: {**row, "slug": row["slug"] + "-again"})
    return made


def rewrite(folder: Path, table: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Change rows, and the manifest with them, as somebody does who knows what they do."""
    path = folder / "rows" / f"{table}.jsonl"
    changed = [change(json.loads(line)) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in changed if row is not None))
    manifest = json.loads((folder / "manifest.json").read_text())
    [told] = [one for one in manifest["tables"] if one["name"] == table]
    text = path.read_bytes()
    told |= {"rows": text.count(b"\n"), "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def put_line(folder: Path, line: bytes, *, table: str = "goal") -> None:
    """One more line, with its manifest."""
    path = folder / "rows" / f"{table}.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    text = path.read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    for told in manifest["tables"]:
        if told["name"] == table:
            told |= {
                "rows": text.count(b"\n"),
                "bytes": len(text),
                "sha256": hashlib.sha256(text).hexdigest(),
            }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def in_manifest(folder: Path, **changed: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def cut(folder: Path) -> None:
    path = folder / "rows" / "event.jsonl"
    path.write_bytes(path.read_bytes()[:-100])


def flip(folder: Path) -> None:
    path = folder / "rows" / "customer.jsonl"
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


def flip_a_file(folder: Path) -> None:
    path = min((folder / "files").iterdir())
    path.write_bytes(path.read_bytes() + b"x")


def forget_a_table(folder: Path) -> None:
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    in_manifest(folder, tables=[one for one in tables if one["name"] != "flow"])


def add_a_table(folder: Path) -> None:
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    in_manifest(folder, tables=[*tables, {**tables[0], "name": "api_key"}])


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a cut file": (cut, "rows/event.jsonl is cut off"),
    "a changed byte": (flip, "rows/customer.jsonl is not what was exported"),
    "a changed asset": (flip_a_file, "is not what was exported"),
    "a missing file of rows": (lambda at: (at / "rows" / "goal.jsonl").unlink(), "rows/goal.jsonl cannot be read"),
    "a missing asset": (lambda at: min((at / "files").iterdir()).unlink(), "cannot be read"),
    "a missing table": (forget_a_table, "does not list the table flow"),
    "a table that must not come in": (add_a_table, "lists the table api_key, which is none of ours"),
    "no manifest": (lambda at: (at / "manifest.json").unlink(), "no finished export"),
    "a manifest that is cut": (lambda at: (at / "manifest.json").write_text('{"format": 1,'), "is damaged"),
    "a manifest of something else": (lambda at: (at / "manifest.json").write_text("[]"), "is damaged"),
    "a newer format": (lambda at: in_manifest(at, format=2), "by a newer version"),
    "another schema": (lambda at: in_manifest(at, revision="9999"), "at revision 9999 of the schema"),
    "a parent that is missing": (
        lambda at: rewrite(at, "flow", lambda row: {**row, "campaign_id": 10**9}),
        'rows/flow.jsonl cannot be brought in, so nothing was: a row points at one of campaign that is not in',
    ),
    "a row twice": (
        lambda at: rewrite(at, "partner", lambda row: {**row, "id": 1}), "rows/partner.jsonl cannot be brought in"
    ),
    "a value of another kind": (
        lambda at: rewrite(at, "promo", lambda row: {**row, "value": "much"}), "rows/promo.jsonl cannot be brought in"
    ),
    "a value that is refused": (
        lambda at: rewrite(at, "promo", lambda row: {**row, "value": "-1"}), "rows/promo.jsonl cannot be brought in"
    ),
    "an id behind which no numbers are left": (
        lambda at: rewrite(at, "goal", lambda row: {**row, "id": row["id"] + 2**62}), "no numbers would be left"
    ),
    "a line that is no JSON": (lambda at: put_line(at, b"{"), "rows/goal.jsonl cannot be brought in"),
    "a line that is a list": (lambda at: put_line(at, b"[]"), "rows/goal.jsonl cannot be brought in"),
    "a line with a bell": (lambda at: put_line(at, b'{"id": "\x02"}'), "rows/goal.jsonl cannot be brought in"),
    "a line in Latin-1": (lambda at: put_line(at, b'{"id": "\xe9"}'), "rows/goal.jsonl cannot be brought in"),
    "a line that is nested too deeply": (
        lambda at: put_line(at, b'{"id":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        "rows/goal.jsonl cannot be brought in",
    ),
    "a manifest that is nested too deeply": (
        lambda at: (at / "manifest.json").write_text('{"format":1,"x":' + "[" * 100_000 + "]" * 100_000 + "}"),
        "is damaged",
    ),
    "an empty row": (lambda at: put_line(at, b"{}"), "rows/goal.jsonl cannot be brought in"),
    "an empty line": (lambda at: put_line(at, b""), "rows/goal.jsonl "),
    "an asset's row that is no JSON": (
        lambda at: put_line(at, b"{", table="asset"), "of rows/asset.jsonl is no row"
    ),
    "a text too long": (
        lambda at: rewrite(at, "promo", lambda row: {**row, "type": "x" * 65}), "rows/promo.jsonl cannot be brought in"
    ),
    "a file outside": (
        lambda at: rewrite(at, "asset", lambda row: {**row, "storage_key": "../../etc/x"}), "in an impossible place"
    ),
    "a file by a digest that is a path": (
        lambda at: rewrite(at, "asset", lambda row: {**row, "sha256": "../manifest.json"}), "impossible digest"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
async def test_damage_is_told_and_nothing_is_written(
    db: Database, exported: tuple[Path, AssetStorage], folder: Path, what: str
) -> None:
    damage, sentence = DAMAGE[what]
    damage(folder)
    before = await state(db, exported[1])
    with pytest.raises(Invalid) as told:
        await import_group(db, exported[1], folder, now=NOW)
    assert sentence in told.value.message
    assert await state(db, exported[1]) == before


async def test_an_id_that_is_refused_takes_no_numbers_from_others(
    db: Database, exported: tuple[Path, AssetStorage], folder: Path
) -> None:
    before = await numbers(db)
    rewrite(folder, "event_type", lambda row: {**row, "id": row["id"] + 2**62})
    with pytest.raises(Invalid):
        await import_group(db, exported[1], folder, now=NOW)
    assert (await numbers(db))["event_type_id_seq"] == before["event_type_id_seq"]


async def test_what_is_unique_and_taken_is_told(db: Database, exported: tuple[Path, AssetStorage]) -> None:
    before = await state(db, exported[1])
    with pytest.raises(Conflict, match="slugs are taken here"):
        await import_group(db, exported[1], exported[0], now=NOW)
    assert await state(db, exported[1]) == before


async def test_a_folder_that_holds_something_is_not_written_into(
    db: Database, exported: tuple[Path, AssetStorage]
) -> None:
    with pytest.raises(Invalid, match="is not empty"):
        await export_group(db, exported[1], 1, exported[0], now=NOW)


async def test_a_group_that_is_not_there_is_told(
    db: Database, exported: tuple[Path, AssetStorage], tmp_path: Path
) -> None:
    with pytest.raises(Failure, match="no customer group 999"):
        await export_group(db, exported[1], 999, tmp_path / "none", now=NOW)


async def test_a_file_that_cannot_be_kept_is_told(
    db: Database, exported: tuple[Path, AssetStorage], folder: Path
) -> None:
    rewrite(folder, "project_slug", lambda row: {**row, "slug": "long-names"})
    rewrite(folder, "asset", lambda row: {**row, "storage_key": "a" * 300 + str(row["id"])})
    before, _ = await state(db, exported[1])
    with pytest.raises(Unavailable, match="cannot be put where files are kept"):
        await import_group(db, exported[1], folder, now=NOW)
    assert (await state(db, exported[1]))[0] == before


async def test_a_number_beyond_all_others_is_not_kept(
    db: Database, exported: tuple[Path, AssetStorage], folder: Path
) -> None:
    rewrite(folder, "project_slug", lambda row: {**row, "slug": "number-beyond"})
    in_manifest(folder, group={"number": 2**62})
    before, _ = await state(db, exported[1])
    made, _ = await import_group(db, exported[1], folder, now=NOW)
    assert made == max(before) + 1


async def test_undamaged_it_comes_in(db: Database, exported: tuple[Path, AssetStorage], folder: Path) -> None:
    before, files = await state(db, exported[1])
    made, _ = await import_group(db, exported[1], folder, now=NOW)
    after, more = await state(db, exported[1])
    assert made not in before
    assert after == [*before, made]
    assert len(more) > len(files)


async def numbers(db: Database) -> dict[str, int]:
    """Where each sequence is."""
    async with db.transaction(Scope(1), writes=False) as tx:
        rows = await tx.fetch("SELECT sequencename AS name, last_value AS at FROM pg_sequences")
    return {row["name"]: row["at"] for row in rows}


async def state(db: Database, storage: AssetStorage) -> tuple[list[int], set[str]]:
    """The groups there are, and the files."""
    async with db.directory() as connection:
        groups = [row["id"] for row in await connection.fetch("SELECT id FROM tenant ORDER BY id")]
    files = {
        key
        for group in range(10)
        async for keys in storage.keys(group, before=datetime.max.replace(tzinfo=UTC))
        for key in keys
    }
    return groups, files
