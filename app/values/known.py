"""What is known again: the one bounded memory under everything that need not be found out twice.

What is kept where, by which key and until when: ARCHITECTURE.md, "What is known again".
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SLACK = timedelta(seconds=1)
"""Requests overlap, so an entry may be a little younger than the one who asks. One from further in the future
is not believed: after the clock was set back it would live for too long."""


class Known(Generic[K, V]):
    """Values by their keys; what was used longest ago makes room. None is no value: it means unknown.

    Bounded in number and, where `weigh` says what an entry weighs, in weight. An entry always weighs the same. One
    that weighs more than `heaviest` (without it, than all together may) is not kept, and pushes nothing out.

    With `firsts` only what comes again is kept: what comes for the first time is noted, a number each, and at most
    that many are; then all are forgotten.
    """

    __slots__ = ("_firsts", "_heaviest", "_kept", "_most", "_noted", "_number", "_weigh", "_weight")

    def __init__(
        self,
        number: int,
        *,
        weight: int = 0,
        weigh: Callable[[K, V], int] | None = None,
        heaviest: int | None = None,
        firsts: int = 0,
    ) -> None:
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._number = number
        self._most = weight
        self._weigh = weigh or _weightless
        self._heaviest = weight if heaviest is None else heaviest
        self._weight = 0
        self._firsts = firsts
        self._noted: set[int] = set()

    def get(self, key: K) -> V | None:
        """What is known by this key, which thereby is the most recently used."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def keep(self, key: K, value: V) -> list[K]:
        """Keep it, in place of what was kept by this key. What is not known after that: those that had to make room,
        or this one itself."""
        if self._firsts and key not in self._kept and not self._has_come(key):
            return [key]
        self.drop(key)
        weight = self._weigh(key, value)
        if weight > self._heaviest:
            return [key]
        self._kept[key] = value
        self._weight += weight
        gone = []
        while len(self._kept) > self._number or self._weight > self._most:
            oldest = next(iter(self._kept))
            self.drop(oldest)
            gone.append(oldest)
        return gone

    def drop(self, key: K) -> None:
        """Know it no more."""
        value = self._kept.pop(key, None)
        if value is not None:
            self._weight -= self._weigh(key, value)

    @property
    def weight(self) -> int:
        """Of all entries together."""
        return self._weight

    def __len__(self) -> int:
        return len(self._kept)

    def _has_come(self, key: K) -> bool:
        """Whether it came before; then that is forgotten, else noted."""
        mark = hash(key)
        if mark in self._noted:
            self._noted.remove(mark)
            return True
        if len(self._noted) >= self._firsts:
            self._noted.clear()
        self._noted.add(mark)
        return False


class KnownFor(Generic[K, V]):
    """The same for what is only believed for a time: `life` at most, from when it was found out."""

    __slots__ = ("_entries", "_life")

    def __init__(self, number: int, *, life: timedelta) -> None:
        self._entries: Known[K, tuple[datetime, datetime, V]] = Known(number)
        self._life = life

    def get(self, key: K, *, now: datetime) -> V | None:
        """What is known by this key, while it is fresh."""
        entry = self._entries.get(key)
        if entry is not None and entry[0] <= now < entry[1]:
            return entry[2]
        return None

    def is_aging(self, key: K, *, now: datetime) -> bool:
        """Whether an entry is in the last third of its life."""
        entry = self._entries.get(key)
        return entry is not None and entry[1] - now < self._life / 3

    def keep(self, key: K, value: V, *, now: datetime, until: datetime | None = None) -> None:
        """Keep it for `life`, or until a moment that comes earlier."""
        end = now + self._life
        self._entries.keep(key, (now - SLACK, end if until is None else min(end, until), value))

    def drop(self, key: K) -> None:
        """Know it no more."""
        self._entries.drop(key)

    def __len__(self) -> int:
        return len(self._entries)


def _weightless(_: object, __: object) -> int:
    return 0
