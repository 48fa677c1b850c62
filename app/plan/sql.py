"""A small SQL tree and its printing.

Values never enter the text: they are `Param` nodes, numbered when the statement is printed, each with a cast.
Tables enter only as `Source`, whose predicates bring the scope along (see `scoping`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from app.plan.binding import Bindings


@dataclass(frozen=True, slots=True)
class Param:
    """A bound value. `key` says which value it is, so that the same one is sent once."""

    key: tuple[Any, ...]
    cast: str
    read: Callable[[Bindings], object] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Sql:
    """A fragment: words of ours, parameters, and other fragments, in order."""

    parts: tuple[Union[str, Param, "Sql"], ...]


Part = str | Param | Sql


def sql(*parts: Part) -> Sql:
    """Put parts side by side."""
    return Sql(parts)


def joined(separator: str, parts: Iterable[Part]) -> Sql:
    """Parts with words between them."""
    out: list[Part] = []
    for part in parts:
        if out:
            out.append(separator)
        out.append(part)
    return Sql(tuple(out))


def quoted(text: str) -> str:
    """A text of ours as a string literal (response keys, type names, JSON punctuation)."""
    return "'" + text.replace("'", "''") + "'"


def const(value: object, cast: str) -> Sql:
    """A value known now, bound all the same."""
    hashable = tuple(value) if isinstance(value, list) else value
    return sql(Param(("const", hashable, type(value).__name__), cast, lambda _: value))


NOTHING = sql()
"""No words at all."""
NOW = sql(Param(("now",), "timestamptz", lambda b: b.now))
"""The request's clock."""


class Text:
    """A text under construction: literals next to each other become one."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str | Sql] = []

    def literal(self, text: str) -> "Text":
        """Add a text of ours."""
        if self.pieces and isinstance(self.pieces[-1], str):
            self.pieces[-1] += text
        elif text:
            self.pieces.append(text)
        return self

    def add(self, piece: Union[str, Sql, "Text"]) -> "Text":
        """Add a literal, an expression of type text, or another text."""
        if isinstance(piece, Text):
            for inner in piece.pieces:
                self.add(inner)
        elif isinstance(piece, str):
            self.literal(piece)
        else:
            self.pieces.append(piece)
        return self

    def sql(self) -> Sql:
        """`'…' || expression || '…'`, in parentheses where there is more than one piece."""
        shown = [quoted(p) if isinstance(p, str) else p for p in self.pieces] or ["''"]
        if len(shown) == 1:
            return sql(shown[0])
        return sql("(", joined(" || ", shown), ")")


@dataclass(frozen=True, slots=True)
class Subselect(Sql):
    """A scalar sub-select that gives exactly one row; `inner` is its value, `source` its FROM and WHERE."""

    inner: Sql = field(default_factory=lambda: Sql(()))
    source: Sql = field(default_factory=lambda: Sql(()))


def subselect(text: Text, source: Sql) -> Text:
    """The text of rows. What it begins and ends with needs no row, so it stays outside and joins its neighbours."""
    pieces = list(text.pieces)
    if all(isinstance(piece, str) for piece in pieces):
        return text
    head = pieces.pop(0) if isinstance(pieces[0], str) else ""
    tail = pieces.pop() if isinstance(pieces[-1], str) else ""
    core = Text()
    core.pieces = pieces
    inner = core.sql()
    assert isinstance(head, str)
    assert isinstance(tail, str)
    one = Subselect(("(SELECT ", inner, " FROM ", source, ")"), inner, source)
    return Text().literal(head).add(one).literal(tail)


@dataclass(slots=True)
class Select:
    """One SELECT. `names` maps output columns to expressions, in order."""

    names: dict[str, Sql]
    source: Sql
    where: list[Sql] = field(default_factory=list)
    group: list[Sql] = field(default_factory=list)
    order: list[Sql] = field(default_factory=list)
    limit: Sql | None = None
    offset: Sql | None = None

    def sql(self) -> Sql:
        """The statement."""
        shown = (
            sql(e) if e.parts == (n,) or _is_column(e, n) else sql(e, f" AS {n}")
            for n, e in self.names.items()
        )
        parts: list[Part] = ["SELECT ", joined(", ", shown), " FROM ", self.source]
        if self.where:
            parts += [" WHERE ", joined(" AND ", self.where)]
        if self.group:
            parts += [" GROUP BY ", joined(", ", self.group)]
        if self.order:
            parts += [" ORDER BY ", joined(", ", self.order)]
        if self.limit is not None:
            parts += [" LIMIT ", self.limit]
        if self.offset is not None:
            parts += [" OFFSET ", self.offset]
        return Sql(tuple(parts))


def _is_column(expression: Sql, name: str) -> bool:
    return len(expression.parts) == 1 and str(expression.parts[0]).endswith(f".{name}")


@dataclass(frozen=True, slots=True)
class Statement:
    """A printed statement and where its values come from, in the order of `$1`, `$2`, …"""

    text: str
    params: tuple[Param, ...]

    def values(self, bindings: Bindings) -> list[object]:
        """The values of one request."""
        return [param.read(bindings) for param in self.params]


def print_sql(tree: Sql) -> Statement:
    """Number the parameters in order of appearance and write the text."""
    out: list[str] = []
    params: dict[Param, int] = {}
    _print(tree, out, params)
    return Statement("".join(out), tuple(params))


def _print(tree: Sql, out: list[str], params: dict[Param, int]) -> None:
    for part in tree.parts:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Param):
            number = params.setdefault(part, len(params) + 1)
            out.append(f"${number}::{part.cast}")
        else:
            _print(part, out, params)


def all_of(conditions: Sequence[Sql]) -> Sql:
    """Conditions joined with AND; `true` where there is none."""
    return joined(" AND ", conditions) if conditions else sql("true")
