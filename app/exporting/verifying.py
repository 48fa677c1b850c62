"""Whether a folder is what was exported, and whether it fits this installation. Nothing is written here."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from app.db.migrating import newest
from app.errors import Invalid
from app.exporting.contents import ExportedTable
from app.exporting.manifest import FILES, ROWS, Manifest, TableFile
from app.values.json_text import read_object

_PIECE = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SANE_KEY = re.compile(r"(?!\.\.?(/|$))[^/\x00-\x1f]+(/(?!\.\.?(/|$))[^/\x00-\x1f]+)*")
"""Where in the store a file is; no way out of the group's folder."""


def verify(folder: Path, manifest: Manifest, tables: list[ExportedTable]) -> None:
    """Invalid where the folder is of another schema, or anything in it is missing, cut off or changed."""
    if manifest.revision != newest():
        raise Invalid(
            f"{folder} was exported at revision {manifest.revision} of the schema, and this gateway is at {newest()}."
            " Bring it in with a gateway of that version, and upgrade afterwards (`gateway migrate`)."
        )
    listed = {one.name: one for one in manifest.tables}
    for table in tables:
        found = listed.pop(table.name, None)
        if found is None:
            raise Invalid(f"The manifest does not list the table {table.name}: the export is damaged.")
        if found.columns != [column.name for column in table.columns]:
            raise Invalid(f"The manifest lists other columns of {table.name} than there are.")
        _verify_lines(folder, found)
    if listed:
        raise Invalid(f"The manifest lists the table {min(listed)[:80]}, which is none of ours.")
    _verify_files(folder, manifest)


def rows_in(folder: Path, table: str) -> Iterator[dict[str, object]]:
    """The rows of a file that has been verified."""
    with (folder / ROWS / f"{table}.jsonl").open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield read_object(line)
            except ValueError as problem:
                raise Invalid(f"Line {number} of {ROWS}/{table}.jsonl is no row: {problem}") from None


def stored_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Storage key (without the group) and digest of each file whose bytes are in the folder."""
    for row in rows_in(folder, "asset"):
        key, digest = str(row.get("storage_key")), str(row.get("sha256"))
        if not _SANE_KEY.fullmatch(key) or not _DIGEST.fullmatch(digest):
            raise Invalid(f"{ROWS}/asset.jsonl names a file in an impossible place: {key!r:.200}.")
        if row.get("purged_at") is None and (folder / FILES / digest).is_file():
            yield key, digest


def _verify_lines(folder: Path, said: TableFile) -> None:
    name = f"{ROWS}/{said.name}.jsonl"
    try:
        digest, size, rows = _look(folder / name)
    except OSError as problem:
        raise Invalid(f"{name} cannot be read: {problem.strerror}.") from None
    if size < said.bytes:
        raise Invalid(f"{name} is cut off: it has {size} bytes of {said.bytes}.")
    if digest != said.sha256 or size != said.bytes:
        raise Invalid(f"{name} is not what was exported: its SHA-256 differs from the manifest's.")
    if rows != said.rows:
        raise Invalid(f"{name} has {rows} rows, and the manifest says {said.rows}.")


def _verify_files(folder: Path, manifest: Manifest) -> None:
    missing, seen = set(manifest.missing_files), set[str]()
    for row in rows_in(folder, "asset"):
        digest = str(row.get("sha256"))
        if row.get("purged_at") is not None or digest in missing or digest in seen:
            continue
        seen.add(digest)
        name = f"{FILES}/{digest[:64]}"
        if not _DIGEST.fullmatch(digest):
            raise Invalid(f"{ROWS}/asset.jsonl names a file by an impossible digest.")
        try:
            found, _, _ = _look(folder / name)
        except OSError as problem:
            raise Invalid(f"{name} cannot be read: {problem.strerror}.") from None
        if found != digest:
            raise Invalid(f"{name} is not what was exported: its SHA-256 is another one.")
    if len(seen) != manifest.files:
        raise Invalid(f"The rows name {len(seen)} files, and the manifest says {manifest.files}.")
    for _ in stored_files(folder):
        pass


def _look(path: Path) -> tuple[str, int, int]:
    """Digest, size and lines."""
    digest, size, lines = hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            lines += piece.count(b"\n")
    return digest.hexdigest(), size, lines


__all__ = ["rows_in", "stored_files", "verify"]
