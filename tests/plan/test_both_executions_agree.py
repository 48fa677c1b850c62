"""The same operation, planned and resolved: the same keys in the same order, the same texts, the same digits."""

import dataclasses
import json
import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from graphql import get_named_type

from app.auth.principal import Principal, Role
from app.db.database import Database, connect
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, Operation, answer
from app.graph.schema import catalog, graph
from app.settings import Settings, read_settings
from app.values.scope import Scope
from tests.given.asking import SEES_ALL
from tests.given.everything import Everything, everything
from tests.plan.operations import Generated, Generator

OPERATIONS = int(os.environ.get("EQUALITY_OPERATIONS", "2000"))
NOW = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def guarded(database_url: str) -> AsyncIterator[Database]:
    """The same database, read behind the row-level policies."""
    database = await connect(database_url, readers=2, writers=1, guarded=True)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def worlds(db: Database) -> tuple[Everything, Everything]:
    """Two groups with rows in every table."""
    return await everything(db, "ours"), await everything(db, "theirs", campaigns=4)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a scratch folder."""
    return read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))})


def context(db: Database, settings: Settings, scope: Scope, *, planner: bool) -> Context:
    """A reading request."""
    principal = Principal('key:1 "quoted" é', scope, SEES_ALL | {Role.WRITE})
    return Context(
        Services(dataclasses.replace(settings, planner=planner), db, AssetStorage(settings)),
        principal,
        now=NOW,
    )


def exact(body: bytes) -> Any:
    """Decoded with key order and number digits kept."""
    return json.loads(
        body, parse_float=lambda t: ("number", t), parse_int=lambda t: ("number", t), object_pairs_hook=list
    )


async def both(generated: Generated, db: Database, settings: Settings, scope: Scope) -> tuple[Answer, Answer]:
    """Planned and resolved."""
    operation = Operation(generated.query, generated.variables)
    planned = await answer(operation, context(db, settings, scope, planner=True))
    resolved = await answer(operation, context(db, settings, scope, planner=False))
    return planned, resolved


def generator(worlds: tuple[Everything, Everything], seed: int) -> Generator:
    """Operations that the planner has to express."""
    return Generator(graph, *worlds, random.Random(seed), frozenset(catalog.unplanned))


async def cursors_of(db: Database, settings: Settings, scope: Scope) -> dict[str, list[str]]:
    """Cursors of every list at the root, by the name of its type."""
    assert graph.query_type is not None
    lists = {n: get_named_type(f.type).name for n, f in graph.query_type.fields.items() if "after" in f.args}
    query = "{" + " ".join(f"{n}(first: 3) {{ edges {{ cursor }} }}" for n in lists) + "}"
    made = await answer(Operation(query), context(db, settings, scope, planner=True))
    assert made.data is not None, made.errors
    return {lists[n]: [edge["cursor"] for edge in page["edges"]] for n, page in json.loads(made.data).items()}


@pytest.mark.slow
async def test_generated_operations_give_the_same_answer_both_ways_and_behind_the_policies(
    db: Database, guarded: Database, worlds: tuple[Everything, Everything], settings: Settings
) -> None:
    ours, _ = worlds
    scopes = [ours.scope, ours.scope, ours.store_scope, ours.project_scope]
    scopes.append(Scope(ours.group_id, store_id=ours.store_ids[1], project_ids=(ours.project_ids[1],)))
    cursors = await cursors_of(db, settings, ours.scope)
    ran = {"planned": 0, "refused": 0}
    for seed in range(OPERATIONS):
        source = generator(worlds, seed)
        source.cursors = cursors
        generated, scope = source.operation(), scopes[seed % len(scopes)]
        planned, resolved = await both(generated, db, settings, scope)
        about = f"seed {seed}\n{generated.query}\n{generated.variables}"
        assert planned.execution in ran, about + str(planned)
        assert exact(planned.body) == exact(resolved.body), about
        if planned.execution == "planned":
            behind = await answer(
                Operation(generated.query, generated.variables),
                context(guarded, settings, scope, planner=True),
            )
            assert behind.body == planned.body, about
        assert b"theirs" not in planned.body.replace(b'"theirs', b"") or "theirs" in str(generated), about
        ran[planned.execution] += 1
    assert ran["planned"] > OPERATIONS * 0.7, ran


@pytest.mark.parametrize("seed", range(3))
def test_the_generator_is_deterministic(worlds: tuple[Everything, Everything], seed: int) -> None:
    assert generator(worlds, seed).operation() == generator(worlds, seed).operation()


def test_amounts_compare_by_their_digits() -> None:
    assert exact(b"1.0") != exact(b"1.00")
    assert Decimal("1.0") == Decimal("1.00")
