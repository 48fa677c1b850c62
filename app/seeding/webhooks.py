"""The demonstration groups' connections to webhook providers."""

from datetime import datetime, timedelta
from typing import Any

from app.auth.webhooks.connections import create_connection, rotate_connection
from app.auth.webhooks.sealing import SecretBox
from app.db.database import Database
from app.tables.webhooks import Provider
from app.values.scope import Scope

_LIVE = """
SELECT id, sealed FROM webhook_connection
 WHERE group_id = $1 AND provider = $2 AND status = 'connected' ORDER BY id
"""
# What they have sent so far; Mailchimp and HubSpot have sent nothing yet.
_HISTORY = """
INSERT INTO webhook_provider (group_id, provider, created_at, events_received, events_ignored, last_event_at)
VALUES ($1, 'sendgrid', $2, 15420, 312, $3), ($1, 'twilio', $2, 8920, 0, $3)
ON CONFLICT (group_id, provider) DO NOTHING
"""


async def webhook_history(connection: Any, group_id: int, *, now: datetime) -> None:
    """Counters as in the API's own example. The connection is inside the group."""
    await connection.execute(_HISTORY, group_id, now - timedelta(days=90), now - timedelta(hours=2))


async def webhook_secrets(db: Database, secret_key: str, group_id: int, *, now: datetime) -> dict[str, str]:
    """By provider, the secret its deliveries are signed with in the documented way. Makes missing connections."""
    box = SecretBox(secret_key)
    by_provider: dict[str, str] = {}
    async with db.transaction(Scope(group_id)) as tx:
        for provider in Provider:
            live = await tx.fetch(_LIVE, group_id, provider)
            opened = [box.open(row["sealed"]) for row in live]
            known = next((secrets.own for secrets in opened if secrets), None)
            if known is None and live:
                # Sealed with another SECRET_KEY: nobody can use it any more.
                known = (await rotate_connection(tx, box, live[0]["id"], now=now)).secret
            elif known is None:
                known = (await create_connection(tx, box, provider=provider, now=now)).secret
            assert known is not None
            by_provider[provider.value] = known
    return by_provider
