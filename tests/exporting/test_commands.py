"""`gateway export` and `gateway groups import`, as an operator runs them."""

import csv
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.db.database import Database
from tests.given import groups
from tests.serving.process import data_folder, run

pytestmark = pytest.mark.slow
NOW = datetime(2025, 6, 18, 10, 30, tzinfo=UTC)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR."""
    with data_folder() as made:
        yield made


async def test_a_group_leaves_and_arrives(
    db: Database, database_url: str, folder: Path, tmp_path: Path
) -> None:
    given = await groups.group(db, name="Été")
    names = ["=HYPERLINK()", "-2", "+33", "@x", 'a "b", c', "Été\nligne", "＝1+1"]
    async with db.transaction(given.scope) as tx:
        await tx.execute(
            "INSERT INTO customer (group_id, name, total_spent, tags) SELECT $1, name, -1.5, ARRAY['=a', 'b']"
            " FROM unnest($2::text[]) name",
            given.group_id, names,
        )  # fmt: skip
    out = tmp_path / "out"

    async def gateway(*arguments: str) -> tuple[int, str]:
        return await run(*arguments, folder=folder, DATABASE_URL=database_url)

    code, said = await gateway("export", str(out), "--group", str(given.group_id), "--csv")
    assert code == 0, said
    assert f"Group {given.group_id} is in {out} as of " in said
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in out.rglob("*") if one.is_file()} == {0o600}
    manifest = json.loads((out / "manifest.json").read_text())
    assert (
        manifest["group"] | {"number": given.group_id, "name": "Été", "currency": "EUR"} == manifest["group"]
    )
    assert manifest["left_out"]["api_key"].startswith("Credentials")
    with (out / "csv" / "customer.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [
        "'=HYPERLINK()",
        "-2",
        "'+33",
        "'@x",
        'a "b", c',
        "Été\nligne",
        "'＝1+1",
    ]
    assert {(row["total_spent"], row["tags"]) for row in rows} == {("-1.5000", "'=a;b")}

    code, said = await gateway("groups", "import", str(out))
    assert code == 0, said
    made = int(said.splitlines()[-1])
    assert made != given.group_id
    code, said = await gateway("audit", "--group", str(made))
    assert code == 0
    assert f"group.import\tgroup_{made}" in said

    code, said = await gateway("export", str(out), "--group", str(given.group_id))
    assert code == 1
    assert said.splitlines()[-1].startswith(f"{out} is not empty: ")
    code, said = await gateway("audit", "--group", str(given.group_id))
    assert f"group.export\tgroup_{given.group_id}" in said
    (out / "rows" / "customer.jsonl").unlink()
    code, said = await gateway("groups", "import", str(out))
    assert code == 1
    assert said.splitlines()[-1] == "rows/customer.jsonl cannot be read: No such file or directory."
    code, said = await gateway("export", str(tmp_path / "none"), "--group", "99")
    assert code == 1
    assert said.splitlines()[-1] == "There is no customer group 99 here."
