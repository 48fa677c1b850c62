"""What can be asked of a kind of rows: its figures as sums over them, and what they can be broken down by.

A figure is declared once: as a sum here (`spend`), or as a field that is computed from sums, after they were summed up
(a rate). `asking` makes the field, `asking_sql` the statement.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import Select, Sql, sql


@dataclass(frozen=True)
class Sum:
    """A column of the answer, from the columns of base rows. `worth` gives a money column of theirs."""

    total: Callable[[Row, Callable[[str], Sql]], Sql]
    is_money: bool = False
    """A sum of money: what of it cannot be converted is told."""
    nothing: str = "0"
    """What it is where there are no rows."""


def total(column: str) -> Sum:
    """The sum of a whole number."""
    return Sum(lambda p, _: sql("coalesce(sum({x}), 0)", x=p(column)))


def money(column: str) -> Sum:
    """The sum of an amount."""
    return Sum(lambda _, worth: sql("coalesce(sum({x}), 0)", x=worth(column)), is_money=True)


def worth(column: str) -> Sum:
    """The sum of an amount that only others are computed from."""
    return Sum(lambda _, worth: sql("coalesce(sum({x}), 0)", x=worth(column)))


def smallest(column: str) -> Sum:
    """The smallest amount; NULL without any."""
    return Sum(lambda _, worth: sql("min({x})", x=worth(column)), nothing="NULL")


def largest(column: str) -> Sum:
    """The largest amount; NULL without any."""
    return Sum(lambda _, worth: sql("max({x})", x=worth(column)), nothing="NULL")


def rows() -> Sum:
    """How many there are."""
    return Sum(lambda p, _: sql("count(*)"))


def rows_where(column: str) -> Sum:
    """How many there are for which the column is true."""
    return Sum(lambda p, _: sql("count(*) FILTER (WHERE {x})", x=p(column)))


def total_worth(column: str, amount: str) -> Sum:
    """The sum of a whole number where the amount is known in the currency of the answer: what an average is over."""
    return Sum(
        lambda p, worth: sql(
            "coalesce(sum({x}) FILTER (WHERE {amount} IS NOT NULL), 0)", x=p(column), amount=worth(amount)
        )
    )


def distinct(column: str) -> Sum:
    """How many different values there are."""
    return Sum(lambda p, _: sql("count(DISTINCT {x})", x=p(column)))


@dataclass(frozen=True)
class Dimension:
    """What figures can be broken down by: a column of base rows and of the answer."""

    name: str
    column: str
    description: str
    cast: str = "bigint"


CHANNEL = Dimension("channel", "channel", "One row per channel.", "text")
STORE = Dimension("store", "store_id", "One row per store.")
CAMPAIGN = Dimension("campaign", "campaign_id", "One row per campaign.")
PROJECT = Dimension("project", "project_id", "One row per project.")
SEGMENT = Dimension("segment", "segment_id", "One row per segment.")
PARTNER = Dimension("partner", "partner_id", "One row per partner.")
PROMO = Dimension("promo", "promo_id", "One row per promo.")


@dataclass(frozen=True)
class Question:
    """What a source is asked for base rows with."""

    request: AggregateRequest
    of: str
    """The type whose field it is; empty: of the whole scope."""
    needs: frozenset[str]
    """Columns that are read of base rows: dimensions, figures, `day`, `hour`, `currency`."""
    since: Sql | None
    until: Sql | None
    """The window's days: only rows of these are asked for."""

    def needs_any(self, *columns: str) -> bool:
        """Whether one of these is read."""
        return not self.needs.isdisjoint(columns)

    @property
    def needs_days(self) -> bool:
        """Whether it matters on which day a row is."""
        return self.needs_any("day", "hour") or self.since is not None or self.until is not None

    def is_by(self, *dimensions: Dimension) -> bool:
        """Whether it is broken down by one of these."""
        return self.needs_any(*(one.column for one in dimensions))


Base = Callable[[Question], Select]
"""Gives base rows. Of their columns those that are needed are read."""


@dataclass(frozen=True)
class Source:
    """A kind of rows that figures are asked of."""

    name: str
    """Its types are named by it: `Order` for OrderFigure, OrderDimension, OrderFigureOrder."""
    about: str
    """What they are of, in words: `figures of orders`."""
    values: type
    """The interface with the figures, a field each."""
    sums: Mapping[str, Sum]
    dimensions: tuple[Dimension, ...]
    base: Base
    """The rows that are summed up."""
    has_money: bool = True
    """Rows have a currency, by which they are kept apart."""
    converts: bool = True
    """Its money can be converted: it is of its day, in whole units."""
    has_hours: bool = True
    """Rows have an instant, not just a day."""
    beside: Mapping[str, Base] = field(default_factory=dict)
    """Other base rows whose sums are shown beside, by the prefix of their columns."""
    each: Base | None = None
    """Base rows that say of which source they are."""
    listed: tuple[str, ...] = ()
    """What is listed of each source: its name's column, then sums."""
    of_customers: bool = False
    """Its days are the group's, not the store's."""
    price: int = 5_000
