"""A group whose customers providers tell something about, and what is known of writing to them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from app.auth.principal import Role
from app.db.database import Database
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.graph.running.entry import Operation, answer
from app.values.scope import Scope
from tests.given import groups
from tests.given.asking import NOW, Asker
from tests.given.webhooks import Connected, connection, documented, post

FORM = "application/x-www-form-urlencoded"

REACHABLE = """
query ($id: ID!, $channel: ContactChannel!, $list: String) {
  customer(id: $id) { emailConsent smsConsent reachable(channel: $channel, list: $list) {
    isReachable reason since source list
  } }
}
"""


@dataclass(frozen=True)
class Audience:
    """A group, its connections by provider, and somebody who asks."""

    db: Database
    asker: Asker
    scope: Scope
    connections: dict[str, Connected] = field(default_factory=dict)

    async def told(self, provider: str, body: object, *, now: datetime = NOW) -> dict[str, Any]:
        """A delivery of a provider: a form where it is Mailchimp's or Twilio's, else JSON."""
        if provider not in self.connections:
            self.connections[provider] = await connection(self.db, self.scope.group_id, provider)
        mine = self.connections[provider]
        if provider in ("mailchimp", "twilio") and isinstance(body, Mapping):
            made = documented(mine, urlencode(body).encode(), at=now)
            made = replace(made, headers={**made.headers, "content-type": FORM})
        else:
            made = documented(mine, body, at=now)
        return await post(self.asker, made, now=now)

    async def customer(self, *, now: datetime = NOW, **values: Any) -> str:
        """Made or changed; its id as the graph shows it."""
        async with self.db.transaction(self.scope) as tx:
            done = await upsert_customers(tx, [CustomerEntry(**values)], now=now)
        return f"cust_{done.ids[0]}"

    async def reach(self, customer: str, channel: str = "EMAIL", list: str | None = None) -> dict[str, Any]:
        """Whether it can be reached, the same planned and resolved."""
        planned, resolved = await self.asker.both(
            self.scope, REACHABLE, id=customer, channel=channel, list=list
        )
        assert planned.execution == "planned"
        assert planned.data == resolved.data
        assert planned.data is not None
        found: dict[str, Any] = json.loads(planned.data)["customer"]
        told: dict[str, Any] = found.pop("reachable")
        return told | found

    async def write(self, document: str, **variables: Any) -> Any:
        """A mutation's payload."""
        context = self.asker.context(self.scope, roles=frozenset({Role.WRITE, Role.PERSONAL_DATA}))
        made = await answer(Operation(document, variables), context)
        assert not made.errors, made.errors
        assert made.data is not None
        return next(iter(json.loads(made.data).values()))


async def audience(asker: Asker) -> Audience:
    """A group of its own."""
    group = await groups.group(asker.db)
    return Audience(asker.db, asker, group.scope)


def ago(**since: float) -> datetime:
    """A moment before now."""
    return NOW - timedelta(**since)


def unix(moment: datetime) -> int:
    """As SendGrid tells it."""
    return int(moment.timestamp())
