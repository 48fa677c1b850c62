"""Telling the worker that a campaign may be due sooner than it thinks."""

from app.db.database import Transaction

CHANNEL = "campaign_due"

# Sent with the COMMIT, and once per transaction however often it is called.
_TELL = "SELECT pg_notify($1, $2)"


async def tell_worker(tx: Transaction) -> None:
    """Have the worker look at this group after COMMIT. Only a hint: it would find the change by itself later."""
    await tx.fetchval(_TELL, CHANNEL, str(tx.scope.group_id))
