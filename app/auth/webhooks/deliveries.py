"""From a provider's delivery to a principal: which connection's secret it was signed with.

On a connection's own URL there is one to try. On the documented bare path the tenant is the one whose secret
verifies, so each live connection of the provider is tried, up to `MAX_TRIES` of them.
"""

import asyncio
from datetime import datetime
from typing import Any

from app.auth.principal import Principal, Role
from app.auth.webhooks.sealing import SecretBox, Secrets
from app.auth.webhooks.signatures import Check, Delivery, check_of
from app.db.database import Database
from app.errors import NotFound, Unauthorized
from app.tables.webhooks import Provider
from app.values.scope import Scope

MAX_TRIES = 100
"""Connections tried on the bare path; beyond that many in all, providers must call their own URLs."""
MAX_TOKEN = 64
LOOKUPS = 4
"""How many are looked up at once: a flood of wrong ones leaves connections for the rest."""

_COLUMNS = "id, group_id, sealed, previous_sealed, previous_until, tolerance_s"
_BY_TOKEN = f"""
SELECT {_COLUMNS} FROM webhook_connection WHERE token = $1 AND provider = $2 AND status = 'connected'
"""
_OF_PROVIDER = f"""
SELECT {_COLUMNS} FROM webhook_connection WHERE provider = $1 AND status = 'connected' ORDER BY id LIMIT $2
"""


class Deliveries:
    """Finds out who sends a delivery. One per process."""

    def __init__(self, box: SecretBox, db: Database) -> None:
        self._box = box
        self._db = db
        self._turns = asyncio.Semaphore(LOOKUPS)

    async def authenticate(self, delivery: Delivery, *, now: datetime) -> Principal:
        """The connection it comes through, as a principal of its group with the role `webhook`.

        NotFound for an unknown provider; Unauthorized for everything else that is not valid, including an unknown
        token. Nothing is stored.
        """
        provider = read_provider(delivery.provider)
        check = check_of(delivery, provider)
        holding = [row for row in await self._rows(delivery, provider) if self._held(row, check, now)]
        fresh = [row for row in holding if check.is_fresh(row["tolerance_s"], now=now)]
        if holding and not fresh:
            seconds = max(row["tolerance_s"] for row in holding)
            raise Unauthorized(f"The delivery's timestamp is more than {seconds} seconds away from now.")
        signers = {row["group_id"]: row["id"] for row in fresh}
        if len(signers) != 1:
            # Two groups share a secret: only their own URLs can tell which of them is meant.
            raise Unauthorized(
                "The signature does not hold."
                if not signers
                else "The signature holds for several connections; call the connection's own URL."
            )
        [(group_id, connection_id)] = signers.items()
        return Principal(f"webhook:{connection_id}", Scope(group_id), frozenset({Role.WEBHOOK}), "webhook")

    async def _rows(self, delivery: Delivery, provider: Provider) -> list[Any]:
        async with self._turns, self._db.directory() as directory:
            if delivery.token is None:
                return list(await directory.fetch(_OF_PROVIDER, provider, MAX_TRIES))
            if not (
                len(delivery.token) <= MAX_TOKEN and delivery.token.isascii() and delivery.token.isprintable()
            ):
                return []
            return list(await directory.fetch(_BY_TOKEN, delivery.token, provider))

    def _held(self, row: Any, check: Check, now: datetime) -> bool:
        live: list[Secrets | None] = [self._box.open(row["sealed"])]
        if row["previous_until"] is not None and now < row["previous_until"]:
            live.append(self._box.open(row["previous_sealed"]))
        return any([check.holds(secrets) for secrets in live if secrets is not None])


def read_provider(text: str) -> Provider:
    """The provider of this name; NotFound names those there are."""
    try:
        return Provider(text)
    except ValueError:
        raise NotFound("webhook provider", text, path=["provider"]) from None
