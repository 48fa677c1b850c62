"""Reads a printed statement again, as an outsider would, and says which table references forgot their scope."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.tables.all import DIRECTORY, metadata

TABLES = frozenset(metadata.tables) - {"tenant", "worker_lease", "schedule"}
"""Whatever belongs to a group: also the directory tables that the graph shows."""
assert {"api_key", "oauth_client"} <= TABLES & DIRECTORY
_TOKEN = re.compile(
    r"""
    \s+ | E?'(?:[^']|'')*' | "(?:[^"]|"")*" | \$\d+ | [A-Za-z_][A-Za-z_0-9]* | -?\d+(?:\.\d+)?
    | :: | \|\| | && | <> | <= | >= | .
    """,
    re.VERBOSE,
)
_CLAUSES = {"WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "LEFT", "CROSS", "JOIN"}


@dataclass
class Level:
    """What stands between two parentheses."""

    items: list["str | Level"] = field(default_factory=list)

    @property
    def is_select(self) -> bool:
        """Whether it is a query of its own."""
        return bool(self.items) and self.items[0] == "SELECT"

    def walk(self) -> Iterator["Level"]:
        """This level and all below."""
        yield self
        for item in self.items:
            if isinstance(item, Level):
                yield from item.walk()


def tokens(text: str) -> list[str]:
    """Without white space; literals are one token each."""
    return [t for t in _TOKEN.findall(text) if not t.isspace()]


def levels(text: str) -> Level:
    """The statement as nested parentheses."""
    stack = [Level()]
    for token in tokens(text):
        if token == "(":
            inner = Level()
            stack[-1].items.append(inner)
            stack.append(inner)
        elif token == ")":
            stack.pop()
        else:
            stack[-1].items.append(token)
    assert len(stack) == 1, "parentheses do not match"
    return stack[0]


def unscoped(text: str, *, group: Sequence[str], groups: Sequence[str] = ()) -> list[str]:
    """Table references (`campaign t3`) without `t3.group_id = $n` in their own query level.

    `group` are the parameters that hold the scope's group (`$1`); with `groups`, `= ANY ($2)` will do for
    customer groups alone. The predicate counts only where it must hold: joined by AND, not inside OR or NOT.
    """
    missing: list[str] = []
    for level in levels(text).walk():
        if not level.is_select:
            continue
        for at, item in enumerate(level.items):
            if (
                isinstance(item, Level)
                or item not in TABLES
                or level.items[at - 1] not in ("FROM", "JOIN", ",")
            ):
                continue
            alias = level.items[at + 1]
            assert isinstance(alias, str), "a table reference without an alias"
            if not _holds(level.items, str(item), alias, group, groups):
                missing.append(f"{item} {alias}")
    return missing


def _holds(
    items: list["str | Level"], table: str, alias: str, group: Sequence[str], groups: Sequence[str]
) -> bool:
    column = "id" if table == "customer_group" else "group_id"
    for at in range(1, len(items) - 4):
        before, value = items[at - 1], items[at + 4]
        if items[at : at + 4] != [alias, ".", column, "="] or before not in ("WHERE", "ON", "AND"):
            continue
        if value == "ANY" and table == "customer_group" and groups:
            inner = items[at + 5] if at + 5 < len(items) else None
            right, end = isinstance(inner, Level) and inner.items[0] in groups, _after_cast(items, at + 6)
        else:
            right, end = isinstance(value, str) and value in group, _after_cast(items, at + 5)
        if right and _conjunct(items, at, end):
            return True
    return False


def _after_cast(items: list["str | Level"], at: int) -> int:
    while at + 1 < len(items) and items[at] == "::":
        at += 2
    return at


def _conjunct(items: list["str | Level"], start: int, end: int) -> bool:
    """Whether what stands there must hold for every row: no OR beside it in the same clause."""
    words = [item if isinstance(item, str) else "(…)" for item in items]
    if end < len(words) and words[end] not in ("AND", *_CLAUSES):
        return False
    first = max(at for at in range(start) if words[at] in ("WHERE", "ON"))
    last = min((at for at in range(end, len(words)) if words[at] in _CLAUSES), default=len(words))
    return "OR" not in words[first:last]


def group_parameters(params: Sequence[object]) -> tuple[list[str], list[str]]:
    """Which of a statement's parameters hold the scope's group, and which all the credential's groups."""
    keys = [getattr(param, "key", ()) for param in params]
    return (
        [f"${n}" for n, key in enumerate(keys, 1) if key == ("group",)],
        [f"${n}" for n, key in enumerate(keys, 1) if key == ("groups",)],
    )
