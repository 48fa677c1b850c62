"""`gateway import`, as an operator runs it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.process import data_folder, run

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR."""
    with data_folder() as made:
        yield made


async def test_a_file_goes_in_dry_then_truly_then_again(database_url: str, folder: Path) -> None:
    async def gateway(*command: str) -> tuple[int, str]:
        return await run(*command, folder=folder, DATABASE_URL=database_url)

    code, said = await gateway(
        "groups", "create", "--name", "One", "--currency", "EUR", "--time-zone", "Europe/Paris"
    )
    assert code == 0, said
    group = said.split()[0]
    file = folder / "kunden.csv"
    file.write_bytes("Kundennr;Größe;Umsatz\r\n1;3;1.234,50\r\n2;4;much\r\n".encode("utf-16"))
    told = ("--group", group, "--map", "Kundennr=external_id", "--map", "Umsatz=total_spent")

    code, said = await gateway("import", "customers", str(file), *told, "--dry-run")
    assert code == 1, said
    assert "customers: 1 would be made, 0 would be changed, 0 are the same already" in said
    assert "1 × `Umsatz`: `much` is not a number like 12.50." in said
    code, said = await gateway("import", "customers", str(file), *told, "--decimal", "comma")
    assert code == 1, said
    assert "2/2" in said
    refused = folder / "kunden.csv.refused.csv"
    assert str(refused) in said
    refused.write_bytes(refused.read_bytes().decode("utf-16").replace("much", "5,5").encode("utf-16"))
    code, said = await gateway("import", "customers", str(refused), *told, "--json")
    assert code == 0, said
    report = json.loads(said[said.index("{") :])
    assert report["concepts"] == {"customers": {"made": 1, "changed": 0, "same": 0, "refused": 0}}
    assert report["files"] == [{"file": str(refused), "rows": 1, "read_as": "a table (semicolon, utf-16-le)"}]

    for wrong, why in (
        (("import", "nothings", str(file)), "There are no nothings"),
        (("import", "customers", str(folder / "none.csv")), "There is no file"),
        (("import", "customers", str(file), "--encoding", "klingon"), "There is no encoding"),
        (("import", "customers", str(file), "--map", "x"), "--map"),
    ):
        code, said = await gateway(*wrong, "--group", group)
        assert code != 0
        assert why in said
        assert "Traceback" not in said
