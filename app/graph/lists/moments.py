"""Conditions on moments: from when on, until when. A day alone is a day where the row lives.

Whether an instant was given as a day alone is part of a plan's structure, so that lists between instants are asked for
as simply as before.
"""

from collections.abc import Callable

from app.plan.catalog import FilterArguments, Predicate, Row
from app.plan.sql import Sql, Table, quoted, sql, verbatim
from app.values.instants import day_alone

Zone = Callable[[Row, FilterArguments], Sql]
"""The time zone of a row; never NULL."""


Tables = Callable[[str, str], Table]
"""The way to tables in scope: the entity, the alias."""


def zone_of_group(table: Tables) -> Sql:
    """The group's zone."""
    return sql("(SELECT {zg.time_zone} FROM {zg} WHERE {zg.scope})", zg=table("CustomerGroup", "zg"))


def zone_by(entity: str, key: Sql, table: Tables) -> Sql:
    """The zone of the store of what this key names, a campaign or a customer; else the group's."""
    return sql(
        """
        coalesce((
            SELECT {zs.time_zone} FROM {zo} JOIN {zs} ON {zs.scope} AND {zs.id} = {zo.store_id}
            WHERE {zo.scope} AND {zo.id} = {key}
        ), {group})
        """,
        zo=table(entity, "zo"),
        zs=table("Store", "zs"),
        key=key,
        group=zone_of_group(table),
    )


def of_group(row: Row, args: FilterArguments) -> Sql:
    """The group's."""
    return zone_of_group(args.table)


def of_store(row: Row, args: FilterArguments) -> Sql:
    """That of the row's store, else the group's."""
    return sql(
        "coalesce((SELECT {zs.time_zone} FROM {zs} WHERE {zs.scope} AND {zs.id} = {row.store_id}), {group})",
        zs=args.table("Store", "zs"),
        row=row,
        group=zone_of_group(args.table),
    )


def of_campaign(row: Row, args: FilterArguments) -> Sql:
    """That of its campaign's store, else the group's."""
    return zone_by("Campaign", row("campaign_id"), args.table)


def of_customer(row: Row, args: FilterArguments) -> Sql:
    """That of its customer's store, else the group's."""
    return zone_by("Customer", row("customer_id"), args.table)


def since(name: str, zone: Zone, operator: str = ">=", *, empty: bool = False) -> Predicate:
    """From this instant on; of a day alone from its first moment on. `empty`: so are rows without a moment."""
    return _compared(name, zone, operator, operator, "0", "-14 hours", empty)


def until(name: str, zone: Zone, operator: str = "<", *, empty: bool = False) -> Predicate:
    """Until this instant, which may belong to it (`<=`); of a day alone until it is over."""
    return _compared(name, zone, operator, "<", "1 day", "12 hours", empty)


def _compared(
    name: str, zone: Zone, operator: str, on_day: str, length: str, apart: str, empty: bool
) -> Predicate:
    """`apart`: how far from UTC's the edge of that day can be, in any zone."""

    def predicate(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
        compared = condition(row, args, path)
        return sql("coalesce({compared}, true)", compared=compared) if empty else compared

    def condition(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
        if not args.is_day(*path):
            return sql(
                "{column} {operator} {value}",
                column=row(name),
                operator=verbatim(operator),
                value=args.param(*path, cast="timestamptz"),
            )
        edge = sql(
            "({day}::timestamp + interval {length})",
            day=args.param(*path, cast="date", convert=day_alone),
            length=quoted(length),
        )
        exact = sql(
            "{column} {operator} ({edge} AT TIME ZONE {zone})",
            column=row(name),
            operator=verbatim(on_day),
            edge=edge,
            zone=zone(row, args),
        )
        if zone is of_group:
            return exact
        # The zone differs from row to row, so an index is only of use for an edge that lies beyond that of any zone.
        return sql(
            "({column} {operator} ({edge} + interval {apart}) AT TIME ZONE 'UTC' AND {exact})",
            column=row(name),
            operator=verbatim(on_day),
            edge=edge,
            apart=quoted(apart),
            exact=exact,
        )

    return predicate
