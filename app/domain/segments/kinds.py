"""Kinds of attributes a predicate can ask about: what may be said of each, in SQL and in memory side by side.

Both halves of a test are in one class, so that they are changed together. A value that is missing (NULL)
fails every test but `exists: false`; `ne` and `nin` are the negations of `eq` and `in`, so they hold for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from app.values.instants import start_of
from app.values.json_text import kind_of
from app.values.numbers import MAX_SAFE_INTEGER
from app.values.texts import read_text

MAX_LIST = 1_000
MAX_WORDS = 1_024
MAX_DAYS = 36_500
MAX_DIGITS = 40

COMPARISONS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "eq": ("=", lambda a, b: a == b),
    "gt": (">", lambda a, b: a > b),
    "gte": (">=", lambda a, b: a >= b),
    "lt": ("<", lambda a, b: a < b),
    "lte": ("<=", lambda a, b: a <= b),
}
ORDER = ("gt", "gte", "lt", "lte", "between")

Bind = Callable[[object, str], str]
"""`(value, SQL type)` → its parameter in the statement, `$3::text`."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a predicate is judged, and by whose days."""

    now: datetime
    zone: tzinfo = UTC

    @property
    def today(self) -> date:
        """The day there."""
        return self.now.astimezone(self.zone).date()


class ValueKind(ABC):
    """What can be said about values of one kind. `operators` are the positive ones; `ne` and `nin` follow."""

    operators: tuple[str, ...]
    bare: str = "eq"
    """What a bare value means."""
    expects: str
    """One value, in words: `a text`."""

    @abstractmethod
    def read(self, value: object) -> Any:
        """An operand's single value; ValueError says what is expected."""

    @abstractmethod
    def sql(self, operator: str, expression: str, operand: Any, bind: Bind, at: Moment) -> str:
        """The test as SQL; true exactly where `holds`, NULL or false elsewhere."""

    @abstractmethod
    def holds(self, operator: str, value: Any, operand: Any, at: Moment) -> bool:
        """The same in memory; `value` is there."""

    def operand(self, operator: str, value: object) -> Any:
        """What follows an operator, checked. ValueError says what is expected."""
        if operator == "in":
            return self.several(value)
        if operator == "between":
            if not isinstance(value, list) or len(value) != 2:
                raise ValueError("takes a list of two values, the smallest and the largest")
            low, high = (self.read(one) for one in value)
            if high < low:
                raise ValueError("names the smallest value first")
            return [low, high]
        return self.read(value)

    def several(self, value: object) -> list[Any]:
        """A list of values."""
        if not isinstance(value, list) or not value:
            raise ValueError(f"takes a list of values, each {self.expects}")
        if len(value) > MAX_LIST:
            raise ValueError(f"takes at most {MAX_LIST} values, not {len(value)}")
        return [self.read(one) for one in value]

    def there(self, expression: str) -> str:
        """SQL: whether there is a value."""
        return f"{expression} IS NOT NULL"

    def is_there(self, value: Any) -> bool:
        """In memory: whether there is a value."""
        return value is not None


class _Plain(ValueKind):
    """A column of one SQL type."""

    cast: str

    def sql(self, operator: str, expression: str, operand: Any, bind: Bind, at: Moment) -> str:
        if operator == "in":
            return f"{expression} = ANY ({bind(operand, f'{self.cast}[]')})"
        if operator == "between":
            low, high = (bind(one, self.cast) for one in operand)
            return f"({expression} >= {low} AND {expression} <= {high})"
        if operator == "contains":
            return f"strpos({expression}, {bind(operand, 'text')}) > 0"
        return f"{expression} {COMPARISONS[operator][0]} {bind(operand, self.cast)}"

    def holds(self, operator: str, value: Any, operand: Any, at: Moment) -> bool:
        if operator == "in":
            return value in operand
        if operator == "between":
            return bool(operand[0] <= value <= operand[1])
        if operator == "contains":
            return operand in value
        return COMPARISONS[operator][1](value, operand)


class Words(_Plain):
    """A text; compared and ordered by code point, case counts."""

    operators = ("eq", "in", "contains", *ORDER)
    expects = "a text"
    cast = "text"

    def read(self, value: object) -> str:
        return words(value)


