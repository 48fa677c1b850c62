"""Fields made from the figures of an interface: what they were before, how they changed, what they are ordered by."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar, cast

import strawberry

from app.graph.declaring.fields import Declared, Expression, amount_of, column, computed, embed, entity, parts
from app.graph.declaring.listing import KEY, Direction
from app.graph.declaring.nodes import Money
from app.graph.declaring.scalars import Rate
from app.graph.figures.sources import Source, Sum
from app.graph.strawberry_parts import declared_fields
from app.plan.catalog import Row
from app.plan.kinds import AMOUNT, rate
from app.plan.sql import Sql, sql

T = TypeVar("T")
FORMER = "was_"
"""Columns of the former window begin so."""
LISTED = "source_"
"""Those of what each source says."""
LEFT = "left_"
"""Those of money without a rate."""


def expressions(values: type) -> dict[str, Expression]:
    """Every figure of an interface as SQL over a row of the answer; of money, its amount."""
    found: dict[str, Expression] = {}
    for name, field in declared_fields(values).items():
        declared = field.metadata[KEY]
        assert isinstance(declared, Declared)
        if name != "currency":
            found[name] = _expression(name, declared)
    return found


def _expression(name: str, declared: Declared) -> Expression:
    if declared.what == "embed":
        return declared.columns["amount"].expressions[0]
    if declared.expressions:
        return declared.expressions[0]
    return lambda row: row(declared.column or name)


def amount_from(value: Expression) -> Declared:
    """Inside `embed(amount=…)`: money that is computed from the row."""
    return Declared("column", expressions=(value, lambda row: row("currency")), kind=AMOUNT)


def former(description: str = "The same figures of the window it is compared with; null: it is not.") -> Any:
    """The object with the former figures."""
    return embed(description, present=lambda row: row("compared"), prefix=FORMER)


def changed(
    description: str = "How each figure differs from the former one, in percent of that; null: it is not compared.",
) -> Any:
    """The object with the changes."""
    return embed(description, present=lambda row: row("compared"))


def unconverted() -> Any:
    """What is missing in money, since there was no rate."""
    return parts(
        "What is left out, since it had no rate into `currency` on its day; empty unless a currency was asked for.",
        LEFT.removesuffix("_"), always="currency",
    )  # fmt: skip


def changes_of(values: type) -> Callable[[type[T]], type[T]]:
    """Give a class a field for each figure: its difference to the former one in percent."""

    def decorate(cls: type[T]) -> type[T]:
        known = expressions(values)
        kind: Any = Rate | None
        cls.__annotations__ = dict.fromkeys(known, kind)
        for name, value in known.items():
            about = declared_fields(values)[name].description.rstrip(".")
            setattr(cls, name, computed(f"{about}: in percent of before.", _change(value), kind=rate(2)))
        return entity()(cls)

    return decorate


def _change(value: Expression) -> Expression:
    def change(row: Row) -> Sql:
        now, before = value(row), value(lambda name: row(name if name == "currency" else FORMER + name))
        return sql("100.0 * ({now} - {before}) / nullif(abs({before}), 0)", now=now, before=before)

    return change


def left_of(sums: Mapping[str, Sum]) -> Callable[[type[T]], type[T]]:
    """Give a class a field for each sum of money."""

    def decorate(cls: type[T]) -> type[T]:
        names = [name for name, one in sums.items() if one.is_money]
        cls.__annotations__ = {"currency": str, **dict.fromkeys(names, cast("Any", Money))}
        cls.currency = column("The currency it is in.")  # type: ignore[attr-defined]
        for name in names:
            about = f"How much of it is {name.replace('_', ' ')}."
            setattr(cls, name, embed(about, amount=amount_of(name), currency="currency"))
        return entity()(cls)

    return decorate


def dimensions_of(source: Source) -> Any:
    """The enum of what the source can be broken down by."""
    members = {
        one.name.upper(): strawberry.enum_value(one.name, description=one.description)
        for one in source.dimensions
    }
    return strawberry.enum(
        cast("type[Enum]", Enum(f"{source.name}Dimension", members)),
        description=f"What {source.about} can be broken down by.",
    )


def orders_of(source: Source) -> Any:
    """The input of a sort key: any figure, or the stretch of time."""
    members = {"PERIOD": strawberry.enum_value("period", description="The stretch of time.")}
    members |= {
        name.upper(): strawberry.enum_value(
            name, description=declared_fields(source.values)[name].description
        )
        for name in expressions(source.values)
    }
    enum: Any = strawberry.enum(
        cast("type[Enum]", Enum(f"{source.name}Figure", members)),
        description=f"What rows of {source.about} can be ordered by. Where a figure is unknown, the row comes last.",
    )
    made = type(
        f"{source.name}FigureOrder",
        (),
        {
            "__annotations__": {"field": enum, "direction": Direction},
            "field": strawberry.field(description="The figure."),
            "direction": strawberry.field(description="Smallest or largest first.", default=Direction.ASC),
        },
    )
    return strawberry.input(made, description=f"One sort key of {source.about}.")
