"""Ids that are counted up: hosts that number their rows print the numbers as 24 hexadecimal digits."""

import re
from collections.abc import Iterator

from app.errors import Invalid
from app.values.systems import WEBMARKETER, show_own

MOST = 1_000_000


def user_ids(numbers: str | None) -> Iterator[str]:
    """`1-3` → `000000000000000000000001`, …; nothing for None."""
    if numbers is None:
        return
    found = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", numbers.strip(), re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last or last - first >= MOST:
        raise Invalid(f"`--users` is a number or two with a hyphen, like 1-5000, not {numbers[:40]!r}.")
    for number in range(first, last + 1):
        yield show_own(WEBMARKETER, "cust", number)
