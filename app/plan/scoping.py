"""The first lock: no table reference without the predicates of the request's scope."""

from collections.abc import Callable

from app.plan.binding import Bindings
from app.plan.catalog import Catalog, Entity, Row, Way
from app.plan.sql import Param, Sql, sql
from app.values.scope import ScopeShape

GROUP = sql(Param(("group",), "bigint", lambda b: b.scope.group_id))
GROUPS = sql(Param(("groups",), "bigint[]", lambda b: list(b.scope.group_ids)))
STORE = sql(Param(("store",), "bigint", lambda b: b.scope.store_id))


def _projects(bindings: Bindings) -> list[int]:
    return list(bindings.scope.project_ids or ())


PROJECTS = sql(Param(("projects",), "bigint[]", _projects))


def scoped_table(
    catalog: Catalog, entity: Entity, alias: str, shape: ScopeShape, *, every_group: bool = False
) -> tuple[Sql, list[Sql]]:
    """A table reference and the predicates that keep it inside the scope.

    `every_group` is for the listing of customer groups alone.
    """

    def row(column: str) -> Sql:
        return sql(f"{alias}.{column}")

    own_group = (
        sql(row(entity.tenant), " = ANY (", GROUPS, ")")
        if every_group
        else sql(row(entity.tenant), " = ", GROUP)
    )
    predicates = [own_group]
    if shape.has_store:
        predicates += _narrow(catalog, row, entity.store, alias, lambda e: e.store, sql(" = ", STORE))
    if shape.has_projects:
        predicates += _narrow(
            catalog, row, entity.project, alias, lambda e: e.project, sql(" = ANY (", PROJECTS, ")")
        )
    return sql(f"{entity.table} {alias}"), predicates


def _narrow(
    catalog: Catalog, row: Row, way: Way, alias: str, way_of: Callable[[Entity], Way], matches: Sql
) -> list[Sql]:
    if way.how == "visible":
        return []
    if way.how == "hidden":
        return [sql("false")]
    if way.how == "own":
        return [sql(row(way.column), matches)]
    if way.how == "own_or_group":
        return [sql("(", row(way.column), " IS NULL OR ", row(way.column), matches, ")")]
    parent = catalog.entities[way.entity]
    above = f"{alias}_up"

    def up(column: str) -> Sql:
        return sql(f"{above}.{column}")

    inner = _narrow(catalog, up, way_of(parent), above, way_of, matches)
    if not inner:
        return []
    exists = sql(
        f"EXISTS (SELECT 1 FROM {parent.table} {above} WHERE ", up(parent.tenant), " = ", GROUP,
        " AND ", up("id"), " = ", row(way.column),
    )  # fmt: skip
    for condition in inner:
        exists = sql(exists, " AND ", condition)
    if way.how == "via_or_group":
        return [sql("(", row(way.column), " IS NULL OR ", exists, "))")]
    return [sql(exists, ")")]
