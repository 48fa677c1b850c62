"""Whether two engines answered the same: same values, whatever each engine calls and prints them.

Keys are made equal by aliases in the peer's query and, where nesting differs, by its `Shape`. What is left
are spellings of one value: `camp_42` and `42` and `"42"`, `ACTIVE` and `active`, `12.50` and `12.5`,
`…T00:00:00Z` and `…T00:00:00+00:00`. Absent and null count as the same; lists must be in the same order.
"""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_ID = re.compile(r"[a-z]+_(\d+)")
_CODE = re.compile(r"[A-Z_]+")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def difference(ours: Any, theirs: Any, path: str = "") -> str:
    """The first difference, as a sentence; empty where there is none."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in {**ours, **theirs}:
            if found := difference(ours.get(key), theirs.get(key), f"{path}.{key}"):
                return found
        return ""
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path} has {len(ours)} entries here and {len(theirs)} there"
        for at, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            if found := difference(mine, other, f"{path}[{at}]"):
                return found
        return ""
    a, b = _plain(ours), _plain(theirs)
    return "" if a == b else f"{path} is {ours!r} here and {theirs!r} there"


def _plain(value: Any) -> Any:
    """One spelling per value."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    if found := _ID.fullmatch(text):
        text = found[1]
    if _CODE.fullmatch(text):
        return text.lower()
    if _INSTANT.match(text):
        return datetime.fromisoformat(text)
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
