"""Keys that are one person: sets that are joined, and what stands for each. Pure."""

from app.domain.identities.people import ROW, Key


class Parts:
    """Keys that are one person."""

    def __init__(self) -> None:
        self._up: dict[Key, Key] = {}
        self._named: dict[Key, set[int]] = {}

    def __contains__(self, v: Key) -> bool:
        return v in self._up

    def find(self, v: Key) -> Key:
        """What stands for all of its part."""
        if v not in self._up:
            self._up[v] = v
            self._named[v] = {int(v[2])} if v[1] == ROW else set()
        while self._up[v] != v:
            self._up[v] = self._up[self._up[v]]
            v = self._up[v]
        return v

    def all_rows(self) -> list[Key]:
        """What stands for customers' rows."""
        return [v for v in self._up if v[1] == ROW]

    def rows(self, v: Key) -> set[int]:
        """Customers' rows in its part."""
        return self._named[self.find(v)]

    def join(self, one: Key, other: Key) -> None:
        """Make two parts one."""
        a, b = self.find(one), self.find(other)
        if a != b:
            self._up[a] = b
            self._named[b] |= self._named[a]


__all__ = ["Parts"]
