"""Lengths of time in whole days, as ISO 8601 writes them: `P30D`, `P12W`, `P3M`, `P1Y`."""

import re
from typing import NamedTuple

_DURATION = re.compile(r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII)
_MOST_DAYS = 36_600
"""A hundred years."""


class Duration(NamedTuple):
    """Calendar months and days: months have no length of their own."""

    months: int
    days: int

    @property
    def most_days(self) -> int:
        """How many days it is at most."""
        return self.months * 31 + self.days


def read_duration(text: str) -> Duration:
    """Parse a duration. ValueError says what is expected."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no duration in whole days such as P30D, P12W, P3M or P1Y")
    years, months, weeks, days = (int(part or 0) for part in found.groups())
    made = Duration(12 * years + months, 7 * weeks + days)
    if not 0 < made.months * 30.5 + made.days <= _MOST_DAYS:
        raise ValueError(f"{text[:40]!r} is no duration between a day and a hundred years")
    return made
