"""Which things the files have named so far, and where: in a few bytes each, since files may have millions of rows."""

from array import array
from hashlib import blake2b

from app.importing.records import Row

_START = 1 << 12


class Named:
    """Remembers a name by 64 bits of its hash: two of four million names are taken for one with a chance of 1 in 10⁶.

    A table with open places instead of a dict, which needs eight times as much.
    """

    def __init__(self) -> None:
        self._hashes = array("Q", bytes(8 * _START))
        self._places = array("Q", bytes(8 * _START))
        self._count = 0
        self._files: dict[str, int] = {}

    def earlier(self, kind: str, name: str, row: Row) -> str:
        """Which other row has named it first (`Line 4`); empty where it is this one."""
        file = self._files.setdefault(row.file, len(self._files))
        place = file << 40 | row.number
        first = self._first(f"{kind}\0{name}", place)
        if first == place:
            return ""
        other = list(self._files)[first >> 40]
        line = f"Line {first & (1 << 40) - 1}"
        return line if other == row.file else f"{line} of {other}"

    def _first(self, name: str, place: int) -> int:
        digest = int.from_bytes(blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()) or 1
        at = self._at(digest)
        if self._hashes[at] == digest:
            return self._places[at]
        self._hashes[at], self._places[at] = digest, place
        self._count += 1
        if 3 * self._count > 2 * len(self._hashes):
            self._grow()
        return place

    def _at(self, digest: int) -> int:
        hashes, mask = self._hashes, len(self._hashes) - 1
        at = digest & mask
        while hashes[at] not in (0, digest):
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        old = zip(self._hashes, self._places, strict=True)
        size = 2 * len(self._hashes)
        self._hashes, self._places = array("Q", bytes(8 * size)), array("Q", bytes(8 * size))
        for digest, place in old:
            if digest:
                at = self._at(digest)
                self._hashes[at], self._places[at] = digest, place
