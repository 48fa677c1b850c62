"""Which things the files have named so far, and where: in a few bytes each, since files may have millions of rows."""

from array import array
from hashlib import blake2b

from app.importing.records import Row

_START = 1 << 12


class Named:
    """Remembers a name by 64 bits of its hash: two of four million names are taken for one with a chance of 1 in 10⁶.

    A table with open places instead of a dict, which needs several times as much.
    """

    def __init__(self) -> None:
        self._hashes = array("Q", bytes(8 * _START))
        self._rows = array("Q", bytes(8 * _START))
        self._lines = array("Q", bytes(8 * _START))
        self._count = 0
        self._files: dict[str, int] = {}

    def earlier(self, kind: str, name: str, row: Row) -> str:
        """Which other row has named it first (`Line 4`); empty where it is this one."""
        file = self._files.setdefault(row.file, len(self._files))
        this = file << 40 | row.ordinal
        digest = (
            int.from_bytes(blake2b(f"{kind}\0{name}".encode(errors="surrogatepass"), digest_size=8).digest())
            or 1
        )
        at = self._at(digest)
        if self._hashes[at] != digest:
            self._hashes[at], self._rows[at], self._lines[at] = digest, this, row.number
            self._count += 1
            if 3 * self._count > 2 * len(self._hashes):
                self._grow()
            return ""
        first = self._rows[at]
        if first == this:
            return ""
        other = list(self._files)[first >> 40]
        line = f"Line {self._lines[at]}"
        return line if other == row.file else f"{line} of {other}"

    def _at(self, digest: int) -> int:
        hashes, mask = self._hashes, len(self._hashes) - 1
        at = digest & mask
        while hashes[at] not in (0, digest):
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        old = zip(self._hashes, self._rows, self._lines, strict=True)
        empty = bytes(16 * len(self._hashes))
        self._hashes, self._rows, self._lines = array("Q", empty), array("Q", empty), array("Q", empty)
        for digest, row, line in old:
            if digest:
                at = self._at(digest)
                self._hashes[at], self._rows[at], self._lines[at] = digest, row, line
