"""A field's arguments while SQL is built: which are there, and where their values come from at run time."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from app.plan.binding import Bindings
from app.plan.references import IdReader, has_references, rows_referenced
from app.plan.sql import Sql, bound
from app.values.instants import DayAlone


class FieldArguments:
    """Arguments of one selected field.

    With a `slot` every request brings its own values (the plan is cached); without one they were literals and are
    bound as they are.
    """

    def __init__(self, values: Mapping[str, Any], *, slot: int | None, structural: frozenset[str]) -> None:
        self.values = values
        self.slot = slot
        self._structural = structural

    def given(self, *path: str) -> bool:
        """Whether there is a value that is not null."""
        return _dig(self.values, path) is not None

    def is_day(self, *path: str) -> bool:
        """Whether it is an instant that was given as a day alone."""
        return isinstance(_dig(self.values, path), DayAlone)

    def structural(self, name: str) -> Any:
        """The value of an argument that changes the statement."""
        assert name in self._structural, (
            f"{name} is not among the structural arguments, so it is not in the key"
        )
        return self.values.get(name)

    def keys(self, *path: str) -> list[str]:
        """Keys with a value that is not null inside an input object."""
        inside = _dig(self.values, path)
        return [key for key, value in inside.items() if value is not None] if isinstance(inside, dict) else []

    def param(self, *path: str, cast: str, convert: Callable[[Any], object] | None = None) -> Sql:
        """The value as a bound parameter, through `convert`."""
        turn, raw, slot = convert or plain, _dig(self.values, path), self.slot
        if slot is None:
            key: tuple[Any, ...] = ("value", _hashable(raw), type(raw).__name__, id(turn))
        else:
            key = ("arg", slot, path, id(convert))

        def sent(bindings: Bindings) -> Any:
            return raw if slot is None else _dig(bindings.args[slot], path)

        if isinstance(convert, IdReader) and not convert.of_any_kind and has_references(raw):
            return rows_referenced(convert, key, sent)
        # Converted when bound: a faulty literal has been refused by then, but the statement is written before that.
        return bound(key, cast, lambda bindings: turn(sent(bindings)))


def plain(value: Any) -> object:
    """Enum members by their stored value, lists of them too."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.value if isinstance(value, Enum) else value


def _dig(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = values
    for step in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _hashable(value: object) -> object:
    return tuple(_hashable(v) for v in value) if isinstance(value, list) else value
