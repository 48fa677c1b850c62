"""The planner with a fault put into it, and whether that shows: the resolvers keep the true catalog."""

import json
from collections.abc import Callable
from copy import copy
from typing import Any

import asyncpg

from app.db.database import Database
from app.graph.schema import catalog
from app.plan.binding import RequestFacts
from app.plan.catalog import Catalog, Entity, Field
from app.values.scope import Scope
from tests.given.asking import Asker
from tests.given.questions import edges
from tests.plan.planning import statement

EDGES = {edge.name: edge for edge in edges()}


async def printed(
    asker: Asker, scope: Scope, query: str, *, of: Catalog, variables: dict[str, Any] | None = None
) -> bytes | None:
    """What the statement of this catalog answers; None where PostgreSQL refuses it."""
    made, values = statement(query, variables, scope=scope, of=of, facts=facts_of(asker, scope))
    return await run(asker.db, scope, made.text, values)


def facts_of(asker: Asker, scope: Scope) -> RequestFacts:
    """What the request of the resolvers knows by itself."""
    context = asker.context(scope)
    links = context.services.assets.links(group_id=scope.group_id, base_url=context.base_url, now=context.now)
    return RequestFacts(context.principal.name, sorted(context.principal.roles), lambda: links)


async def run(db: Database, scope: Scope, text: str, values: list[object]) -> bytes | None:
    """The statement's bytes; None where PostgreSQL refuses it."""
    try:
        return await db.read(text, values, scope)
    except asyncpg.PostgresError:
        return None


def faulty(change: Callable[[Entity], Entity]) -> Catalog:
    """A copy of the catalog with every entity changed."""
    return Catalog(
        {name: change(copied(entity)) for name, entity in catalog.entities.items()},
        {name: dict(keys) for name, keys in catalog.filters.items()},
        dict(catalog.unplanned),
    )


def copied(entity: Entity) -> Entity:
    """A copy whose fields can be replaced."""
    made = copy(entity)
    made.fields = dict(entity.fields)
    return made


def with_fields(change: Callable[[str, str, Field], Field]) -> Catalog:
    """A copy of the catalog with every field changed: `change(type, name, field)`."""

    def changed(entity: Entity) -> Entity:
        entity.fields = {name: change(entity.name, name, field) for name, field in entity.fields.items()}
        return entity

    return faulty(changed)


async def differs(asker: Asker, scope: Scope, broken: Catalog, query: str, **variables: Any) -> bool:
    """Whether the resolvers, with the true catalog, answer something else."""
    found = await printed(asker, scope, query, of=broken, variables=variables)
    resolved = await asker.resolved(scope, query, **variables)
    assert resolved.data is not None, resolved
    return found is None or exact(found) != exact(resolved.body)


def exact(body: bytes) -> Any:
    """Decoded with key order and number digits kept."""

    def number(text: str) -> tuple[str, str]:
        return ("number", text)

    try:
        return json.loads(body, parse_float=number, parse_int=number, object_pairs_hook=list)
    except ValueError:
        return body  # no JSON at all: a fault of its own


async def any_edge_differs(asker: Asker, scope: Scope, broken: Catalog, *names: str) -> bool:
    """Whether one of the questions (all of them, unless named) is answered otherwise."""
    for name in names or EDGES:
        if await differs(asker, scope, broken, EDGES[name].question()):
            return True
    return False
