"""Exchange rates of the group: what its money is converted by, where it is asked for in one currency."""

import strawberry

from app.graph.declare import column, entity
from app.graph.listing import compares, date_key, equals, filter_by, list_of
from app.graph.nodes import Node
from app.graph.scalars import Date, DateTime, Decimal
from app.plan.kinds import CURRENCY
from app.tables import journeys as tables


@strawberry.input(description="Which exchange rates. All conditions given must hold.")
class ExchangeRateFilter:
    """Which exchange rates."""

    from_currency: str | None = filter_by("From this currency.", equals("from_currency", "text"))
    to_currency: str | None = filter_by("Into this currency.", equals("to_currency", "text"))
    since: Date | None = filter_by("From this day or later.", compares("day", ">=", "date"))
    until: Date | None = filter_by("From this day or before.", compares("day", "<=", "date"))


EXCHANGE_RATES = list_of(
    "ExchangeRate", ExchangeRateFilter, "DAY", day=(date_key("day"), "By the day they hold from.")
)


@entity(
    table=tables.ExchangeRate, prefix="rate",
    description="What one unit of a currency is worth in another, from a day on until the pair's next rate.",
)  # fmt: skip
class ExchangeRate(Node):
    """What one unit of a currency is worth in another."""

    from_currency: str = column("The currency that is converted.", kind=CURRENCY)
    to_currency: str = column("The currency it is converted into.", kind=CURRENCY)
    day: Date = column("The first day it holds.")
    rate: Decimal = column("What one unit is worth.")
    created_at: DateTime = column("When it was first told.")


__all__ = ["EXCHANGE_RATES", "ExchangeRate"]
