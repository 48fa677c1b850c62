"""A fault of each kind, put into the planner on purpose, shows: against the resolvers, or against the policies.

So a green comparison means something. Here: lost borders, pages off by one, texts not escaped, put into the catalog
or into the printed statement. Wrong declarations are in `test_faulty_declarations_are_caught.py`.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from app.db.database import Database, connect
from app.graph.schema import catalog
from app.plan.catalog import Entity
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.given.questions import FURTHER, Edge
from tests.given.twins import twin
from tests.plan.faults import EDGES, differs, exact, facts_of, faulty, run, with_fields
from tests.plan.planning import statement
from tests.plan.test_scope_everywhere import scope_predicates


@pytest.fixture(scope="module")
async def guarded(database_url: str) -> AsyncIterator[Database]:
    """The same database, read behind the row-level policies."""
    database = await connect(database_url, readers=2, writers=1, guarded=True)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def twins(database_url: str, ours: Everything) -> int:
    """Another group, whose rows have the ids of ours."""
    return await twin(database_url, ours, mark="ours", twin_mark="twin")


# ── the comparison itself ─────────────────────────────────────────────────────


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
async def test_without_a_fault_nothing_is_reported(asker: Asker, ours: Everything, edge: Edge) -> None:
    for scope in (ours.scope, ours.store_scope, ours.project_scope):
        assert not await differs(asker, scope, with_fields(lambda _, __, field: field), edge.question())


# ── scope ─────────────────────────────────────────────────────────────────────

_BY_ITS_OWN_ID = "the row is named by the same parameter once more"
_OF_THE_GROUP = "the key that leads here is the group's own id"
REDUNDANT = {
    "Query.viewer.group": _BY_ITS_OWN_ID,
    "Query.group": _BY_ITS_OWN_ID,
    "Query.viewer.store": "there is no store in this scope",
    "CustomerGroup.stores": _OF_THE_GROUP,
    "CustomerGroup.campaigns": _OF_THE_GROUP,
    "CustomerGroup.figures": _OF_THE_GROUP,
    "Store.group": _OF_THE_GROUP,
    "Campaign.group": _OF_THE_GROUP,
    "WebhookRefusal.endpoint": "an endpoint's id is unique over all groups",
    "Campaign.attribution": "of the models in the statement only the group's runs; golden cases have each by itself",
}
"""Where one predicate less changes nothing; the reader of statements (test_scope_everywhere) insists all the same."""


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
async def test_a_missing_group_shows(
    asker: Asker, guarded: Database, ours: Everything, theirs: Everything, twins: int, edge: Edge
) -> None:
    """Each predicate of each statement in turn; the twin's rows have the ids of ours."""
    made, values = statement(edge.question(), scope=ours.scope, facts=facts_of(asker, ours.scope))
    true = await run(asker.db, ours.scope, made.text, values)
    assert true == await run(guarded, ours.scope, made.text, values)
    assert true is not None
    assert b"twin" not in true
    hidden = []
    for found in scope_predicates(made):
        parameter = re.search(r"\$\d+::bigint(\[\])?", found.group())
        assert parameter is not None
        broken = made.text[: found.start()] + f"{parameter.group()} IS NOT NULL" + made.text[found.end() :]
        bare = await run(asker.db, ours.scope, broken, values)
        behind = await run(guarded, ours.scope, broken, values)
        if bare == true:
            hidden.append(found.group())
        # A statement that fails is run again on the resolvers, and counted. Directory tables have no policies.
        assert bare in (None, true) or bare != behind or edge.name in WITHOUT_POLICIES, found.group()
    assert bool(hidden) == (edge.name in REDUNDANT), hidden


WITHOUT_POLICIES = {
    "Query.apiKeys",
    "Query.webhookEndpoints",
    "Query.oauthClients",
    "OAuthClient.store",
    "ApiKey.store",
}


NARROWED = [
    (name, way)
    for name, entity in catalog.entities.items()
    for way in ("store", "project")
    if entity.table
    and getattr(entity, way).how not in ("visible", "beside")
    # A project's metrics are read from the base rows, never from the rollups.
    and (name, way) not in {("MetricRollup", "project"), ("MetricFactRollup", "project")}
    # Only funnels read these, customer by customer; tests/funnels ask them under narrower scopes.
    and name not in {"FunnelDay", "FunnelMember"}
]


