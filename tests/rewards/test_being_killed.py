"""kill -9 of a serving gateway: what was paid is in the ledger once, and everything adds up at every moment.

Clients do what theirs do: they send a reward again, by the same reference, until it is acknowledged.
`KILL_ROUNDS=10` by environment for more than the suite's two rounds.
"""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.settings import read_settings
from tests.given.rewards import CAP, Given
from tests.serving.process import data_folder, serving

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("KILL_ROUNDS", "2"))
CLIENTS = 8
LOAD_S = 2.0
SECRET = "k" * 40
PROCESS = """
mutation($input: RewardProcessInput!) {
  rewardProcess(input: $input) { errors { code message } evaluation { id amount } }
}
"""
KNOWN = "SELECT count(*), count(DISTINCT reference) FROM reward_evaluation WHERE group_id = $1"
REVERSE = "mutation($id: ID!) { rewardReverse(input: {id: $id}) { errors { code } evaluation { id } } }"


@dataclass
class Clients:
    """Who sends rewards for a campaign, and what was acknowledged: by reference the evaluation and its amount."""

    world: Given
    campaign: int
    headers: dict[str, str]
    paid: dict[str, tuple[str, int]] = field(default_factory=dict)

    async def send(self, http: httpx.AsyncClient, reference: str) -> dict[str, Any]:
        """Ask for a reward; the evaluation."""
        number = int(reference.rpartition("/")[2])
        asked = {
            "campaignId": f"camp_{self.campaign}",
            "reference": reference,
            "trigger": "SPEND",
            "customerId": f"cust_{self.world.customers[number % 3]}",
            "transaction": {"amount": 5},
        }
        made = (await self.ask(http, PROCESS, input=asked))["rewardProcess"]
        assert made["errors"] == []
        evaluation: dict[str, Any] = made["evaluation"]
        return evaluation

    async def ask(self, http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer."""
        body = {"query": query, "variables": variables}
        data: dict[str, Any] = (await http.post("/graphql", json=body, headers=self.headers)).json()["data"]
        return data

    async def until_killed(self, http: httpx.AsyncClient, name: str) -> None:
        """One after the other, every fifth one taken back, until nobody answers."""
        with suppress(httpx.TransportError):
            for number in range(10**6):
                made = await self.send(http, f"{name}/{number}")
                self.paid[f"{name}/{number}"] = (made["id"], made["amount"])
                if number % 5 == 4:
                    await self.ask(http, REVERSE, id=made["id"])


async def test_rewards_survive_a_gateway_that_is_killed(world: Given, database_url: str) -> None:
    campaign = await world.campaign(world.flow(10), goals=[(*CAP, 10**7)])
    with data_folder() as folder:
        settings = {"DATABASE_URL": database_url, "JWT_SECRET": SECRET, "WORKER_INLINE": "0"}
        token = Tokens(read_settings({"DATA_DIR": str(folder), **settings})).mint(
            subject="user:1", group_id=world.group_id, roles=[Role.MARKETING], now=datetime.now(UTC)
        )
        clients = Clients(world, campaign, {"Authorization": f"Bearer {token}"})
        for turn in range(ROUNDS):
            async with serving(folder, **settings) as gateway:
                load = [
                    asyncio.create_task(clients.until_killed(gateway.http, f"{turn}/{at}"))
                    for at in range(CLIENTS)
                ]
                await asyncio.sleep(LOAD_S)
                assert await gateway.stop(signal.SIGKILL) == -signal.SIGKILL
                await asyncio.gather(*load)
            # Whatever was under way is there whole or not at all.
            await world.check()
        known = tuple(await world.row(KNOWN))
        assert known[0] == known[1] >= len(clients.paid) > ROUNDS * CLIENTS
        async with serving(folder, **settings) as gateway:
            some = list(clients.paid.items())[:: max(1, len(clients.paid) // 50)]
            for reference, (ident, amount) in some:
                assert await clients.send(gateway.http, reference) == {"id": ident, "amount": amount}
        assert tuple(await world.row(KNOWN)) == known
        await world.check()
