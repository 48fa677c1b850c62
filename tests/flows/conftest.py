"""A group with a reward campaign and a partner, and somebody who writes to it through the graph."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import campaigns, groups
from tests.given.asking import Asker
from tests.given.groups import GivenGroup


@dataclass(frozen=True)
class Programme:
    """A reward campaign of a group of its own."""

    given: GivenGroup
    campaign_id: int
    partner_id: int
    asker: Asker

    @property
    def camp(self) -> str:
        """The campaign's id as the graph shows it."""
        return f"camp_{self.campaign_id}"

    @property
    def part(self) -> str:
        """The partner's."""
        return f"part_{self.partner_id}"

    async def ask(self, query: str, *, scope: Scope | None = None, **variables: Any) -> dict[str, Any]:
        """The data of a good answer."""
        context = self.asker.context(scope or self.given.scope, roles=frozenset({Role.MARKETING}))
        made = await answer(Operation(query, variables), context)
        assert not made.errors, made.errors
        data: dict[str, Any] = json.loads(made.body)["data"]
        return data


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """Asks this module's database."""
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


@pytest.fixture
async def programme(db: Database, asker: Asker) -> Programme:
    """A live campaign that rewards, without flows."""
    given = await groups.group(db)
    partner = await campaigns.partner(db, given.group_id)
    made = await campaigns.campaign(
        db, given.scope, reward_type=1, partner_id=partner, starts_at=campaigns.NOON
    )
    return Programme(given, made, partner, asker)
