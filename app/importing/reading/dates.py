"""Days and instants written day first: `31.12.2025`, `31/12/2025 18:30`. ISO passes as it is."""

import re

from app.errors import Invalid

_DAY_FIRST = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?[ T]\s*(\d{1,2})[:h](\d\d)(?::(\d\d))?)?(?:\s*(Z|[+-]\d\d:?\d\d))?",
    re.ASCII,
)
_TWO_DIGITS = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d\d(?!\d).*", re.ASCII | re.DOTALL)


def iso(cell: str, *, day_first: bool) -> str:
    """The same in ISO's order. Invalid where the order must be told, or the century."""
    cell = cell.strip()
    match = _DAY_FIRST.fullmatch(cell)
    if match is None:
        if _TWO_DIGITS.fullmatch(cell):
            raise Invalid(f"`{cell[:40]}`: write the year with four digits.")
        return cell
    if not day_first:
        raise Invalid(
            f"`{cell[:40]}` is not in ISO's order (2025-12-31); if the day comes first, say `--dates day-first`."
        )
    day, _, month, year, hour, minute, second, offset = match.groups()
    found = f"{year}-{int(month):02}-{int(day):02}"
    if hour is not None:
        found += f"T{int(hour):02}:{minute}:{second or '00'}{offset or ''}"
    return found
