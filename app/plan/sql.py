"""A small SQL tree and its printing.

A statement is written as SQL with named holes, `sql("SELECT {t.name} FROM {t} WHERE {t.scope}", t=table)`: the text is
a constant, what fills a hole is another piece of the tree, a bound value, a row whose column is named, or a name of
ours. Where the text itself has to be made, from a list or an enum: `joined` puts words between pieces, `quoted` makes a
literal, `whole` prints a number, `verbatim` takes a text as it is. Nothing else makes a tree.

Values never enter the text: they are `Param` nodes, numbered when the statement is printed, each with a cast. Tables
enter only as `Table`, which `scoping` makes, and only where their scope is stated as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString, Protocol, Union

from app.plan.binding import Bindings
from app.plan.templates import TemplateFault, is_name, read_template


@dataclass(slots=True, eq=False)
class Param:
    """A bound value. `key` says which value it is, so that the same one is sent once."""

    key: tuple[Any, ...]
    cast: str
    read: Callable[[Bindings], object]


@dataclass(slots=True, eq=False)
class Sql:
    """A fragment: words of ours, parameters, and other fragments, in order.

    Nobody changes what is made here. It is not frozen: a statement has hundreds, and each would take twice as long.
    """

    parts: tuple[Union[str, Param, "Sql"], ...]


Part = str | Param | Sql


class Row(Protocol):
    """A row in a statement under construction: asking for a column makes sure that it is there."""

    def __call__(self, column: str) -> Sql: ...


@dataclass(slots=True, eq=False)
class Alias:
    """What stands in a FROM under this name: its columns by theirs."""

    alias: str

    def __call__(self, column: str) -> Sql:
        return Sql((self.named(column),))

    def named(self, column: str) -> str:
        """The column as SQL names it."""
        return f"{self.alias}.{column}"


@dataclass(slots=True, eq=False)
class Table(Alias):
    """A table under an alias, and the predicates that keep it inside the scope. `scoping` makes it, nobody else."""

    name: str
    scope: tuple[Sql, ...]


Hole = Sql | Param | Table | Row | str


def sql(template: LiteralString, /, **holes: Hole) -> Sql:
    """SQL with its holes filled (see `templates`).

    `{x}` is a fragment, a parameter, or a name of ours; `{t.name}` a column of a row; `{t}` a table with its alias,
    which asks for `{t.scope}` in the same template. What a hole left empty needs no blank in front of it.
    """
    made = read_template(template)
    if len(holes) != len(made.names):
        raise TemplateFault(_unmatched(template, made.names, holes))
    parts: list[Part] = list(made.parts)
    for at, name, column in made.places:
        try:
            filling = holes[name]
        except KeyError:
            raise TemplateFault(_unmatched(template, made.names, holes)) from None
        if column:
            parts[at] = _column(template, name, filling, column)
        elif type(filling) is Sql:
            inner = filling.parts
            # What has one part needs no node of its own.
            parts[at] = inner[0] if len(inner) == 1 else filling
            if not inner and at in made.blanks:
                parts[at - 1] = made.parts[at - 1][:-1]
        else:
            parts[at] = _filled(template, name, filling, scoped=name in made.scoped)
    return Sql(tuple(parts))


def _column(template: str, name: str, filling: Hole, column: str) -> Part:
    if isinstance(filling, Alias):
        if column == "scope" and isinstance(filling, Table):
            return all_of(filling.scope)
        return filling.named(column)
    if isinstance(filling, Sql | Param | str):
        raise TemplateFault(f"{{{name}.{column}}} asks for a row: {filling!r} in {template!r}")
    return filling(column)


def _filled(template: str, name: str, filling: Hole, *, scoped: bool) -> Part:
    if isinstance(filling, str):
        if is_name(filling):
            return filling
    elif isinstance(filling, Sql | Param):
        return filling
    elif isinstance(filling, Table):
        if scoped:
            return f"{filling.name} {filling.alias}"
        raise TemplateFault(f"{{{name}}} is a table, so {{{name}.scope}} has to be stated, too: {template!r}")
    raise TemplateFault(f"{{{name}}} is no fragment, parameter, table or name: {filling!r} in {template!r}")


def _unmatched(template: str, names: frozenset[str], holes: dict[str, Hole]) -> str:
    missing, unused = sorted(names - holes.keys()), sorted(holes.keys() - names)
    told = [f"nothing for {', '.join(missing)}"] if missing else []
    told += [f"no hole for {', '.join(unused)}"] if unused else []
    return f"{' and '.join(told)} in {template!r}"


def joined(separator: LiteralString, parts: Iterable[Sql]) -> Sql:
    """Fragments with words between them."""
    out: list[Part] = []
    for part in parts:
        if out:
            out.append(separator)
        out.append(part.parts[0] if len(part.parts) == 1 else part)
    return Sql(tuple(out))


def quoted(text: str) -> Sql:
    """A text of ours as a string literal (response keys, type names, JSON punctuation)."""
    return Sql((as_literal(text),))


def as_literal(text: str) -> str:
    """The same, for whoever puts parts together."""
    return "'" + text.replace("'", "''") + "'"


def verbatim(text: str) -> Sql:
    """A text that code of ours has put together, as it is: names, a condition of a declaration. Never a value."""
    return Sql((text,))


def whole(number: int) -> Sql:
    """A whole number of ours: a constant, a place."""
    return Sql((str(int(number)),))


def bound(key: tuple[Any, ...], cast: str, read: Callable[[Bindings], object]) -> Sql:
    """A value that every request brings anew."""
    return Sql((Param(key, cast, read),))


def const(value: object, cast: str) -> Sql:
    """A value known now, bound all the same."""
    hashable = tuple(value) if isinstance(value, list) else value
    return bound(("const", hashable, type(value).__name__), cast, lambda _: value)


NOTHING = Sql(())
"""No words at all."""
NOW = bound(("now",), "timestamptz", lambda b: b.now)
"""The request's clock."""


