"""Queries sent before, with what was prepared for them.

A dashboard sends the same few bodies all day, and a legacy client calls the same few addresses. What such a request
asks was read, checked and planned the first time; only what depends on who asks and when is made anew each time:
the scope, the clock, links.
"""

from collections import OrderedDict
from dataclasses import replace

from app.graph.running.entry import Answer
from app.graph.running.preparing import Operation

MAX_REMEMBERED = 500
MAX_REMEMBERED_BYTES = 1_000_000
"""Of all keys together; none may be longer than its hundredth."""
MAX_SEEN = 10_000
"""How many are known to have come once. A number each."""


class Remembered:
    """Operations by whatever bytes said them in full.

    Only what was planned is kept, so never a mutation: it may hold a secret, and nobody sends it twice. And only
    what comes again: keeping a body that came once costs as much as finding one saves.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Operation] = OrderedDict()
        self._bytes = 0
        self._seen: set[int] = set()

    def get(self, key: bytes) -> Operation | None:
        """The operation, where it was kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: bytes, operation: Operation, given: Answer) -> None:
        """Keep an operation that ran as a plan for the second time; the ones used longest ago make room."""
        if operation.prepared is not None or given.execution != "planned":
            return
        mark = hash(key)
        if mark not in self._seen:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            self._seen.add(mark)
            return
        self._seen.discard(mark)
        if key in self._kept or len(key) * 100 > MAX_REMEMBERED_BYTES:
            return
        self._kept[key] = replace(operation, prepared={})
        self._bytes += len(key)
        while len(self._kept) > MAX_REMEMBERED or self._bytes > MAX_REMEMBERED_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[0])
