"""Taking a reward back: the ledger gets the same lines again, negative; nothing is deleted."""

from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.rewards.booking import move_balances
from app.errors import NotFound
from app.values.ids import show_id

# The campaign's row first, like everybody who changes its books.
_LOCK = f"""
SELECT campaign.id FROM campaign
 WHERE {CAMPAIGN_BORDERS}
   AND campaign.id = (SELECT campaign_id FROM reward_evaluation WHERE group_id = $1 AND id = $4)
   FOR NO KEY UPDATE
"""
_REVERSED = """
UPDATE reward_evaluation SET reversed_at = $3
 WHERE group_id = $1 AND id = $2 AND reversed_at IS NULL
RETURNING customer_id, campaign_id, amount, inputs::jsonb #>> '{transaction,amount}' AS revenue
"""
_TAKEN_BACK = """
WITH next AS MATERIALIZED (SELECT nextval(pg_get_serial_sequence('reward_evaluation', 'id')) AS step)
INSERT INTO reward_entry
  (group_id, campaign_id, evaluation_id, customer_id, partner_id, kind, step, position, flow, action, amount,
   balance_change, currency, created_at)
SELECT e.group_id, e.campaign_id, e.evaluation_id, e.customer_id, e.partner_id, 'reversal', next.step, e.position,
       e.flow, e.action, -e.amount, -e.balance_change, e.currency, $3
  FROM reward_entry e CROSS JOIN next
 WHERE e.group_id = $1 AND e.evaluation_id = $2
RETURNING customer_id, partner_id, currency, balance_change
"""
_LESS_OFTEN = """
UPDATE reward_participant SET rewarded = rewarded - 1
 WHERE group_id = $1 AND campaign_id = $2 AND customer_id = $3
RETURNING rewarded
"""
_LESS = """
UPDATE campaign
   SET total_rewards = total_rewards - $3, reward_participants = reward_participants - $4,
       reward_transactions = reward_transactions - 1, reward_revenue = reward_revenue - $5
 WHERE group_id = $1 AND id = $2
"""


async def reverse(tx: Transaction, evaluation_id: int, *, now: datetime) -> int:
    """Take back what an evaluation paid; its id. Doing it twice changes nothing more.

    Conflict (`BALANCE_SPENT`) where the customer has redeemed it meanwhile.
    """
    campaign = await tx.fetchval(_LOCK, *borders(tx.scope), evaluation_id)
    if campaign is None:
        raise NotFound("evaluation", show_id("reward", evaluation_id), path=["id"])
    await reverse_held(tx, evaluation_id, campaign, now=now)
    return evaluation_id


async def reverse_held(tx: Transaction, evaluation_id: int, campaign: int, *, now: datetime) -> None:
    """The same, by somebody who holds the campaign and may."""
    group = tx.scope.group_id
    row: Any = await tx.fetchrow(_REVERSED, group, evaluation_id, now)
    if row is None or row["amount"] == 0:
        return
    entries = await tx.fetch(_TAKEN_BACK, group, evaluation_id, now)
    left = await tx.fetchval(_LESS_OFTEN, group, campaign, row["customer_id"])
    revenue = int(row["revenue"]) if (row["revenue"] or "").isdigit() else 0
    await tx.execute(_LESS, group, campaign, row["amount"], int(left == 0), revenue)
    moved: dict[tuple[int, int, str], int] = {}
    for entry in entries:
        account = (entry["customer_id"], entry["partner_id"], entry["currency"])
        moved[account] = moved.get(account, 0) + entry["balance_change"]
    await move_balances(tx, moved)
