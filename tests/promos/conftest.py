"""Asking the graph about promos, in process."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import promos as given

Call = Callable[..., Any]


@pytest.fixture
def call(db: Database, tmp_path: Path) -> Call:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def run(scope: Scope, query: str, *roles: Role, **variables: Any) -> Any:
        principal = Principal("test", scope, frozenset(roles or {Role.MARKETING}))
        made = await answer(Operation(query, variables), Context(services, principal, now=given.NOON))
        return json.loads(made.body, parse_float=Decimal)

    return run
