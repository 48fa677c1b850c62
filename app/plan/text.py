"""A JSON text under construction: what is known now as literals, what rows bring as expressions of type text."""

from dataclasses import dataclass

from app.plan.sql import NOTHING, Part, Sql, as_literal, sql


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

    def add(self, piece: "str | Sql | Text") -> "Text":
        """Add a literal, an expression of type text, or another text."""
        if isinstance(piece, str):
            self.literal(piece)
        elif isinstance(piece, Text):
            if piece.pieces:
                self.add(piece.pieces[0])
                self.pieces += piece.pieces[1:]
        else:
            self.pieces.append(piece)
        return self

    def sql(self) -> Sql:
        """`'…' || expression || '…'`, in parentheses where there is more than one piece."""
        parts: list[Part] = []
        for piece in self.pieces or [""]:
            parts += (" || ", as_literal(piece) if isinstance(piece, str) else piece)
        if len(parts) == 2:
            return Sql((parts[1],))
        parts[0] = "("
        return Sql((*parts, ")"))


@dataclass(slots=True, eq=False)
class Subselect(Sql):
    """A scalar sub-select that gives exactly one row; `inner` is its value, `source` its FROM and WHERE."""

    inner: Sql = NOTHING
    source: Sql = NOTHING


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
    whole = sql("(SELECT {inner} FROM {source})", inner=inner, source=source)
    one = Subselect(whole.parts, inner, source)
    return Text().literal(head).add(one).literal(tail)
