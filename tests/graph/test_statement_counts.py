"""A planned read is one statement; resolved, fifty parents cost as many as one."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from graphql import get_named_type

from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.graph.schema import graph
from app.plan.catalog import Aggregate, Many, ToOne
from tests.given.asking import Asker
from tests.given.everything import Everything, everything
from tests.given.multiplying import multiply
from tests.given.questions import Edge, edges

DASHBOARD = """
query Dashboard {
  group { name currency }
  stores { nodes { id name beaconKey } }
  campaigns(first: 20, orderBy: [{field: STARTS_AT, direction: DESC}], filter: {isTemplate: false}) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id name status startsAt endsAt budget { amount currency }
      store { id name }
      flows { id trigger actions { actionCode baseReward } conditions { operator value } multipliers { amount } }
      promos(first: 5) { nodes { code value isRedeemable } }
      outlays(first: 5) { totalCount nodes { amount { amount currency } startsAt endsAt } }
    }
  }
}
"""
"""A group's stores, campaigns, flows, promos and outlays: what a dashboard's first screen shows."""
PARENTS = 50
ASKED = 75
"""So many at the root that each relation has at least fifty parents below."""
FREES = "SELECT 1"
"""What a connection sends after a long statement, so that the server keeps nothing of it; it reads nothing."""


class Sent:
    """What the readers' connections sent, by the server's own log."""

    def __init__(self, log: Path, pids: set[int]) -> None:
        self._log = log
        self._line = re.compile(rf"\[({'|'.join(map(str, pids))})\] LOG:  (?:execute [^:]*|statement): (.*)")
        self._read = log.stat().st_size

    def since(self) -> list[str]:
        """The statements since the last count."""
        with self._log.open(encoding="utf-8", errors="replace") as file:
            file.seek(self._read)
            text = file.read()
            self._read = file.tell()
        return [match.group(2) for match in self._line.finditer(text)]


@pytest.fixture(scope="module")
async def reading(server: EmbeddedServer, database_url: str) -> AsyncIterator[tuple[Database, Sent]]:
    """A database of its own pool, and every statement that its readers really send."""
    owner = await asyncpg.connect(database_url)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
    database = await connect(database_url, readers=3, writers=2)
    async with AsyncExitStack() as stack:
        assert database.aside is not None
        readers = (database.reader, database.aside.reader)  # Light ones, and heavy ones.
        connections = [
            await stack.enter_async_context(reader.connection()) for reader in readers for _ in range(3)
        ]
        # The driver asks each connection once what an array type is; that is no part of a read.
        for connection in connections:
            await connection.fetchval("SELECT ($1::bigint[], $2::text[], $3::uuid[])::text", [], [], [])
        pids = {connection.get_server_pid() for connection in connections}
    yield database, Sent(server.folder / "log", pids)
    await database.close()
    await owner.execute(f'ALTER DATABASE "{name}" RESET log_statement')
    await owner.close()


async def test_the_dashboard_s_query_is_one_statement(
    reading: tuple[Database, Sent], asker: Asker, ours: Everything
) -> None:
    db, sent = reading
    asking = Asker(db, asker.settings)
    made = await asking.planned(ours.scope, DASHBOARD)
    assert (made.execution, made.errors) == ("planned", [])
    assert [text[:18] for text in sent.since()] == ["SELECT CASE WHEN o"]
    shown = json.loads(made.body)["data"]
    assert len(shown["stores"]["nodes"]) == 3
    campaigns = shown["campaigns"]["nodes"]
    for part in ("flows", "promos", "outlays"):
        assert any(c[part] if part == "flows" else c[part]["nodes"] for c in campaigns), part
    await asking.planned(ours.store_scope, DASHBOARD)
    assert len(sent.since()) == 1


async def test_every_edge_is_one_statement(
    reading: tuple[Database, Sent], asker: Asker, ours: Everything
) -> None:
    db, sent = reading
    asking = Asker(db, asker.settings)
    for edge in edges():
        made = await asking.planned(ours.scope, edge.question())
        reads = [text for text in sent.since() if text != FREES]
        assert (made.execution, len(reads)) == ("planned", 1), edge.name


async def test_the_log_counts_what_is_sent(reading: tuple[Database, Sent]) -> None:
    db, sent = reading
    async with db.reader.connection() as connection:
        await connection.fetchval("SELECT 1")
        await connection.execute("SELECT 2")
    assert sent.since() == ["SELECT 1", "SELECT 2"]


# ── the dataloaders ───────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
async def many(database_url: str, db: Database) -> Everything:
    """A group with at least fifty rows of everything that can be fifty in one group."""
    world = await everything(db, "many", campaigns=ASKED)
    owner = await asyncpg.connect(database_url)
    await multiply(owner, world.group_id, at_least=PARENTS + 2)
    await owner.close()
    return world


RELATIONS = [
    edge
    for edge in edges()
    if edge.owner != "Query"
    and isinstance(edge.field, ToOne | Many | Aggregate)
    # Fifty promos with fifty codes each and their uses are more than an answer may hold.
    and edge.name != "PromoCode.redemptions"
]
FEW = {
    "CustomerGroup": "a request acts in one group",
    **{
        name: "its rows are sums, as few as there are values to break down by"
        for name in graph.type_map
        if name.endswith("Figures")
    },
}
"""Owners of which a group does not have fifty."""


DOCUMENTS = {
    name
    for kind in graph.type_map.values()
    for name, field in getattr(kind, "fields", {}).items()
    if get_named_type(field.type).name == "JSON"
}


def plainly(edge: Edge, *, first: int) -> str:
    """The question without documents as they were sent: of so many rows they would be too much for one answer."""
    return " ".join(word for word in edge.question(first=first).split() if word not in DOCUMENTS)


@pytest.mark.parametrize("edge", RELATIONS, ids=lambda e: e.name)
async def test_fifty_parents_cost_as_many_statements_as_one(
    asker: Asker, many: Everything, edge: Edge
) -> None:
    one = await asker.statements(many.scope, plainly(edge, first=1))
    fifty = await asker.statements(many.scope, plainly(edge, first=ASKED))
    assert len(fifty) <= len(set(fifty)), "the same statement twice"
    # The fiftieth parent may have what the first lacks, and then there is something to look up at all.
    depth = len(edge.above) + len(edge.steps)
    connections = 2  # a page and its count
    assert len(one) <= len(fifty) <= depth + connections, fifty
    if edge.owner not in FEW:
        assert await parents_of(asker, many, edge) >= PARENTS


async def parents_of(asker: Asker, many: Everything, edge: Edge) -> int:
    """How many owners the question for fifty met."""
    made = await asker.planned(many.scope, plainly(edge, first=ASKED))
    level: list[Any] = [json.loads(made.body)["data"]]
    for step in edge.above:
        level = [row for parent in level for row in _rows(parent[step])]
    return len(level)


def _rows(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict):
        nodes: list[Any] = value.get("nodes", [value])
        return nodes
    return list(value)


async def test_the_dashboard_s_query_costs_a_statement_per_relation_when_resolved(
    asker: Asker, many: Everything
) -> None:
    few = await asker.statements(many.scope, DASHBOARD.replace("first: 20", "first: 2"))
    more = await asker.statements(many.scope, DASHBOARD.replace("first: 20", "first: 50"))
    # group, stores, campaigns and their count, store, flows, actions, conditions, multipliers, promos, outlays, count
    assert len(few) <= len(more) <= 12


async def test_metrics_by_store_look_each_store_up_once(asker: Asker, many: Everything) -> None:
    query = (
        "{ figures(interval: DAY, by: [STORE]) { store { name } } campaigns { nodes { store { name } } } }"
    )
    assert len(await asker.statements(many.scope, query)) == 3
