"""`X-Explain` and `extensions.plan`, one rule: SQL is for who may see plans."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from tests.given import groups

CAMPAIGNS = "/api/v1/marketing/campaigns"
PLAN = {"query": "{ campaigns { totalCount } }", "extensions": {"plan": True, "dryRun": True}}


@pytest.fixture
async def called(database_url: str, db: Database, tmp_path: Any) -> AsyncIterator[Any]:
    """Calls a gateway in production, by an API key or as a role."""
    settings = read_settings({"DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "WORKER_INLINE": "0"})
    group = await groups.group(db)
    now = datetime.now(UTC)
    key = await create_api_key(db, group_id=group.group_id, name="k", now=now)
    async with running(settings, journal=Journal()) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:

            async def call(method: str, path: str, *roles: Role, **more: Any) -> Any:
                if roles:
                    token = Tokens(settings).mint(
                        subject="s", group_id=group.group_id, roles=roles, now=datetime.now(UTC)
                    )
                    sent = {"Authorization": f"Bearer {token}"}
                else:
                    sent = {"X-API-KEY": key.secret}
                return await http.request(method, path, headers={**sent, "X-Explain": "1"}, **more)

            yield call


async def test_sql_is_for_who_may_see_plans(called: Any) -> None:
    shown = (await called("GET", "/api/campaigns")).json()
    assert (shown["execution"], shown["sql"]) == ("planned", None)
    assert shown["document"].startswith("query")
    assert "variables" in shown
    shown = (await called("GET", CAMPAIGNS, Role.MARKETING)).json()
    assert (shown["execution"], shown["sql"]) == ("planned", None)
    shown = (await called("GET", CAMPAIGNS, Role.MARKETING, Role.SYSTEM_ADMIN)).json()
    assert "SELECT" in shown["sql"]
    # The graph's clients have document and variables already.
    refused = (await called("POST", "/graphql", json=PLAN)).json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    shown = (await called("POST", "/graphql", Role.SYSTEM_ADMIN, json=PLAN)).json()
    assert "SELECT" in shown["extensions"]["plan"]["sql"]


async def test_a_route_that_may_not_be_called_is_not_explained(called: Any) -> None:
    assert (await called("GET", CAMPAIGNS, Role.READ)).status_code == 403
    assert (await called("POST", "/api/campaigns", json={})).status_code in (400, 403, 422)
