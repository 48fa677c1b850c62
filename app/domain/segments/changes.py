"""Noting that facts about customers changed, so that the worker counts dynamic segments again."""

from app.db.database import Transaction

# A row per transaction: nobody waits for anybody, and what commits late is found late, but not lost.
_NOTE = "INSERT INTO audience_change (group_id) VALUES ($1)"


async def note_audience_change(tx: Transaction) -> None:
    """Must be called once by every transaction that writes facts a segment can ask about."""
    await tx.execute(_NOTE, tx.scope.group_id)
