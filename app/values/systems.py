"""Systems that know our rows by ids of their own, and how each of them prints one of ours.

Five have a facade here, which shows a row's id in its system, else our number in its form:

    lagriffe, benji, criteo   42
    crm                       camp_42
    webmarketer               00000000000000000000002a

Other names are a group's own.
"""

import re
from typing import NamedTuple

from app.values.ids import MAX_ID, read_id, read_whole, show_id

LAGRIFFE, CRM, WEBMARKETER, BENJI, CRITEO = "lagriffe", "crm", "webmarketer", "benji", "criteo"
FACADES = (LAGRIFFE, CRM, WEBMARKETER, BENJI, CRITEO)
_NUMBERING = (LAGRIFFE, BENJI, CRITEO)
"""Those whose ids are whole numbers."""
MAX_EXTERNAL = 255
"""Characters of an id in another system."""
SYSTEM = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
"""What a system can be called."""
_HEX = re.compile(r"[0-9a-fA-F]{24}", re.ASCII)


class Reference(NamedTuple):
    """A row named by its id in a system: `benji:500`."""

    system: str
    id: str

    @property
    def text(self) -> str:
        """As clients write it."""
        return f"{self.system}:{self.id}"


def read_reference(text: str) -> Reference | None:
    """`benji:500` → its parts; None for what is none. No id of ours has a colon."""
    system, _, ident = text.partition(":")
    return Reference(system, ident) if ident and SYSTEM.fullmatch(system) else None


def show_own(system: str, prefix: str, number: int) -> str:
    """How a system's facade prints our number of a row that has no id in it."""
    if system == CRM:
        return show_id(prefix, number)
    return f"{number:024x}" if system == WEBMARKETER else str(number)


def form_of(system: str, kind: str) -> str | None:
    """What an id in this system looks like, for people; None: any text. `fits` says whether one does."""
    if system in _NUMBERING:
        return "a whole number from 1 on"
    return "24 hexadecimal digits in small letters" if system == WEBMARKETER and kind != "event" else None


def fits(system: str, kind: str, text: str) -> bool:
    """Whether the system's facade can print this as an id."""
    if system in _NUMBERING:
        return read_whole(text) is not None
    if system == WEBMARKETER and kind != "event":
        return _HEX.fullmatch(text) is not None and text == text.lower()
    return True


def read_own(system: str, prefix: str, text: str) -> int | None:
    """Which of our numbers a system's facade prints like this; None where it is none."""
    if system not in FACADES:
        return None
    if system == CRM:
        return read_id(prefix, text)
    if system == WEBMARKETER:
        value = int(text, 16) if _HEX.fullmatch(text) else 0
        return value if 0 < value <= MAX_ID else None
    return read_whole(text)
