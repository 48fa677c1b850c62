"""What each may spend: so much a second, and what was saved up to a bound.

Whoever has anything left may spend more than that, and then waits until the debt is paid: so nothing is too dear by
itself, and on the whole nobody spends faster than the rate.
"""

from dataclasses import dataclass
from math import ceil

from app.values.known import Known

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
        self._levels: Known[str, tuple[float, float]] = Known(MAX_SPENDERS)
        """By spender: how much there was, and as of when."""

    def left(self, who: str, *, now_s: float) -> Left:
        """What there is now."""
        level = self._level(who, now_s)
        return Left(int(level), 0 if level > 0 else max(1, ceil((1 - level) / self.per_s)))

    def spend(self, who: str, amount: int, *, now_s: float) -> None:
        """It is spent, whatever there is."""
        self._levels.keep(who, (self._level(who, now_s) - amount, now_s))

    def _level(self, who: str, now_s: float) -> float:
        level, as_of = self._levels.get(who) or (float(self.burst), now_s)
        return min(float(self.burst), level + max(0.0, now_s - as_of) * self.per_s)
