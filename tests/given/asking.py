"""Questions to the graph, planned or resolved, with the clock and the caller of the test's choice."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, Operation, answer
from app.settings import Settings
from app.values.scope import Scope

SEES_ALL = frozenset({Role.READ, Role.PERSONAL_DATA, Role.ADMINISTRATION})
"""A key that is shown everything."""
NOW = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Asker:
    """Asks one database as a credential of any scope."""

    db: Database
    settings: Settings

    def context(
        self,
        scope: Scope,
        *,
        planner: bool = True,
        roles: frozenset[Role] = SEES_ALL,
        now: datetime = NOW,
    ) -> Context:
        """A request of this scope."""
        settings = replace(self.settings, planner=planner)
        services = Services(settings, self.db, AssetStorage(settings))
        principal = Principal("key:1", scope, roles)
        return Context(services, principal, request_id="r-1", base_url="https://gateway.example", now=now)

    async def planned(self, scope: Scope, query: str, **variables: Any) -> Answer:
        """The answer of the one statement."""
        return await answer(Operation(query, variables), self.context(scope))

    async def resolved(self, scope: Scope, query: str, **variables: Any) -> Answer:
        """The answer of the resolvers and dataloaders."""
        return await answer(Operation(query, variables), self.context(scope, planner=False))

    async def both(self, scope: Scope, query: str, **variables: Any) -> tuple[Answer, Answer]:
        """Planned first, then resolved."""
        planned = await self.planned(scope, query, **variables)
        return planned, await self.resolved(scope, query, **variables)

    async def statements(self, scope: Scope, query: str, **variables: Any) -> list[str]:
        """What the dataloaders ran for the answer."""
        context = self.context(scope, planner=False)
        made = await answer(Operation(query, variables), context)
        assert made.execution == "resolved", made
        assert not made.errors, made.errors
        assert context.loaders is not None
        return context.loaders.statements
