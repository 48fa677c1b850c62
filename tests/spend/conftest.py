"""A group with a store in Paris, asked through the graph."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.graph.running.entry import Answer, Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import campaigns, groups
from tests.given.asking import Asker
from tests.given.groups import GivenGroup

NOON = datetime(2025, 6, 15, 10, tzinfo=UTC)
"""In Paris."""


@dataclass(frozen=True)
class Desk:
    """Somebody of a group who asks and changes, at a time of the test's choice."""

    asker: Asker
    group: GivenGroup
    scope: Scope

    @property
    def db(self) -> Database:
        """The database behind it."""
        return self.asker.db

    async def ask(
        self,
        query: str,
        *,
        now: datetime = NOON,
        planner: bool = True,
        role: Role = Role.WRITE,
        **variables: Any,
    ) -> Answer:
        """Any operation."""
        context = self.asker.context(self.scope, planner=planner, roles=frozenset({role}))
        context.now = now
        return await answer(Operation(query, variables), context)

    async def data(self, query: str, **more: Any) -> Any:
        """The data of a good answer."""
        found = await self.ask(query, **more)
        assert not found.errors, found.errors
        assert found.data is not None
        return msgspec.json.decode(found.data)

    async def update(self, *items: Any, now: datetime = NOON, **more: Any) -> Any:
        """`adCampaignsUpdate`."""
        given = {"items": list(items), **more}
        found = await self.data(UPDATE, now=now, input=given)
        return found["adCampaignsUpdate"]

    async def campaign(self, **fields: Any) -> int:
        """A campaign."""
        return await campaigns.campaign(self.db, self.group.scope, now=NOON, **fields)

    async def limit(self, it: int, *, now: datetime = NOON, planner: bool = True) -> Any:
        """All that is shown of a campaign's limit."""
        found = await self.data(LIMIT, id=f"camp_{it}", now=now, planner=planner)
        return found["campaign"]["spendLimit"]

    def narrowed(self, scope: Scope) -> "Desk":
        """The same group under another scope."""
        return replace(self, scope=scope)


UPDATE = """
mutation ($input: AdCampaignsUpdateInput!) { adCampaignsUpdate(input: $input) {
  errors { code } campaigns { id objective spendLimit { amount { amount } } }
  outcomes { index id isDone effectiveFrom errors { code message path } } } }
"""
LIMIT = """
query ($id: ID!) { campaign(id: $id) { spendLimit {
  type renewal amount { amount currency } pendingAmount { amount } pendingRenewal effectiveFrom
  spentInPeriod { amount currency } planned { amount }
  remaining { amount } pacing { perDay { amount } capReachedOn } } } }
"""


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """Asks this module's database."""
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


@pytest.fixture
async def desk(asker: Asker) -> Desk:
    """A new group in Paris."""
    group = await groups.group(asker.db, time_zone="Europe/Paris")
    return Desk(asker, group, group.scope)


def capped(it: object, renewal: str, amount: object) -> dict[str, Any]:
    """An update to a cap."""
    return {"id": f"camp_{it}", "spendLimit": {"type": "CAPPED", "renewal": renewal, "amount": str(amount)}}
