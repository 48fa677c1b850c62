"""A group whose campaigns reward its customers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from tests.given import rewards
from tests.given.asking import Asker
from tests.given.rewards import Given

Ask = Callable[..., Any]


@pytest.fixture
async def world(db: Database) -> Given:
    """A new group with a partner and three customers."""
    return await rewards.given(db)


@pytest.fixture
def ask(db: Database, world: Given, tmp_path: Any) -> Ask:
    """Asks as a marketer of the world's group, at the moment `now` where one is said."""
    asker = Asker(db, read_settings({"DATA_DIR": str(tmp_path)}))

    async def asked(query: str, *, role: Role = Role.MARKETING, now: Any = None, **variables: Any) -> Any:
        context = asker.context(world.scope, roles=frozenset({role}), **({} if now is None else {"now": now}))
        made = await answer(Operation(query, variables), context)
        assert not made.errors, made.errors
        return json.loads(made.body)["data"]

    return asked