@pytest.mark.parametrize(("name", "way"), NARROWED)
async def test_a_lost_way_to_the_store_or_project_shows(
    asker: Asker, ours: Everything, name: str, way: str
) -> None:
    def lost(entity: Entity) -> Entity:
        visible: dict[str, Any] = {way: replace(entity.store, how="visible")}
        return replace(entity, **visible) if entity.name == name else entity

    scope = ours.store_scope if way == "store" else ours.project_scope
    prefix = catalog.entities[name].prefix
    if prefix:
        ids = ours.event_ids if name == "Event" else ours.ids[catalog.entities[name].table]
        asked = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert await differs(asker, scope, faulty(lost), asked, ids=[f"{prefix}_{one}" for one in ids])
    else:
        assert await differs(asker, scope, faulty(lost), FURTHER[name])


# ── pages ─────────────────────────────────────────────────────────────────────

OFF_BY_ONE = {
    "a row too many": (r"LIMIT (\$\d+::bigint)(?! \+)", r"LIMIT \1 + 1"),
    "no row more to look at": (r"LIMIT (\$\d+::bigint) \+ 1", r"LIMIT \1"),
    "the row looked at is shown": (r"rn <= (\$\d+::bigint)", r"rn <= \1 + 1"),
    "the last row is not shown": (r"rn <= ", "rn < "),
    "a next page that is not there": (r"count\(\*\) > (\$\d+)", r"count(*) >= \1"),
    "a row passed over": (r"OFFSET (\$\d+::bigint)", r"OFFSET \1 + 1"),
    "the cursor's own row again": (r"\) < \(", ") <= ("),
    "the page backwards": (r"rn DESC", "rn"),
}
PAGES = {
    "first, plain": ("first: $n", ""),
    "first, with its place": ("first: $n", "pageInfo { hasNextPage endCursor } "),
    "exactly as many as there are": ("first: $all", "pageInfo { hasNextPage } "),
    "last": ("last: $n", "pageInfo { hasPreviousPage } "),
    "offset": ("first: $n, offset: $n", ""),
    "after": ("first: $n, after: $c", ""),
}


@pytest.mark.parametrize("fault", OFF_BY_ONE)
async def test_an_off_by_one_shows(asker: Asker, ours: Everything, fault: str) -> None:
    counted = json.loads(
        (await asker.planned(ours.scope, "{ campaigns { totalCount edges { cursor } } }")).body
    )
    page = counted["data"]["campaigns"]
    variables = {"n": 2, "all": page["totalCount"], "c": page["edges"][1]["cursor"]}
    pattern, instead = OFF_BY_ONE[fault]
    caught = 0
    for arguments, more in PAGES.values():
        used = {name: value for name, value in variables.items() if f"${name}" in arguments}
        kinds = ", ".join(f"${name}: {'String' if name == 'c' else 'Int'}" for name in used)
        query = f"query({kinds}) {{ campaigns({arguments}) {{ {more}nodes {{ id }} }} }}"
        made, values = statement(query, used, scope=ours.scope)
        broken = re.sub(pattern, instead, made.text)
        if broken == made.text:
            continue
        resolved = await asker.resolved(ours.scope, query, **used)
        found = await run(asker.db, ours.scope, broken, values)
        assert resolved.data is not None
        caught += found is None or exact(found) != exact(resolved.body)
    assert caught


# ── the text itself ───────────────────────────────────────────────────────────


async def test_a_key_that_is_not_escaped_shows(asker: Asker, ours: Everything) -> None:
    """Texts with quotes, backslashes and control characters are in the rows."""
    query = "{ campaigns { nodes { name } } }"
    made, values = statement(query, scope=ours.scope)
    broken = re.sub(r"to_json\((t\d+\.name)\)::text", r"('\"' || \1 || '\"')", made.text)
    assert broken != made.text
    found = await run(asker.db, ours.scope, broken, values)
    assert found is not None
    resolved = await asker.resolved(ours.scope, query)
    assert resolved.data is not None
    assert exact(found) != exact(resolved.body)
