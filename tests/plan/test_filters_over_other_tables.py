"""Filters that look into another table: its borders under a narrower scope take no row away that the list has."""

from dataclasses import replace
from typing import Any

import pytest

from app.graph.schema import catalog
from app.plan.catalog import Catalog, Filter
from app.plan.scoping import Tables
from app.plan.sql import Sql
from app.values.scope import Scope, ScopeShape
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.plan.faults import printed


class _OfTheGroup:
    """A list's arguments whose door leads to all rows of the group."""

    def __init__(self, args: Any) -> None:
        self.param, self.given, self.keys = args.param, args.given, args.keys
        self.table = Tables(catalog, ScopeShape.GROUP)


def of_the_group() -> Catalog:
    """The catalog with filters that look into other tables without the borders of a store or projects."""

    def wider(one: Filter) -> Filter:
        def predicate(row: Any, args: Any, path: tuple[str, ...]) -> Sql:
            return one.predicate(row, _OfTheGroup(args), path)  # type: ignore[arg-type]

        return replace(one, predicate=predicate)

    filters = {name: {key: wider(one) for key, one in keys.items()} for name, keys in catalog.filters.items()}
    return Catalog(catalog.entities, filters, catalog.unplanned)


def questions(ours: Everything) -> list[str]:
    """Each such filter, by every value there is, also of rows outside the scope."""
    slugs = ["ours.s0.p0-slug", *(f"proj_{one}" for one in ours.project_ids)]
    places = ["ours.s0.p0", "ours.s1.p1", "ours.s-.p2"]
    codes = ["field_required", *(f"{place}-code" for place in places)]
    keys = [f"{place}-key{at}" for place in places for at in range(3)]
    asked = [
        (name, f'project: "{slug}"')
        for name in ("events", "eventTypes", "eventMetrics", "interactions")
        for slug in slugs
    ]
    asked += [(name, f'faultCode: "{code}"') for name in ("events", "trashedEvents") for code in codes]
    asked += [("eventTypes", f'storageKey: "{key}"') for key in keys]
    return [f"{{ {name}(filter: {{ {one} }}) {{ totalCount nodes {{ id }} }} }}" for name, one in asked]


@pytest.mark.parametrize("shape", ["", "s", "p", "sp"])
async def test_a_filter_finds_as_many_rows_as_without_those_borders(
    asker: Asker, ours: Everything, shape: str
) -> None:
    store = ours.store_ids[0] if "s" in shape else None
    projects = (ours.project_ids[0], ours.project_ids[2]) if "p" in shape else None
    scope = Scope(ours.group_id, store, projects)
    found = 0
    for question in questions(ours):
        narrow = await printed(asker, scope, question, of=catalog)
        assert narrow == await printed(asker, scope, question, of=of_the_group()), question
        assert narrow is not None
        found += b'"totalCount":0' not in narrow
    assert found > 5
