"""Holding all that customers have, before any of it goes over to another one.

All writers lock in one order: events, orders, customers, uses of promos, campaigns, balances (`orders/following.py`).
Whoever moves all of a customer at once locks what there is of these in that order first, and moves it then. Some
writers meet a customer only by the foreign key of a row they insert, with campaigns or balances held; so whoever moves
waits for nobody longer than PostgreSQL takes to look for a deadlock, lets go of everything instead, and tries again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from app.db.database import Transaction

Done = TypeVar("Done")
TRIES = 12
_PAUSE_S = 0.05
# Less than `deadlock_timeout`, which is a second: so the others go on, and we give way.
_BRIEFLY = "SET LOCAL lock_timeout = '400ms'"
_AS_LONG_AS_IT_TAKES = "SET LOCAL lock_timeout TO DEFAULT"
_HOLD_EVENTS = """
SELECT FROM event WHERE group_id = $1 AND customer_id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_HOLD_ORDERS = """
SELECT FROM customer_order WHERE group_id = $1 AND customer_id = ANY ($2) ORDER BY reference FOR NO KEY UPDATE
"""
# No row may come to be that names them, meanwhile.
_HOLD_CUSTOMERS = "SELECT FROM customer WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE"
_HOLD_REDEMPTIONS = """
SELECT FROM promo_redemption WHERE group_id = $1 AND customer_id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_HOLD_USES = """
SELECT FROM promo_usage WHERE group_id = $1 AND customer_id = ANY ($2)
 ORDER BY promo_id, customer_id FOR NO KEY UPDATE
"""
_HOLD_CAMPAIGNS = """
SELECT FROM campaign c
 WHERE c.group_id = $1
   AND c.id IN (SELECT p.campaign_id FROM reward_participant p WHERE p.group_id = $1 AND p.customer_id = ANY ($2)
                UNION
                SELECT v.campaign_id FROM reward_evaluation v WHERE v.group_id = $1 AND v.customer_id = ANY ($2))
 ORDER BY c.id FOR NO KEY UPDATE
"""
_HOLD_BALANCES = """
SELECT FROM reward_balance WHERE group_id = $1 AND customer_id = ANY ($2)
 ORDER BY customer_id, partner_id, currency FOR NO KEY UPDATE
"""
_IN_ORDER = (
    _HOLD_EVENTS, _HOLD_ORDERS, _HOLD_CUSTOMERS, _HOLD_REDEMPTIONS, _HOLD_USES, _HOLD_CAMPAIGNS, _HOLD_BALANCES,
)  # fmt: skip


async def hold_all(tx: Transaction, customers: Sequence[int]) -> None:
    """Lock these customers and what they have."""
    for statement in _IN_ORDER:
        await tx.fetch(statement, tx.scope.group_id, customers)


async def giving_way(tx: Transaction, do: Callable[[], Awaitable[Done]]) -> Done:
    """What `do` does, from the start again where others hold what it needs; the last error where they all do."""
    attempt = 1
    while True:
        try:
            async with tx.savepoint():
                await tx.execute(_BRIEFLY)
                done = await do()
                await tx.execute(_AS_LONG_AS_IT_TAKES)
                return done
        except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
            if attempt == TRIES:
                raise
        await asyncio.sleep(_PAUSE_S * attempt)
        attempt += 1


__all__ = ["giving_way", "hold_all"]
