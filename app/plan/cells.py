"""FROM items under construction: which columns are needed, and what joins them."""

from dataclasses import dataclass, field

from app.plan.catalog import Parts, Row
from app.plan.sql import Alias, Sql, joined, sql, verbatim


@dataclass(slots=True, eq=False)
class Cells(Alias):
    """The columns of one FROM item; notes which are used."""

    used: dict[str, None] = field(default_factory=dict)

    def named(self, column: str) -> str:
        """The column, which from now on must be selected."""
        self.used[column] = None
        return f"{self.alias}.{column}"


@dataclass(slots=True, eq=False)
class Prefixed(Cells):
    """The same row, by columns whose names begin with `prefix`; its currency is the row's own."""

    prefix: str = ""

    def named(self, column: str) -> str:
        """The column, which from now on must be selected."""
        name = column if column == "currency" else f"{self.prefix}{column}"
        self.used[name] = None
        return f"{self.alias}.{name}"


def prefixed(row: Cells, prefix: str) -> Cells:
    """The row as an object inside it reads it."""
    return Prefixed(row.alias, row.used, prefix=prefix) if prefix else row


@dataclass(slots=True, eq=False)
class Part(Cells):
    """One object in arrays of a row, which has the columns that all of them share."""

    row: Cells = field(kw_only=True)
    shared: frozenset[str] = frozenset()

    def named(self, column: str) -> str:
        """The column: of the row, where it is shared."""
        return self.row.named(column) if column in self.shared else super(Part, self).named(column)


def part_of(parts: Parts, row: Cells, alias: str) -> Part:
    """One of the objects, under this alias."""
    return Part(alias, row=row, shared=parts.shared)


def unnested(parts: Parts, item: Cells, row: Row) -> Sql:
    """The FROM item that makes rows out of a row's arrays: those that are used, and their `place`."""
    names = list(dict.fromkeys([parts.always, *item.used]))
    arrays = joined(", ", [row(f"{parts.prefix}_{name}") for name in names])
    return sql(
        "unnest({arrays}) WITH ORDINALITY {item}({names}, place)",
        arrays=arrays,
        item=item.alias,
        names=verbatim(", ".join(names)),
    )


@dataclass(slots=True)
class Level:
    """One FROM clause under construction: to-one relations join here."""

    joins: list[Sql] = field(default_factory=list)

    def joined(self) -> Sql:
        """All of them, one after the other."""
        return joined(" ", self.joins)
