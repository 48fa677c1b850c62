"""Whether two engines answered the same: same values, whatever each engine calls, nests and spells them.

Peers give every value the gateway's name by aliases in their queries. What is left is levelled here, on both
sides: lists with and without `nodes` around them, money as an object or as an amount with its currency beside
it, groups of fields (`content`, `tracking`, `rewards`) as an object or flat, and spellings of one value:
`camp_42`, `"42"` and `42`, `ACTIVE` and `active`, `12.50` and `12.5`, `…Z` and `…+00:00`.
Null and absent count as the same. Lists must be in the same order.
"""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

EMBEDDED = frozenset({"content", "tracking", "rewards"})
_ID = re.compile(r"[a-z]+_(\d+)")
_CODE = re.compile(r"[A-Z_]+")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def difference(ours: Any, theirs: Any) -> str:
    """The first difference, as a sentence; empty where there is none."""
    return _difference(_level(ours), _level(theirs), "")


def _difference(ours: Any, theirs: Any, path: str) -> str:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in {**ours, **theirs}:
            # Whoever shows an amount that is null need not name its currency.
            if key == "currency" and (key not in ours or key not in theirs):
                continue
            if found := _difference(ours.get(key), theirs.get(key), f"{path}.{key}"):
                return found
        return ""
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path} has {len(ours)} entries here and {len(theirs)} there"
        for at, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            if found := _difference(mine, other, f"{path}[{at}]"):
                return found
        return ""
    if type(ours) is type(theirs) and ours == theirs:
        return ""
    a, b = _plain(ours), _plain(theirs)
    return "" if a == b else f"{path} is {ours!r} here and {theirs!r} there"


def _level(value: Any) -> Any:
    if isinstance(value, list):
        return [_level(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"nodes"}:
        return _level(value["nodes"])
    out: dict[str, Any] = {}
    for key, inner in value.items():
        if key in EMBEDDED:
            out.update(_level(inner) or {})
        elif isinstance(inner, dict) and inner.keys() == {"amount", "currency"}:
            out[key] = inner["amount"]
            out["currency"] = inner["currency"]
        else:
            out[key] = _level(inner)
    return out


def _plain(value: Any) -> Any:
    """One spelling per value."""
    if value is None or isinstance(value, bool | dict | list):
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
