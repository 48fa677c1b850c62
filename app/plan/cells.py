"""FROM items under construction: which columns were asked for, and what joins them."""

from dataclasses import dataclass, field

from app.plan.catalog import Parts, Row
from app.plan.sql import Alias, Sql, joined, sql, verbatim


@dataclass(slots=True, eq=False)
class Cells(Alias):
    """Columns of one FROM item; remembers which were asked for."""

    used: dict[str, None] = field(default_factory=dict)

    def named(self, column: str) -> str:
        """The column, from now on among those that have to be there."""
        self.used[column] = None
        return f"{self.alias}.{column}"


def unnested(parts: Parts, item: Cells, row: Row) -> Sql:
    """The FROM item that makes rows of a row's arrays: those asked for, and their `place`."""
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
