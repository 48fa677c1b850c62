"""How many events, and how many bytes of them, a project may send without a credential, per second and process."""

from datetime import datetime
from math import ceil

from app.errors import Unavailable
from app.values.known import Known

BURST_S = 5
"""How many seconds' worth may come at once."""
MAX_PROJECTS = 10_000
RATE_LIMITED = "RATE_LIMITED"


class Rates:
    """Two token buckets per project, of events and of bytes: they fill at the rate, and each event takes its part.

    An event that is larger than a bucket is let in where that is full, and the bucket is in debt after it.
    """

    def __init__(self, per_second: int, bytes_per_second: int) -> None:
        self._rates = (per_second, bytes_per_second)
        self._buckets: Known[tuple[int, int], tuple[float, float, float]] = Known(MAX_PROJECTS)
        """By group and project: what is in them, and as of when."""

    def check(self, project_id: int, *, group_id: int, size: int, now: datetime) -> None:
        """Take what an event of so many bytes takes. Where there is too little, Unavailable says when to try again."""
        # A group that was brought in keeps its ids, so another one may have a project of the same number.
        now_s, key = now.timestamp(), (group_id, project_id)
        events, octets = self._rates
        kept = self._buckets.get(key) or (float(events * BURST_S), float(octets * BURST_S), now_s)
        passed_s = max(0.0, now_s - kept[2])
        levels = [
            min(rate * BURST_S, level + passed_s * rate)
            for rate, level in zip(self._rates, kept, strict=False)
        ]
        for level, rate, taken, what in zip(levels, self._rates, (1, size), _WHAT, strict=True):
            wanted = min(taken, rate * BURST_S)
            if level < wanted:
                raise Unavailable(
                    f"This project sends more than {rate} {what} a second. Please send it again shortly.",
                    retry_after_s=ceil((wanted - level) / rate),
                    code=RATE_LIMITED,
                )
        self._buckets.keep(key, (levels[0] - 1, levels[1] - size, now_s))


_WHAT = ("events", "bytes of events")

__all__ = ["RATE_LIMITED", "Rates"]
