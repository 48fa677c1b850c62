"""A group with customers of every tier, and somebody who asks the graph."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.customers.entries import CustomerEntry
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import audience as given
from tests.given import groups
from tests.given.groups import GivenGroup

Ask = Callable[..., Any]
TIERS = ["gold", "platinum", "silver", None]


@pytest.fixture
def ask(db: Database, tmp_path: Path) -> Ask:
    """Run a document as a credential of this scope and these roles; the answer with its errors."""
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def run(scope: Scope, query: str, *roles: Role, **variables: Any) -> dict[str, Any]:
        principal = Principal("test", scope, frozenset(roles or {Role.MARKETING}))
        context = Context(services, principal, now=given.NOON)
        made = await answer(Operation(query, variables), context)
        found: dict[str, Any] = json.loads(made.body)
        return found

    return run


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    """Twelve customers c00…c11: tiers in turn, n orders, 100·n spent, the last one n days ago; no order for c00."""
    made = await groups.group(db)
    await given.customers(
        db,
        made.scope,
        *(
            CustomerEntry(
                external_id=f"c{n:02}",
                email=f"c{n:02}@example.org",
                store_id=made.store_id if n % 2 else None,
                loyalty_tier=TIERS[n % 4],
                order_count=n,
                total_spent=Decimal(100 * n),
                last_order_at=given.NOON - timedelta(days=n) if n else None,
                tags=["even"] if n % 2 == 0 else [],
                attributes={"size": n},
            )
            for n in range(12)
        ),
    )
    return made
