"""Calling the mutations that make and close what a tenant is made of, and what its audit tells of them."""

import json
from collections.abc import Callable
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
from tests.given import campaigns as given

Call = Callable[..., Any]
ERRORS = "errors { code message path }"


@pytest.fixture
def services(db: Database, tmp_path: Path) -> Services:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    return Services(settings, db, AssetStorage(settings))


@pytest.fixture
def call(services: Services) -> Call:
    """Call one mutation: its name, its input, what is asked back; its payload."""

    async def run(scope: Scope, called: str, selection: str, /, *roles: Role, **given_input: Any) -> Any:
        kind = called[0].upper() + called[1:]
        for verb in ("Archive", "Restore"):
            kind = kind.replace(verb, "Name") if kind.endswith(verb) else kind
        query = f"mutation($i: {kind}Input!) {{ {called}(input: $i) {{ {selection} {ERRORS} }} }}"
        principal = Principal("test", scope, frozenset(roles or {Role.TENANT_ADMIN}))
        context = Context(services, principal, base_url="https://gateway.example", now=given.NOON)
        made = json.loads((await answer(Operation(query, {"i": given_input}), context)).body)
        return made["errors"] if made.get("errors") else made["data"][called]

    return run


@pytest.fixture
def ask(services: Services) -> Call:
    async def run(scope: Scope, query: str) -> Any:
        principal = Principal("test", scope, frozenset({Role.TENANT_ADMIN}))
        made = await answer(Operation(query, {}), Context(services, principal, now=given.NOON))
        return json.loads(made.body)["data"]

    return run


async def audited(db: Database, group_id: int, like: str) -> list[tuple[str, str]]:
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(
            "SELECT action, subject FROM audit_entry WHERE group_id = $1 AND action LIKE $2 ORDER BY id",
            group_id, like,
        )  # fmt: skip
    return [(row["action"], row["subject"]) for row in rows]


PROJECT = "project { id name slug isInternal identityFields maxEventBytes archivedAt store { id } }"
