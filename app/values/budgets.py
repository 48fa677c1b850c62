"""What each may spend: so much a second, and what was saved up to a bound.

Whoever has anything left may spend more than that, and then waits until the debt is paid: so nothing is too dear by
itself, and on the whole nobody spends faster than the rate.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from math import ceil

MAX_SPENDERS = 50_000


@dataclass(frozen=True, slots=True)
class Left:
    """What is left after something was spent."""

    amount: int
    """Below 0 where it is debt."""
    wait_s: int
    """How long until there is anything again; 0: there is."""


class Budgets:
    """A level per spender, full at first."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self.per_s = per_s
        self.burst = burst
        self._levels: dict[Hashable, tuple[float, float]] = {}
        """By spender: how much there was, and as of when."""

    def left(self, who: Hashable, *, now_s: float) -> Left:
        """What there is now."""
        level = self._level(who, now_s)
        return Left(int(level), 0 if level > 0 else max(1, ceil((1 - level) / self.per_s)))

    def spend(self, who: Hashable, amount: int, *, now_s: float) -> bool:
        """It is spent, whatever there is; whether there was any."""
        known = self._levels.get(who)
        if known is None:
            if len(self._levels) >= MAX_SPENDERS:
                self._forget_full_ones(now_s)
            level: float = self.burst
        else:
            # What `_level` says; most requests come here.
            level = known[0] + (now_s - known[1]) * self.per_s
            if level > self.burst:
                level = self.burst
        self._levels[who] = (level - amount, now_s)
        return level > 0

    def _level(self, who: Hashable, now_s: float) -> float:
        known = self._levels.get(who)
        if known is None:
            return self.burst
        level, as_of = known
        level += (now_s - as_of) * self.per_s
        return level if level < self.burst else self.burst

    def _forget_full_ones(self, now_s: float) -> None:
        """Whoever has saved up everything is like one who never came; if all are spending, all begin anew."""
        self._levels = {
            who: kept for who, kept in self._levels.items() if self._level(who, now_s) < self.burst
        }
        if len(self._levels) >= MAX_SPENDERS:
            self._levels.clear()
