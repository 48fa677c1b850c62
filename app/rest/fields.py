"""The fields of a JSON body, read one by one. Errors name fields as the client did; null counts as not sent."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from app.errors import Invalid
from app.rest.failing import MALFORMED_BODY
from app.values.instants import read_date, read_instant, show_given, show_instant
from app.values.json_text import kind_of
from app.values.money import show_decimal
from app.values.numbers import MAX_SAFE_INTEGER

T = TypeVar("T")
MAX_DIGITS = 20
"""Before and after the point; no amount that can be stored has more."""


class Fields:
    """An object's fields; `path` leads to the object."""

    def __init__(self, values: Mapping[str, Any], *path: str) -> None:
        self.values = values
        self.path = path

    @classmethod
    def of_body(cls, body: object) -> "Fields":
        """The body, which must be an object."""
        if not isinstance(body, dict):
            raise Invalid(f"The body must be a JSON object, not {kind_of(body)}.", code=MALFORMED_BODY)
        return cls(body)

    def needed(self, name: str, value: T | None, example: str) -> T:
        """The value that was read; where there is none, Invalid shows an example."""
        if value is None:
            raise Invalid(
                f"`{self.called(name)}` is required, for example {example}.", path=[*self.path, name]
            )
        return value

    def text(self, name: str) -> str | None:
        """A text."""
        return self._read(name, str, "a text")

    def code(self, name: str, known: type[Any] | None = None) -> str | None:
        """A text from a closed set, in capitals as the graph spells it."""
        value = self.text(name)
        if value is None or known is None:
            return value
        return chosen(value, known, self.called(name), [*self.path, name])

    def flag(self, name: str) -> bool | None:
        """True or false."""
        return self._read(name, bool, "true or false")

    def texts(self, name: str) -> list[str] | None:
        """A list of texts."""
        value: list[Any] | None = self._read(name, list, "a list of texts")
        for at, item in enumerate(value or ()):
            if not isinstance(item, str):
                raise Invalid(
                    f"`{self.called(name)}` must hold texts, not {kind_of(item)}.",
                    path=[*self.path, name, at],
                )
        return value

    def object(self, name: str) -> dict[str, Any] | None:
        """An object, as it is."""
        return self._read(name, dict, "an object")

    def inside(self, name: str) -> "Fields":
        """The fields of an object; none where it was not sent."""
        return Fields(self.object(name) or {}, *self.path, name)

    def amount(self, name: str) -> str | None:
        """A number, as the graph takes decimals."""
        value = self._number(name)
        return None if value is None else show_decimal(value)

    def whole(self, name: str) -> int | None:
        """A whole number that is not negative."""
        value = self._number(name)
        if value is None:
            return None
        if value != value.to_integral_value() or not 0 <= value <= MAX_SAFE_INTEGER:
            raise self._wrong(name, f"a whole number from 0 to {MAX_SAFE_INTEGER}", shown=show_decimal(value))
        return int(value)

    def instant(self, name: str) -> str | None:
        """A date-time, as the graph prints it; a day alone is its first moment in UTC."""
        return self._moment(name, show_instant)

    def given(self, name: str) -> str | None:
        """The same, but a day alone stays one: the graph knows where it is a day."""
        return self._moment(name, show_given)

    def edge(self, name: str, *, day: str, instant: str) -> dict[str, str]:
        """The start or end of a period, a day or an instant, under the name that its kind has in the graph."""
        value = self.text(name)
        if value is None:
            return {}
        try:
            return {day: read_date(value).isoformat()}
        except ValueError:
            return {instant: self.instant(name) or ""}

    def called(self, name: str) -> str:
        """`schedule.start_date`."""
        return ".".join((*self.path, name))

    def _moment(self, name: str, show: Callable[[datetime], str]) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return show(read_instant(value))
        except ValueError as why:
            raise Invalid(f"`{self.called(name)}`: {why}.", path=[*self.path, name]) from None

    def _number(self, name: str) -> Decimal | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self._wrong(name, "a number", shown=kind_of(value))
        number = Decimal(value)
        exponent = number.as_tuple().exponent
        if number and (
            number.adjusted() >= MAX_DIGITS or not isinstance(exponent, int) or exponent < -MAX_DIGITS
        ):
            raise self._wrong(name, f"a number of at most {MAX_DIGITS} digits", shown="one of more")
        return number

    def _read(self, name: str, kind: type[T], wanted: str) -> T | None:
        value = self.values.get(name)
        if value is None or isinstance(value, kind):
            return value
        raise self._wrong(name, wanted, shown=kind_of(value))

    def _wrong(self, name: str, wanted: str, *, shown: str) -> Invalid:
        return Invalid(f"`{self.called(name)}` must be {wanted}, not {shown}.", path=[*self.path, name])


def chosen(value: str, known: type[Any], name: str, path: list[str]) -> str:
    """The name of the member with this value, as the graph spells it; Invalid lists the values there are."""
    for member in known:
        if member.value == value:
            return str(member.name)
    values = ", ".join(member.value for member in known)
    raise Invalid(f"`{name}` must be one of {values}, not {value[:40]!r}.", path=path)
