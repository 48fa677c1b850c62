"""A statement over several lines, so that its golden file can be read and compared."""

from tests.plan.scope_of_sql import Level, levels

BREAKS = ("FROM", "LEFT", "CROSS", "WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET")
"""Clauses that start a line of their own inside a query."""
WIDE = 90
"""What is longer gets lines of its own."""
_NO_SPACE_BEFORE = (",", ")", "::", ".", "[", "]")
_NO_SPACE_AFTER = ("::", ".", "[")


def laid_out(text: str) -> str:
    """The same tokens with line breaks: each query indented, each clause and each concatenated piece on a line."""
    return "\n".join(_lines(levels(text), 0)) + "\n"


def _lines(level: Level, depth: int) -> list[str]:
    lines, line = [], ""
    for at, item in enumerate(level.items):
        if isinstance(item, Level):
            line = _append(line, "(" if _glued(level.items[at - 1] if at else "") else " (")
            if _has_select(item) or len(_inline(item)) > WIDE:
                lines.append(_indent(line, depth))
                lines += _lines(item, depth + 1)
                line = ")"
            else:
                line += _inline(item) + ")"
            continue
        if (
            item in BREAKS
            and level.is_select
            and line.strip()
            and not (item == "ORDER" and line.endswith("("))
        ):
            lines.append(_indent(line, depth))
            line = ""
        line = _append(line, item if _touches(line, item) else f" {item}")
        if item == "||" and len(line) > WIDE // 2:
            lines.append(_indent(line, depth))
            line = ""
    if line.strip():
        lines.append(_indent(line, depth))
    return lines


def _inline(level: Level) -> str:
    line = ""
    for at, item in enumerate(level.items):
        if isinstance(item, Level):
            line += ("(" if _glued(level.items[at - 1] if at else "") else " (") + _inline(item) + ")"
        else:
            line = _append(line, item if _touches(line, item) else f" {item}")
    return line.strip()


def _has_select(level: Level) -> bool:
    return any(inner.is_select for inner in level.walk())


def _glued(before: "str | Level") -> bool:
    """Whether an opening parenthesis follows without a space: after a function's name, or at a line's start."""
    return isinstance(before, str) and (before == "" or before.islower() or before == "(")


def _touches(line: str, item: str) -> bool:
    return not line or item in _NO_SPACE_BEFORE or line.endswith((*_NO_SPACE_AFTER, "("))


def _append(line: str, piece: str) -> str:
    return piece.lstrip() if not line else line + piece


def _indent(line: str, depth: int) -> str:
    return "  " * depth + line.strip()