def all_of(conditions: Sequence[Sql]) -> Sql:
    """Conditions joined with AND; `true` where there is none."""
    return joined(" AND ", conditions) if conditions else Sql(("true",))


def also(conditions: Sequence[Sql]) -> Sql:
    """Further conditions behind those already stated: `AND a AND b`; nothing where there is none."""
    return Sql(("AND ", joined(" AND ", conditions))) if conditions else NOTHING


@dataclass(slots=True)
class Select:
    """One SELECT. `names` maps output columns to expressions, in order; a table brings its scope into WHERE."""

    names: dict[str, Sql]
    source: Sql | Table
    where: list[Sql] = field(default_factory=list)
    joins: Sql = NOTHING
    group: list[Sql] = field(default_factory=list)
    order: list[Sql] = field(default_factory=list)
    limit: Sql | None = None
    offset: Sql | None = None

    @property
    def rows(self) -> Sql:
        """What stands behind FROM: the source, its joins, and every condition."""
        where = list(self.where)
        source: Part = (
            self.source if isinstance(self.source, Sql) else f"{self.source.name} {self.source.alias}"
        )
        if isinstance(self.source, Table):
            where = [*self.source.scope, *where]
        parts: list[Part] = [source]
        if self.joins.parts:
            parts += [" ", self.joins]
        if where:
            parts += [" WHERE ", joined(" AND ", where)]
        return Sql(tuple(parts))

    def sql(self) -> Sql:
        """The statement."""
        shown = (
            e if e.parts == (n,) or _is_column(e, n) else Sql((e, f" AS {n}")) for n, e in self.names.items()
        )
        parts: list[Part] = ["SELECT ", joined(", ", shown), " FROM ", self.rows]
        if self.group:
            parts += [" GROUP BY ", joined(", ", self.group)]
        if self.order:
            parts += [" ORDER BY ", joined(", ", self.order)]
        if self.limit is not None:
            parts += [" LIMIT ", self.limit]
        if self.offset is not None:
            parts += [" OFFSET ", self.offset]
        return Sql(tuple(parts))

    def order_in_columns(self) -> list[str]:
        """Make the order columns instead, for whoever puts these rows in order around this statement; their names."""
        keys = {f"sort_{place}": key for place, key in enumerate(self.order, 1)}
        self.names |= keys
        self.order = []
        return list(keys)


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
    add = out.append
    params: list[Param] = []
    numbered: dict[tuple[Any, str], str] = {}

    def write(parts: tuple[Part, ...]) -> None:
        for part in parts:
            if type(part) is str:
                add(part)
            elif type(part) is Param:
                which = (part.key, part.cast)
                if which not in numbered:
                    params.append(part)
                    numbered[which] = f"${len(params)}::{part.cast}"
                add(numbered[which])
            else:
                write(part.parts)  # type: ignore[union-attr]

    write(tree.parts)
    return Statement("".join(out), tuple(params))
