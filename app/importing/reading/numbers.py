"""Numbers as people write them: `12,50`, `1 234,50`, `1.234,50`, `1,234.50`, `1'234.50`.

What a comma and a point mean is told, or found out from the whole column: a cell like `12,5` or `1.234,50` can only be
read one way. Where no cell of the column says it, one that could mean two numbers (`1.234`) is refused.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from app.errors import Invalid
from app.importing.reading.told import Decimals

# Between thousands: a space, one that does not break, a narrow one, a thin one, or an apostrophe as in Switzerland.
_SPACES = " \u00a0\u202f\u2009'\u2019"
_MINUS = str.maketrans({"\u2212": "-"})


def _shape(group: str, point: str) -> re.Pattern[str]:
    thousands = rf"[1-9]\d{{0,2}}(?P<group>[{re.escape(group + _SPACES)}])\d{{3}}(?:(?P=group)\d{{3}})*"
    fraction = rf"(?:{re.escape(point)}(?P<fraction>\d*))?"
    return re.compile(rf"(?P<sign>[+-]?)(?P<whole>{thousands}|\d*){fraction}", re.ASCII)


_SHAPES = {Decimals.POINT: _shape(",", "."), Decimals.COMMA: _shape(".", ",")}


@dataclass(slots=True)
class Convention:
    """How a column writes its numbers: told, or learned from its cells."""

    told: Decimals | None = None
    commas: bool = False
    points: bool = False

    def learn(self, cell: str) -> None:
        """See a cell of the column."""
        if self.told is None and not cell.isdecimal():
            by_point, by_comma = _read(cell, Decimals.POINT), _read(cell, Decimals.COMMA)
            self.points |= by_point is not None and by_comma is None
            self.commas |= by_comma is not None and by_point is None

    def plain(self, cell: str, column: str) -> str:
        """The number with a point and nothing else; Invalid where it is none, or could be two."""
        if cell.isascii() and cell.isdigit():
            return cell
        by_point, by_comma = _read(cell, Decimals.POINT), _read(cell, Decimals.COMMA)
        if by_point is None and by_comma is None:
            raise Invalid(f"`{cell[:40]}` is not a number like 12.50.")
        if by_point is not None and by_comma is not None and Decimal(by_point) == Decimal(by_comma):
            return by_point
        if self.told is not None:
            found = by_point if self.told is Decimals.POINT else by_comma
            if found is None:
                raise Invalid(f"`{cell[:40]}` is no number with a decimal {self.told}.")
            return found
        if self.commas and self.points:
            raise Invalid(
                f"`{cell[:40]}`: the column `{column}` has decimal commas in some rows and points in others;"
                " say `--decimal comma` or `--decimal point`."
            )
        if self.commas and by_comma is not None:
            return by_comma
        if self.points and by_point is not None:
            return by_point
        raise Invalid(
            f"`{cell[:40]}` can be {by_point} or {by_comma}, and no row of the column `{column}` says which;"
            " say `--decimal comma` or `--decimal point`."
        )


def _read(cell: str, decimals: Decimals) -> str | None:
    """The number with a point and nothing else, if the cell is one by this convention."""
    match = _SHAPES[decimals].fullmatch(cell.strip().translate(_MINUS))
    if match is None:
        return None
    whole = match["whole"]
    if match["group"]:
        whole = whole.replace(match["group"], "")
    if not whole and not match["fraction"]:
        return None
    sign = "-" if match["sign"] == "-" else ""
    return f"{sign}{whole or '0'}" + (f".{match['fraction']}" if match["fraction"] else "")
