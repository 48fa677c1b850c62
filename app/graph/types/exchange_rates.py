"""Exchange rates of the group."""

from app.graph.declaring.fields import column, entity
from app.graph.declaring.nodes import Node
from app.graph.declaring.scalars import Date, DateTime, Decimal
from app.plan.kinds import CURRENCY
from app.tables import exchange_rates as tables


@entity(table=tables.ExchangeRate, prefix="rate")
class ExchangeRate(Node):
    """What one unit of a currency is worth in another, from a day on until the pair's next rate."""

    from_currency: str = column("The currency that is converted.", kind=CURRENCY)
    to_currency: str = column("The currency it is converted into.", kind=CURRENCY)
    day: Date = column("The first day it holds.")
    rate: Decimal = column("What one unit is worth.")
    created_at: DateTime = column("When it was first told.")
