"""FROM items under construction: which columns were asked for, and what joins them."""

from dataclasses import dataclass, field

from app.plan.sql import Sql, sql


@dataclass(slots=True)
class Cells:
    """Columns of one FROM item; remembers which were asked for."""

    alias: str
    used: dict[str, None] = field(default_factory=dict)

    def __call__(self, column: str) -> Sql:
        self.used[column] = None
        return sql(f"{self.alias}.{column}")


@dataclass(slots=True)
class Level:
    """One FROM clause under construction: to-one relations join here."""

    joins: list[Sql] = field(default_factory=list)
