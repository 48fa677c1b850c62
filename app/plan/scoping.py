"""The first lock: no table reference without the predicates of the request's scope."""

from collections.abc import Callable

from app.plan.binding import Bindings
from app.plan.catalog import Catalog, Entity, Row, Way
from app.plan.sql import Param, Sql, put

GROUP = put(Param(("group",), "bigint", lambda b: b.scope.group_id))
GROUPS = put(Param(("groups",), "bigint[]", lambda b: list(b.scope.group_ids)))
STORE = put(Param(("store",), "bigint", lambda b: b.scope.store_id))


def _projects(bindings: Bindings) -> list[int]:
    return list(bindings.scope.project_ids or ())


PROJECTS = put(Param(("projects",), "bigint[]", _projects))


def scoped_table(
    catalog: Catalog, entity: Entity, alias: str, shape: str, *, every_group: bool = False
) -> tuple[Sql, list[Sql]]:
    """A table reference and the predicates that keep it inside the scope.

    `shape` is `Scope.shape`: which borders the scope has besides its group. `every_group` is for the listing of
    customer groups alone.
    """

    def row(column: str) -> Sql:
        return put(f"{alias}.{column}")

    own_group = (
        put(row(entity.tenant), " = ANY (", GROUPS, ")")
        if every_group
        else put(row(entity.tenant), " = ", GROUP)
    )
    predicates = [own_group]
    if "s" in shape:
        predicates += _narrow(catalog, row, entity.store, alias, lambda e: e.store, put(" = ", STORE))
    if "p" in shape:
        predicates += _narrow(
            catalog, row, entity.project, alias, lambda e: e.project, put(" = ANY (", PROJECTS, ")")
        )
    return put(f"{entity.table} {alias}"), predicates


def _narrow(
    catalog: Catalog, row: Row, way: Way, alias: str, way_of: Callable[[Entity], Way], matches: Sql
) -> list[Sql]:
    if way.how == "visible":
        return []
    if way.how == "hidden":
        return [put("false")]
    if way.how == "own":
        return [put(row(way.column), matches)]
    if way.how == "own_or_group":
        return [put("(", row(way.column), " IS NULL OR ", row(way.column), matches, ")")]
    parent = catalog.entities[way.entity]
    above = f"{alias}_up"

    def up(column: str) -> Sql:
        return put(f"{above}.{column}")

    inner = _narrow(catalog, up, way_of(parent), above, way_of, matches)
    if not inner:
        return []
    exists = put(
        f"EXISTS (SELECT 1 FROM {parent.table} {above} WHERE ", up(parent.tenant), " = ", GROUP,
        " AND ", up("id"), " = ", row(way.column),
    )  # fmt: skip
    for condition in inner:
        exists = put(exists, " AND ", condition)
    if way.how == "via_or_group":
        return [put("(", row(way.column), " IS NULL OR ", exists, "))")]
    return [put(exists, ")")]
