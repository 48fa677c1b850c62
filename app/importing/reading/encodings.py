"""Which characters the bytes of a file are.

Told, or by these rules: a byte order mark says it. Without one, text with a NUL at every other byte is UTF-16. What is
UTF-8 throughout is UTF-8, as is what is UTF-8 nearly throughout: then the other bytes are faults of their rows.
Everything else is Windows-1252, which differs from Latin-1 only where that has control characters; it has five bytes
without meaning, and a file with one of them is refused until the encoding is told. A guess between the many other
encodings of one byte would be wrong without a word in one file of some, so none is made.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.errors import Invalid

CHUNK = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's, so it comes before
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GROUP = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NO_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How characters are written as bytes."""

    name: str
    mark: bytes = b""
    """The byte order mark at the beginning, which is no text."""

    @property
    def errors(self) -> str:
        """What becomes of bytes that are no characters: half characters (see `is_whole`), which can be written back."""
        return WIDE_FAULTS if self.name.startswith(("utf-16", "utf-32")) else "surrogateescape"

    def encode(self, text: str) -> bytes:
        """The bytes of a text that came from them."""
        return text.encode(self.name, self.errors)

    def chunks(self, opened: BinaryIO) -> Iterator[bytes]:
        """The rest of a file as UTF-8, the mark left out. What are no characters is not UTF-8 there either."""
        opened.read(len(self.mark))
        if self.name == "utf-8":
            while chunk := opened.read(CHUNK):
                yield chunk
            return
        decoder = codecs.getincrementaldecoder(self.name)(self.errors)
        while chunk := opened.read(CHUNK):
            yield decoder.decode(chunk).encode(errors="surrogatepass")
        yield decoder.decode(b"", final=True).encode(errors="surrogatepass")


def is_whole(text: str) -> bool:
    """Whether all of its bytes were characters."""
    return text.isascii() or _HALF.search(text) is None


def encoding_of(opened: BinaryIO, told: str | None, name: str) -> Encoding:
    """Look through a whole file; as told, or found out."""
    first = opened.read(CHUNK)
    mark = next(((mark, found) for mark, found in _MARKS if first.startswith(mark)), None)
    if told is not None:
        told = codecs.lookup(told).name
        fits = mark is not None and mark[1].startswith(told.removesuffix("-sig"))
        if mark is not None and fits:
            return Encoding(mark[1], mark[0])
        if told == "utf-16":
            return Encoding(_wide(first) or "utf-16-le")
        return Encoding({"utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(told, told))
    if mark is not None:
        return Encoding(mark[1], mark[0])
    if wide := _wide(first):
        return Encoding(wide)
    return _narrow(first, opened, name)


def _wide(first: bytes) -> str | None:
    """UTF-16 without a mark: most characters of a table (separators, digits, quotes, line ends) have a zero byte."""
    pairs = len(first) // 2
    high, low = first[: 2 * pairs : 2].count(0), first[1 : 2 * pairs : 2].count(0)
    if low > 0.4 * pairs and high < 0.05 * pairs + 1:
        return "utf-16-le"
    if high > 0.4 * pairs and low < 0.05 * pairs + 1:
        return "utf-16-be"
    return None


def _narrow(chunk: bytes, opened: BinaryIO, name: str) -> Encoding:
    grouped = strays = 0
    without_meaning = False
    carried = b""
    while chunk:
        chunk = carried + chunk
        carried = b""
        if not chunk.isascii():
            cut = len(chunk) - _begun(chunk)
            chunk, carried = chunk[:cut], chunk[cut:]
            left = _GROUP.sub(b"", chunk).translate(None, _ASCII)
            strays += len(left)
            grouped += len(chunk.translate(None, _ASCII)) - len(left)
            without_meaning = without_meaning or _NO_1252.search(left) is not None
        chunk = opened.read(CHUNK)
    strays += len(carried)
    if not strays or grouped > 2 * strays:
        return Encoding("utf-8")
    if without_meaning:
        raise Invalid(
            f"{name} is neither UTF-8 nor UTF-16 nor Windows-1252; say what it is with `--encoding`."
        )
    return Encoding("cp1252")


_ASCII = bytes(range(128))


def _begun(chunk: bytes) -> int:
    """How many bytes at the end may be the beginning of a character that goes on in the next chunk."""
    for back in range(1, min(4, len(chunk) + 1)):
        byte = chunk[-back]
        if byte >= 0xC0:
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if back < wanted else 0
        if byte < 0x80:
            return 0
    return 0


WIDE_FAULTS = "gateway-half-characters"


def _keep_halves(error: UnicodeError) -> tuple[str | bytes, int]:
    """Faults of UTF-16 and UTF-32: a lone half stays, a byte too few becomes one."""
    if isinstance(error, UnicodeDecodeError):
        return "\ud800", error.end
    return codecs.lookup_error("surrogatepass")(error)


codecs.register_error(WIDE_FAULTS, _keep_halves)
