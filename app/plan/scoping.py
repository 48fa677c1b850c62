"""The first lock: no table reference without the predicates of the request's scope."""

from collections.abc import Callable
from dataclasses import dataclass

from app.plan.binding import Bindings
from app.plan.catalog import Catalog, Entity, Way
from app.plan.sql import Sql, Table, also, bound, sql
from app.values.scope import ScopeShape

GROUP = bound(("group",), "bigint", lambda b: b.scope.group_id)
GROUPS = bound(("groups",), "bigint[]", lambda b: list(b.scope.group_ids))
STORE = bound(("store",), "bigint", lambda b: b.scope.store_id)


def _projects(bindings: Bindings) -> list[int]:
    return list(bindings.scope.project_ids or ())


PROJECTS = bound(("projects",), "bigint[]", _projects)


@dataclass(frozen=True, slots=True)
class Tables:
    """The way to tables for hand-written SQL: `tables("Store", "s")` is a table of the catalog, in scope."""

    catalog: Catalog
    shape: ScopeShape

    def __call__(self, entity: str, alias: str) -> Table:
        return scoped_table(self.catalog, self.catalog.entities[entity], alias, self.shape)


def scoped_table(
    catalog: Catalog, entity: Entity, alias: str, shape: ScopeShape, *, every_group: bool = False
) -> Table:
    """A table and the predicates that keep it inside the scope.

    `every_group` is only for the list of customer groups.
    """
    tenant = f"{alias}.{entity.tenant}"
    if every_group:
        predicates = [sql("{tenant} = ANY ({groups})", tenant=tenant, groups=GROUPS)]
    else:
        predicates = [sql("{tenant} = {group}", tenant=tenant, group=GROUP)]
    if shape.has_store:
        predicates += _narrow(catalog, alias, entity.store, lambda e: e.store, _in_store)
    if shape.has_projects:
        predicates += _narrow(catalog, alias, entity.project, lambda e: e.project, _in_projects)
    return Table(alias, entity.table, tuple(predicates))


def _in_store(column: str) -> Sql:
    return sql("{column} = {store}", column=column, store=STORE)


def _in_projects(column: str) -> Sql:
    return sql("{column} = ANY ({projects})", column=column, projects=PROJECTS)


def _narrow(
    catalog: Catalog, alias: str, way: Way, way_of: Callable[[Entity], Way], matches: Callable[[str], Sql]
) -> list[Sql]:
    if way.how in ("visible", "beside"):
        return []
    if way.how == "hidden":
        return [sql("false")]
    column = f"{alias}.{way.column}"
    if way.how == "own":
        return [matches(column)]
    if way.how == "own_or_group":
        return [sql("({column} IS NULL OR {matches})", column=column, matches=matches(column))]
    parent = catalog.entities[way.entity]
    above = f"{alias}_up"
    narrower = _narrow(catalog, above, way_of(parent), way_of, matches)
    if not narrower:
        return []
    if way.how == "linked_or_group":
        return [_linked(catalog, parent, alias, column, way.keys[0], narrower)]
    up = scoped_table(catalog, parent, above, ScopeShape.GROUP)
    exists = sql(
        "EXISTS (SELECT 1 FROM {up} WHERE {up.scope} AND {up.id} = {column} {narrower})",
        up=up,
        column=column,
        narrower=also(narrower),
    )
    if way.how == "via_or_group":
        return [sql("({column} IS NULL OR {exists})", column=column, exists=exists)]
    return [exists]


def _linked(catalog: Catalog, links: Entity, alias: str, column: str, key: str, narrower: list[Sql]) -> Sql:
    up = scoped_table(catalog, links, f"{alias}_up", ScopeShape.GROUP)
    return sql(
        "({column} IS NULL OR EXISTS (SELECT 1 FROM {up} WHERE {up.scope} AND {theirs} = {own} {narrower}))",
        column=column,
        up=up,
        theirs=up(key),
        own=f"{alias}.id",
        narrower=also(narrower),
    )
