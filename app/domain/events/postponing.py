"""Events of a group that met the database's trouble: they stay pending, and are tried again after a pause.

Which of a batch's events it was (one whose customer somebody holds, one that makes a statement too slow) is found out
little by little: what failed together is tried again in two halves. The others of the group go on meanwhile. All this
is a process's own memory: whoever starts anew tries everything.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

MOST = 1_000
"""Of a group; with so many the trouble is no longer that of single events, and the group waits for them."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Unit:
    """Events that are tried together."""

    ids: tuple[UUID, ...]
    tries: int
    """How often they have failed, also as part of more."""
    due_s: float


class Postponed:
    """The postponed events of one group."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._units: list[Unit] = []
        self._was_turn = False

    def __len__(self) -> int:
        return sum(len(unit.ids) for unit in self._units)

    @property
    def ids(self) -> list[UUID]:
        """All of them."""
        return [ident for unit in self._units for ident in unit.ids]

    @property
    def next_s(self) -> float | None:
        """When the next ones are due, by the clock; None where there are none."""
        return min((unit.due_s for unit in self._units), default=None)

    def take(self) -> Unit | None:
        """Those that are due, if it is their turn: every other turn is that of events that come for the first time."""
        self._was_turn = not self._was_turn
        if not self._was_turn and len(self) < MOST:
            return None
        unit = min(self._units, key=lambda one: one.due_s, default=None)
        if unit is None or unit.due_s > self._clock():
            return None
        self._units.remove(unit)
        return unit

    def put_back(self, unit: Unit) -> None:
        """They were not even tried."""
        self._units.append(unit)

    def put_off(self, ids: Sequence[UUID], *, tries: int) -> None:
        """These failed, now for that many times: once more later, in halves."""
        due_s = self._clock() + pause_s(tries)
        middle = (len(ids) + 1) // 2
        for half in (tuple(ids[:middle]), tuple(ids[middle:])):
            if half:
                self._units.append(Unit(half, tries, due_s))


def pause_s(tries: int) -> float:
    """The pause after so many failures."""
    return min(FIRST_PAUSE_S * 2.0 ** min(tries - 1, 20), LONGEST_PAUSE_S)


__all__ = ["MOST", "Postponed", "Unit", "pause_s"]
