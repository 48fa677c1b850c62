"""Pieces of printed answers that several systems' readers take out alike."""

from collections.abc import Mapping
from typing import Any

from app.errors import Invalid


def number_id(system: str, value: Any, name: str) -> dict[str, str]:
    """The number a system calls something by, as a record's ids; Invalid where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Invalid(f"`{name}` is a number.", path=name.split("."))
    return {system: str(value)}


def object_in(value: Any, name: str) -> Mapping[str, Any]:
    """An object; an empty one where nothing is given."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Invalid(f"`{name}` is an object.", path=name.split("."))
    return value


def others(values: Mapping[str, Any], known: set[str], before: str = "") -> dict[str, int]:
    """What is there beside what we know of."""
    return {before + name: 1 for name, value in values.items() if name not in known and value is not None}
