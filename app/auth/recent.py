"""A small memory of recent answers: bounded in number and in age."""

from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

SLACK = timedelta(seconds=1)
"""Requests overlap, so an entry may be a little younger than the one who asks. One from further in the future
is not believed: after the clock was set back it would live for too long."""


class Recent(Generic[K, V]):
    """Entries live for `life` at most; when it is full the oldest goes first."""

    def __init__(self, size: int, *, life: timedelta) -> None:
        self._size = size
        self._life = life
        self._entries: dict[K, tuple[datetime, datetime, V]] = {}

    def get(self, key: K, *, now: datetime) -> V | None:
        """What was put under this key, while it is fresh."""
        entry = self._entries.get(key)
        if entry is not None and entry[0] <= now < entry[1]:
            return entry[2]
        return None

    def is_aging(self, key: K, *, now: datetime) -> bool:
        """Whether an entry is in the last third of its life."""
        entry = self._entries.get(key)
        return entry is not None and entry[1] - now < self._life / 3

    def forget(self, key: K) -> None:
        """Remember it no more."""
        self._entries.pop(key, None)

    def put(self, key: K, value: V, *, now: datetime, until: datetime | None = None) -> None:
        """Remember, for `life` or until a moment that comes earlier."""
        self._entries.pop(key, None)
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        end = now + self._life
        self._entries[key] = (now - SLACK, end if until is None else min(end, until), value)

    def __len__(self) -> int:
        return len(self._entries)
