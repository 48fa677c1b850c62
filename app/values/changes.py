"""Telling absent from null: an update leaves what is UNSET alone and clears what is None."""

from enum import Enum
from typing import Final, TypeAlias, TypeVar

T = TypeVar("T")


class Unset(Enum):
    """The type of UNSET alone."""

    UNSET = "unset"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""This field was not sent."""

Settable: TypeAlias = T | Unset
"""A value that was sent, or UNSET. `Settable[str | None]` can be cleared, `Settable[str]` cannot."""


def sent(value: T | Unset | None) -> T | None:
    """The value, or None where it was not sent."""
    return None if isinstance(value, Unset) else value
