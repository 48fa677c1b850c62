"""Finding out what a file is: by its name, and without one by how it begins."""

from app.errors import Invalid
from app.importing.reading.documents import Documents
from app.importing.reading.encodings import encoding_of
from app.importing.reading.files import RowFile, Watcher
from app.importing.reading.sources import LINES, TABLES, Source
from app.importing.reading.tables import Table
from app.importing.reading.told import Told
from app.importing.records import Lists


def open_rows(source: Source, told: Told, lists: Lists, *, watcher: Watcher | None = None) -> RowFile:
    """Look through a file. Invalid where the whole file is not what its name says."""
    with source.open() as opened:
        if opened.read(4) == b"PK\x03\x04":
            raise Invalid(f"{source.name} is a workbook or an archive; save it as CSV, or unpack it.")
    with source.open() as opened:
        encoding = encoding_of(opened, told.encoding, source.name)
    if source.suffix in TABLES:
        is_json = False
    elif source.suffix in (*LINES, ".json"):
        is_json = True
    else:
        with source.open() as opened:
            begins = next((chunk.lstrip() for chunk in encoding.chunks(opened) if chunk.strip()), b"")
        is_json = begins.startswith((b"{", b"["))
    if is_json:
        return Documents(source, encoding, lists)
    return Table(source, encoding, separator=told.separator, watcher=watcher)
