"""How figures are asked: one set of arguments, whatever they are of.

    order_figures: list[OrderFigures] = order_figures("Its orders, in numbers.", of="Store")

Totals or a series, broken down, ordered, cut, compared with a former window, in each currency or one.
"""

import inspect
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import partial
from typing import Any

import strawberry

from app.graph.declaring.described import enum_type
from app.graph.declaring.enums import Interval
from app.graph.declaring.fields import aggregate, argument, column
from app.graph.declaring.scalars import Date, Duration
from app.graph.figures.asking_sql import figure_rows
from app.graph.figures.figure_fields import dimensions_of, orders_of
from app.graph.figures.sources import Source
from app.graph.figures.windows import window_faults
from app.plan.checking import MAX_KEYS
from app.values.money import is_currency

MAX_ROWS = 10_000


@enum_type
class ComparedWith(Enum):
    """Which former window figures are compared with."""

    PREVIOUS_PERIOD = strawberry.enum_value(
        "period", description="The one before, of the same length; of whole months, as many months."
    )
    PREVIOUS_YEAR = strawberry.enum_value("year", description="The same days a year before.")


class Asking:
    """The field of one source, wherever it hangs."""

    def __init__(self, source: Source) -> None:
        self.source = source
        by, order = dimensions_of(source), orders_of(source)
        zone = "the group's zone" if source.of_customers else "the store's zone"
        self.arguments = [
            argument("interval", Interval | None, "How long stretches are; null: totals.", None),
            argument("by", list[by] | None, "What to break down by, beside time and currency.", None),  # type: ignore[valid-type]
            argument("since", Date | None, f"From this day on, in {zone}.", None),
            argument("until", Date | None, "Up to and including this day.", None),
            argument(
                "last", Duration | None, "So many days up to and including today, such as P30D; instead of both.", None
            ),
            argument(
                "fill", bool, "Whether stretches without data are rows, too, for each value of `by` that occurs.", False
            ),
            argument("order_by", list[order] | None, "Sort keys, the first one counts most; else by time.", None),  # type: ignore[valid-type]
            argument("first", int | None, f"How many rows of these; {MAX_ROWS:,} at most.", None),
            argument("compare", ComparedWith | None, "Which former window to put beside.", None),
        ]  # fmt: skip
        if source.has_money and source.converts:
            self.arguments.append(
                argument(
                    "currency",
                    str | None,
                    "Convert money into this one, at the newest rate of its day; null: a row for each currency.",
                    None,
                )
            )

    def __call__(self, description: str, *further: inspect.Parameter, of: str = "") -> Any:
        """The field, on the root or on the type `of`."""
        return aggregate(
            description, partial(figure_rows, self.source, of), *self.arguments, *further,
            many=True, check=self._faults, price=self.source.price if not of else max(100, self.source.price // 20),
        )  # fmt: skip

    def _faults(self, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        yield from window_faults(values, has_hours=self.source.has_hours)
        first = values.get("first")
        if first is not None and not 1 <= first <= MAX_ROWS:
            yield "first", f"first lies between 1 and {MAX_ROWS}."
        if len(values.get("orderBy") or ()) > MAX_KEYS:
            yield "orderBy", f"At most {MAX_KEYS} sort keys."
        if values.get("currency") is not None and not is_currency(values["currency"]):
            yield "currency", "currency is a code of three capital letters, such as EUR."


def period() -> Any:
    """The stretch a row is of."""
    return column("The first day of the stretch; null: totals.")


def hour() -> Any:
    """The hour a row is of."""
    return column("The hour of that day, 0 to 23, in a series of hours.")