class Amount(_Plain):
    """An exact number."""

    operators = ("eq", "in", *ORDER)
    expects = "a number"
    cast = "numeric"

    def read(self, value: object) -> Decimal:
        return number(value)


class Count(_Plain):
    """A whole number that is not negative."""

    operators = ("eq", "in", *ORDER)
    expects = "a whole number"
    cast = "bigint"

    def read(self, value: object) -> int:
        return whole(value, MAX_SAFE_INTEGER)


class Flag(_Plain):
    """True or false."""

    operators = ("eq",)
    expects = "true or false"
    cast = "boolean"

    def read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"takes true or false, not {kind_of(value)}")
        return value


class DaysAgo(ValueKind):
    """How many calendar days lie between an instant and today; 0: today. Days are those of the group.

    In SQL the instant is compared with the edge of a day, so that an index on it can be used.
    """

    operators = ("eq", "in", *ORDER)
    expects = "a whole number of days"

    def read(self, value: object) -> int:
        return whole(value, MAX_DAYS)

    def sql(self, operator: str, expression: str, operand: Any, bind: Bind, at: Moment) -> str:
        def at_least(days: int) -> str:
            return f"{expression} < {bind(_edge(at, days - 1), 'timestamptz')}"

        def at_most(days: int) -> str:
            return f"{expression} >= {bind(_edge(at, days), 'timestamptz')}"

        if operator == "in":
            return f"({' OR '.join(self.sql('eq', expression, one, bind, at) for one in operand)})"
        low, high = operand if operator == "between" else (operand, operand)
        match operator:
            case "gt":
                return at_least(low + 1)
            case "gte":
                return at_least(low)
            case "lt":
                return at_most(high - 1)
            case "lte":
                return at_most(high)
            case _:
                return f"({at_least(low)} AND {at_most(high)})"

    def holds(self, operator: str, value: Any, operand: Any, at: Moment) -> bool:
        days = (at.today - value.astimezone(at.zone).date()).days
        if operator == "in":
            return days in operand
        if operator == "between":
            return bool(operand[0] <= days <= operand[1])
        return COMPARISONS[operator][1](days, operand)


class Texts(ValueKind):
    """A set of texts, such as tags. A bare value, `eq` and `contains` ask for one of them, `in` for any of several."""

    operators = ("eq", "in", "contains")
    bare = "contains"
    expects = "a text"

    def read(self, value: object) -> str:
        return words(value)

    def operand(self, operator: str, value: object) -> Any:
        if operator == "contains" and isinstance(value, list):
            return self.several(value)
        return self.several(value) if operator == "in" else [self.read(value)]

    def sql(self, operator: str, expression: str, operand: Any, bind: Bind, at: Moment) -> str:
        return f"{expression} {'&&' if operator == 'in' else '@>'} {bind(operand, 'text[]')}"

    def holds(self, operator: str, value: Any, operand: Any, at: Moment) -> bool:
        found = set(value)
        return not found.isdisjoint(operand) if operator == "in" else found.issuperset(operand)

    def there(self, expression: str) -> str:
        return f"{expression} <> '{{}}'"

    def is_there(self, value: Any) -> bool:
        return bool(value)


def _edge(at: Moment, days: int) -> datetime:
    """The first instant of the day that many days ago."""
    return start_of(at.today - timedelta(days=days), at.zone)


def words(value: object) -> str:
    """A text that may be compared; ValueError otherwise."""
    if not isinstance(value, str):
        raise ValueError(f"takes a text, not {kind_of(value)}")
    return read_text(value, longest=MAX_WORDS)


def number(value: object, expects: str = "a number") -> Decimal:
    """A number of bounded length; ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"takes {expects}, not {kind_of(value)}")
    exact = Decimal(value)
    if (
        not exact.is_finite()
        or abs(exact.adjusted()) > MAX_DIGITS
        or len(exact.as_tuple().digits) > MAX_DIGITS
    ):
        raise ValueError(f"takes a number of at most {MAX_DIGITS} digits")
    return exact


def whole(value: object, largest: int) -> int:
    """A whole number from 0 on; ValueError otherwise."""
    found = number(value, "a whole number")
    if found != found.to_integral_value() or not 0 <= found <= largest:
        raise ValueError(f"takes a whole number from 0 to {largest}")
    return int(found)
