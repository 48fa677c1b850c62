"""Lists of exchange rates."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import compares, date_key, equals, filter_by, list_of
from app.graph.declaring.scalars import Date


@input_type
class ExchangeRateFilter:
    """Which exchange rates. All conditions given must hold."""

    from_currency: str | None = filter_by("From this currency.", equals("from_currency", "text"))
    to_currency: str | None = filter_by("Into this currency.", equals("to_currency", "text"))
    since: Date | None = filter_by("From this day or later.", compares("day", ">=", "date"))
    until: Date | None = filter_by("From this day or before.", compares("day", "<=", "date"))


EXCHANGE_RATES = list_of(
    "ExchangeRate", ExchangeRateFilter, "DAY", day=(date_key("day"), "By the day they hold from.")
)
