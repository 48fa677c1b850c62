"""Why two hosts may answer differently, where it is known. What is expected of every move counts as no difference.

docs/moving.md has the same list for readers; a test holds them together.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase

from app.moving.differing import Difference, Kind
from app.values.instants import read_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A declared reason. Patterns are those of file names: `*` is anything."""

    name: str
    why: str
    key: str = "*"
    kinds: tuple[Kind, ...] = (Kind.VALUE,)
    system: str = "*"
    route: str = "*"
    expected: bool = False
    """Whether it comes with every move and counts as no difference."""
    same: str = ""
    """A test of both values: `instant`, `rounded`, `address` or `link`."""


_HEADERS = "The gateway tells the number of rows, and where other pages are, in headers beyond the documents."
_CHANGED = "The moment of the last change is that of the import where the old host did not print it."

REASONS: tuple[Reason, ...] = (
    Reason(
        name="signed address",
        why="The address of a file is signed for a while by the host that prints it.",
        system="lagriffe",
        key="*assets[[]].url",
        expected=True,
    ),
    Reason(
        name="number of the group",
        why="Groups have the numbers of the installation they are in.",
        system="lagriffe",
        route="GET /api/campaigns/*",
        key="data.customer_group.id",
        expected=True,
    ),
    Reason(
        name="number of the group",
        why="Groups have the numbers of the installation they are in.",
        system="lagriffe",
        route="GET /api/customer-groups",
        key="data[[]].id",
        expected=True,
    ),
    Reason(
        name="trace identifier",
        why="Every refusal has an identifier of its own.",
        system="criteo",
        key="*traceIdentifier",
        expected=True,
    ),
    Reason(
        name="address of the host",
        why="Links to other pages lead to the host that was asked; places and pages are the same.",
        key="link",
        kinds=(Kind.HEADER,),
        same="link",
        expected=True,
    ),
    Reason(
        name="beyond the document",
        why=_HEADERS,
        key="x-total-count",
        kinds=(Kind.HEADER,),
        same="new header",
        expected=True,
    ),
    Reason(
        name="beyond the document",
        why=_HEADERS,
        key="link",
        kinds=(Kind.HEADER,),
        same="new header",
        expected=True,
    ),
    Reason(
        name="instant of change",
        why=_CHANGED,
        key="*updated*",
    ),
    Reason(
        name="instant of change",
        why=_CHANGED,
        key="*last_event",
    ),
    Reason(
        name="instant written otherwise",
        why="The document shows more than one form of date-times; the gateway has one for each API.",
        same="instant",
    ),
    Reason(
        name="rounding",
        why="The same number, rounded to fewer digits or at another place of the computation.",
        same="rounded",
    ),
    Reason(
        name="digits",
        why="The same number with other digits: the gateway prints the shortest that say it, or those documented.",
        kinds=(Kind.DIGITS,),
    ),
    Reason(
        name="order",
        why="The same rows: lists are newest first here, ties are broken by the id.",
        kinds=(Kind.ORDER,),
    ),
    Reason(
        name="null or absent",
        why="Keys that the document's samples always show are always there, null where there is nothing.",
        kinds=(Kind.ADDED,),
        same="new null",
    ),
)


def reason_of(
    system: str, difference: Difference, reasons: Sequence[Reason] = REASONS, *, route: str = ""
) -> Reason | None:
    """The first that fits."""
    return next((one for one in reasons if _fits(one, system, route, difference)), None)


def _fits(reason: Reason, system: str, route: str, difference: Difference) -> bool:
    return (
        difference.kind in reason.kinds
        and fnmatchcase(system, reason.system)
        and fnmatchcase(route, reason.route)
        and fnmatchcase(difference.key, reason.key)
        and (not reason.same or _SAME[reason.same](difference.old, difference.new))
    )


def _same_instant(old: str, new: str) -> bool:
    try:
        return read_instant(old.strip('"')) == read_instant(new.strip('"'))
    except ValueError:
        return False


def _rounded(old: str, new: str) -> bool:
    """Whether they differ by no more than one unit in the last digit of the shorter one."""
    try:
        was, now = Decimal(old), Decimal(new)
    except InvalidOperation:
        return False
    places = [
        -int(exponent) if isinstance(exponent := value.as_tuple().exponent, int) else 0
        for value in (was, now)
    ]
    return max(places) > 0 and abs(was - now) <= Decimal(1).scaleb(-max(min(places), 1))


def _same_link(old: str, new: str) -> bool:
    return old != "none" and _without_host(old) == _without_host(new)


def _without_host(link: str) -> str:
    """Pages and their numbers; without origins, and without cursors, which are each host's own."""
    return re.sub(r"[?&](?:after|before)=[^&>]*", "", re.sub(r"<https?://[^/>]*", "<", link))


_SAME: dict[str, Callable[[str, str], bool]] = {
    "instant": _same_instant,
    "rounded": _rounded,
    "link": _same_link,
    "new header": lambda old, _: old == "none",
    "new null": lambda _, new: new == "null",
}
