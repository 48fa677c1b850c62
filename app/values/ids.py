"""Ids: one integer (or UUID) per row, shown as `camp_42`, so that an id says what it names."""

import re
from collections.abc import Mapping
from uuid import UUID

MAX_ID = 2**63 - 1
_WHOLE = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def show_id(prefix: str, value: int | UUID) -> str:
    """`camp`, 42 → `camp_42`."""
    return f"{prefix}_{value}"


class FoundReference(str):
    """The reference `benji:500`, and the row that it names of each kind. Reads as that row's id."""

    __slots__ = ("rows",)
    rows: Mapping[str, int | UUID]

    def __new__(cls, text: str, rows: Mapping[str, int | UUID]) -> "FoundReference":
        """`rows`: by the prefix of their ids."""
        made = super().__new__(cls, text)
        made.rows = rows
        return made

    def __str__(self) -> str:
        """Itself: a plain text would have lost what was found."""
        return self


def read_id(prefix: str, text: str) -> int | None:
    """`camp_42` → 42; `None` for what cannot be an id of this kind: then it is simply not found."""
    if type(text) is FoundReference:
        row = text.rows.get(prefix)
        return row if isinstance(row, int) else None
    head, _, tail = text.rpartition("_")
    return read_whole(tail) if head == prefix else None


def read_uuid(prefix: str, text: str) -> UUID | None:
    """`event_0199…` → its UUID; `None` where it cannot be one."""
    if type(text) is FoundReference:
        row = text.rows.get(prefix)
        return row if isinstance(row, UUID) else None
    head, _, tail = text.rpartition("_")
    if head != prefix or len(tail) != 36:
        return None
    try:
        return UUID(tail)
    except ValueError:
        return None


def read_whole(text: str) -> int | None:
    """A positive 64-bit integer in plain ASCII digits without leading zeros, else `None`."""
    if _WHOLE.fullmatch(text) is None:
        return None
    value = int(text)
    return value if value <= MAX_ID else None
