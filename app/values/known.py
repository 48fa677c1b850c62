"""What need not be found out twice, bounded: under everything that a process keeps by hand (pure functions of small
values have `functools.lru_cache`).

What is kept where, by which key and until when: ARCHITECTURE.md, "What is known again".
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SLACK = timedelta(seconds=1)
"""Requests overlap, so an entry may be a little younger than the request. One from further in the future is not
used: after the clock was set back it would live too long."""


class Known(Generic[K, V]):
    """Values by their keys; the least recently used makes room. None is no value: it means unknown.

    Bounded in number and, where `weigh` says what an entry weighs, in weight. An entry always weighs the same. One
    heavier than `heaviest` (by default, than all together may be) is not kept, and pushes nothing out.

    With `firsts` only what comes again is kept: a first time is noted, as a number; after that many, all notes are
    dropped.
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
        """The value of this key, which now is the most recently used."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def keep(self, key: K, value: V) -> list[K]:
        """Keep a value, in place of this key's former one. Returns the keys that are not known after that: of entries
        that made room, or this one."""
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
        """Forget this key."""
        value = self._kept.pop(key, None)
        if value is not None:
            self._weight -= self._weigh(key, value)

    @property
    def weight(self) -> int:
        """Of all entries together."""
        return self._weight

    @property
    def heaviest(self) -> int:
        """The most that one entry may weigh."""
        return self._heaviest

    def __len__(self) -> int:
        return len(self._kept)

    def _has_come(self, key: K) -> bool:
        """Whether it has come before; if so the note is dropped, else one is made."""
        mark = hash(key)
        if mark in self._noted:
            self._noted.remove(mark)
            return True
        if len(self._noted) >= self._firsts:
            self._noted.clear()
        self._noted.add(mark)
        return False


class Recurring:
    """Tells what comes again from what comes for the first time, of at least the last `number` different keys.

    Each is a number here, two keys in 2^64 may be taken for one, and twice as many as `number` are the most.
    """

    __slots__ = ("_before", "_latest", "_number")

    def __init__(self, number: int) -> None:
        self._latest: set[int] = set()
        self._before: set[int] = set()
        self._number = number

    def has_come(self, key: Hashable) -> bool:
        """Whether it has come before; it has from now on."""
        mark = hash(key)
        if mark in self._latest:
            return True
        has_come = mark in self._before
        if len(self._latest) >= self._number:
            self._before, self._latest = self._latest, set()
        self._latest.add(mark)
        return has_come


class KnownFor(Generic[K, V]):
    """The same for values that are valid for a time: at most `life` from when they were found out.

    What was kept longest ago makes room: it is over first, and what is in use is found out anew.
    """

    __slots__ = ("_entries", "_life", "_look")

    def __init__(self, number: int, *, life: timedelta) -> None:
        self._entries: Known[K, tuple[datetime, datetime, V, datetime]] = Known(number)
        """From when, until when, what, and from when on it is aging."""
        self._look = self._entries._kept.get
        self._life = life

    def get(self, key: K, *, now: datetime) -> V | None:
        """The value of this key, while it is fresh."""
        entry = self._look(key)
        if entry is not None and entry[0] <= now < entry[1]:
            return entry[2]
        return None

    def young(self, key: K, *, now: datetime) -> V | None:
        """The value of this key, while it is fresh and not aging."""
        entry = self._look(key)
        if entry is not None and entry[0] <= now <= entry[3] and now < entry[1]:
            return entry[2]
        return None

    def is_aging(self, key: K, *, now: datetime) -> bool:
        """Whether an entry is in the last third of its life."""
        entry = self._look(key)
        return entry is not None and entry[3] < now

    def keep(self, key: K, value: V, *, now: datetime, until: datetime | None = None) -> None:
        """Keep it for `life`, or until an earlier moment."""
        end = now + self._life
        if until is not None and until < end:
            end = until
        self._entries.keep(key, (now - SLACK, end, value, end - self._life / 3))

    def drop(self, key: K) -> None:
        """Forget this key."""
        self._entries.drop(key)

    def __len__(self) -> int:
        return len(self._entries)


def _weightless(_: object, __: object) -> int:
    return 0
