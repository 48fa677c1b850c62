"""What the user tells about the files; what is not told is found out."""

import codecs
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from app.errors import Invalid
from app.values.instants import read_instant
from app.values.json_text import read_object

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t"}
# Python knows them as encodings of text, but no file of rows is written in them.
_NO_ENCODINGS = {
    "idna",
    "punycode",
    "unicode_escape",
    "raw_unicode_escape",
    "undefined",
    "utf-7",
    "mbcs",
    "oem",
}


class Decimals(StrEnum):
    """What stands before the fraction of a number."""

    POINT = "point"
    COMMA = "comma"


@dataclass(frozen=True, slots=True)
class Told:
    """All of it optional."""

    separator: str | None = None
    encoding: str | None = None
    """As Python's `codecs` call it."""
    decimal: Decimals | None = None
    day_first: bool = False
    """`31.12.2025` is the last day of the year. ISO is read in any case."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """A column's name in the file → ours."""
    ignored: frozenset[str] = frozenset()
    """Columns whose values are given up."""
    system: str = "crm"
    """Whose ids the column `external_id` (or `id`) holds."""
    totals_as_of: datetime | None = None
    """Up to when totals in the files count, where they do not say it; the moment they were pulled, or of the import."""
    one_gateway: bool = False
    """The five systems are those of one gateway: a row has the same number in each."""


def read_told(
    *,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    dates: str | None = None,
    maps: Iterable[str] = (),
    mapping: Path | None = None,
    ignored: Iterable[str] = (),
    system: str | None = None,
    totals_as_of: str | None = None,
    one_gateway: bool = False,
) -> Told:
    """As the command line says it. Invalid where that cannot be."""
    told = Told() if system is None else Told(system=system)
    return Told(
        separator=None if separator is None else _separator(separator),
        encoding=None if encoding is None else _encoding(encoding),
        decimal=None if decimal is None else _decimal(decimal),
        day_first=dates is not None and _day_first(dates),
        mapping={**({} if mapping is None else _mapping_file(mapping)), **_pairs(maps)},
        ignored=frozenset(name.strip() for name in ignored),
        system=told.system,
        totals_as_of=None if totals_as_of is None else _moment(totals_as_of),
        one_gateway=one_gateway,
    )


def _separator(word: str) -> str:
    sign = SEPARATORS.get(word.lower(), word)
    if len(sign) != 1 or sign in '"\r\n\0':
        raise Invalid("`--separator` is one character, or comma, semicolon, tab or pipe.", path=["separator"])
    return sign


def _encoding(word: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), word)  # fails for what is no encoding of text, such as base64
        name = codecs.lookup(word).name
    except (LookupError, UnicodeError, ValueError):
        name = "undefined"
    if name.replace("-", "_") in {one.replace("-", "_") for one in _NO_ENCODINGS}:
        raise Invalid(
            f"There is no encoding {word[:40]!r}; there are utf-8, utf-16, latin-1, windows-1252 and others.",
            path=["encoding"],
        )
    return name


def _decimal(word: str) -> Decimals:
    try:
        return Decimals(word.lower())
    except ValueError:
        raise Invalid("`--decimal` is comma or point.", path=["decimal"]) from None


def _day_first(word: str) -> bool:
    if word.lower() not in ("day-first", "iso"):
        raise Invalid("`--dates` is day-first or iso.", path=["dates"])
    return word.lower() == "day-first"


def _moment(word: str) -> datetime:
    try:
        return read_instant(word)
    except ValueError as why:
        raise Invalid(f"`--totals-as-of`: {why}.", path=["totals_as_of"]) from None


def _pairs(maps: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in maps:
        theirs, equals, ours = one.rpartition("=")  # our names have no `=`
        if not equals or not theirs.strip() or not ours.strip():
            raise Invalid(f'`--map` is "Name in the file=our_name", not {one[:80]!r}.', path=["map"])
        pairs[theirs.strip()] = ours.strip()
    return pairs


def _mapping_file(file: Path) -> dict[str, str]:
    try:
        found = read_object(file.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as why:
        raise Invalid(f"{file} cannot be read: {why.strerror}.", path=["mapping"]) from None
    except ValueError as why:
        raise Invalid(f"{file} is no mapping: {why}", path=["mapping"]) from None
    pairs: dict[str, str] = {}
    for theirs, ours in found.items():
        if not isinstance(ours, str) or not ours.strip():
            raise Invalid(f"{file} maps {theirs[:80]!r} to what is no name.", path=["mapping"])
        pairs[theirs.strip()] = ours.strip()
    return pairs
