"""Cells and JSON values as the domain's values. A CSV cell is text; a JSON value has its own kind already."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from app.errors import Invalid
from app.values.formulas import unguarded
from app.values.instants import read_date, read_instant
from app.values.json_text import kind_of, read_json

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)
YES = {"true", "1", "yes", "y", "t", "ja", "oui"}
NO = {"false", "0", "no", "n", "f", "nein", "non"}


_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)


class RowReader:
    """Reads one row, column by column. What nobody has asked for is left in `rest`."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.rest = dict(values)

    def take(self, name: str, read: Callable[[Any, str], T], *others: str) -> T | None:
        """The value of a column (or one of its other names), read; None where there is none."""
        found: T | None = None
        for one in (name, *others):
            if one in self.rest:
                value = self.rest.pop(one)
                if value is not None:
                    found = read(value, one)
        return found

    def nothing_left(self, known: Sequence[str]) -> None:
        """Refuse columns nobody asked for: their values would be lost."""
        if self.rest:
            raise Invalid(
                f"Unknown columns: {', '.join(sorted(self.rest))}; known are {', '.join(known)}.",
                path=[min(self.rest)],
            )


def text(value: Any, name: str) -> str:
    """Words."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # ids are often numbers
    if not isinstance(value, str):
        raise Invalid(f"`{name}` is a text, not {kind_of(value)}.", path=[name])
    return value.strip()


def one_of(words: type[W]) -> Callable[[Any, str], W]:
    """A reader of one of these words, in any case."""

    def read(value: Any, name: str) -> W:
        word = text(value, name).lower()
        if word not in list(words):
            raise Invalid(f"`{name}` is one of {', '.join(words)}.", path=[name])
        return words(word)

    return read


def flag(value: Any, name: str) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in YES | NO:
        raise Invalid(f"`{name}` is true or false, 1 or 0, yes or no, ja or nein, oui or non.", path=[name])
    return word in YES


def whole(value: Any, name: str) -> int:
    """A whole number."""
    number = exact(value, name, like="a whole number like 12")
    if number != number.to_integral_value():
        raise Invalid(f"`{name}` is a whole number like 12.", path=[name])
    return int(number)


def exact(value: Any, name: str, *, like: str = "a number like 12.50") -> Decimal:
    """A number with its digits."""
    number = Decimal("NaN")
    if isinstance(value, str):
        # Digits of ASCII alone: Decimal reads `1_000`, Arabic digits and `1e3` as well.
        number = Decimal(value.strip()) if _PLAIN.fullmatch(value.strip()) else number
    elif isinstance(value, int | Decimal):
        number = Decimal(value)
    if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > 40:
        raise Invalid(f"`{name}` is {like}.", path=[name])
    return number


def instant(value: Any, name: str) -> datetime:
    """A moment, or the beginning of a day in UTC."""
    if isinstance(value, datetime):
        return value
    try:
        return read_instant(text(value, name))
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None


def day_or_instant(value: Any, name: str) -> date | datetime:
    """A day where no time is given, else a moment."""
    try:
        return read_date(text(value, name))
    except ValueError:
        return instant(value, name)


def texts(value: Any, name: str) -> list[str]:
    """A list; in CSV its entries are separated by `;`."""
    if isinstance(value, str):
        return [unguarded(part.strip()) for part in value.split(";") if part.strip()]
    if not isinstance(value, list):
        raise Invalid(f"`{name}` is a list of texts.", path=[name])
    return [text(one, name) for one in value]


def document(value: Any, name: str) -> Any:
    """A JSON document; in CSV its text."""
    if not isinstance(value, str):
        return value
    try:
        return read_json(value.encode(errors="surrogatepass"), long_numbers=True)
    except ValueError as why:
        raise Invalid(f"`{name}` holds no JSON: {str(why).replace('The body', 'It')}", path=[name]) from None
