"""How many events a project may send without a credential, per second and process."""

from datetime import datetime
from math import ceil

from app.errors import Unavailable
from app.values.known import Known

BURST_S = 5
"""How many seconds' worth of events may come at once."""
MAX_PROJECTS = 10_000
RATE_LIMITED = "RATE_LIMITED"


class Rates:
    """A token bucket per project: it fills at the rate, and each event takes one token."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._room = per_second * BURST_S
        self._buckets: Known[int, tuple[float, float]] = Known(MAX_PROJECTS)
        """By project: what is in it, and as of when."""

    def check(self, project_id: int, *, now: datetime) -> None:
        """Take a token. Where there is none, Unavailable says when to try again."""
        now_s = now.timestamp()
        level, as_of = self._buckets.get(project_id) or (float(self._room), now_s)
        level = min(self._room, level + max(0.0, now_s - as_of) * self._per_second)
        if level < 1:
            wait_s = ceil((1 - level) / self._per_second)
            raise Unavailable(
                f"This project sends more than {self._per_second} events a second. Please send it again shortly.",
                retry_after_s=wait_s,
                code=RATE_LIMITED,
            )
        self._buckets.keep(project_id, (level - 1, now_s))


__all__ = ["RATE_LIMITED", "Rates"]
