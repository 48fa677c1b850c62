"""Files, read as the command reads them."""

from pathlib import Path
from typing import Any

from app.errors import Failure
from app.importing.concepts.campaigns import CampaignWriter
from app.importing.concepts.customers import CustomerWriter
from app.importing.reading.columns import ColumnReader
from app.importing.reading.files import RowFile
from app.importing.reading.opening import open_rows
from app.importing.reading.sources import find_sources
from app.importing.reading.told import read_told
from app.importing.records import Columns, Lists, Row

COLUMNS = {"customers": CustomerWriter.columns, "campaigns": CampaignWriter.columns}


def opened(folder: Path, name: str, content: bytes, **told: Any) -> RowFile:
    """A file of any columns."""
    reader = ColumnReader("things", Columns(("id",), free=True), read_told(**told))
    file = folder / name
    file.write_bytes(content)
    (source,) = find_sources(str(file))
    return open_rows(source, read_told(**told), reader.lists, watcher=reader)


def rows_of(folder: Path, name: str, content: bytes, **told: Any) -> list[Row]:
    """Its rows; their number is the total that was said before."""
    file = opened(folder, name, content, **told)
    rows = list(file.rows())
    assert len(rows) == file.total
    return rows


def read(folder: Path, name: str, content: bytes, concept: str = "customers", **told: Any) -> list[Any]:
    """The values of each row as ours, or why it is refused."""
    options = read_told(**told)
    reader = ColumnReader(concept, COLUMNS[concept], options)
    file = folder / name
    file.write_bytes(content)
    (source,) = find_sources(str(file))
    found: list[Any] = []
    for row in open_rows(source, options, reader.lists, watcher=reader).rows():
        try:
            if row.fault is not None:
                raise row.fault
            found += [dict(record.values) | dict(record.external_ids) for record in reader.records(row)]
        except Failure as failure:
            found.append(failure.message)
    return found


def systems(folder: Path, name: str, content: bytes, *lists: str) -> list[Row]:
    """The rows of a system's answers."""
    file = folder / name
    file.write_bytes(content)
    (source,) = find_sources(str(file))
    return list(open_rows(source, read_told(), Lists(frozenset(lists))).rows())
