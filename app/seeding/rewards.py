"""What the demonstration groups' customers earned and redeemed, through the gateway's own evaluator."""

from datetime import datetime, timedelta
from random import Random

from app.db.database import Database
from app.domain.rewards.naming import add_attribute
from app.domain.rewards.occurrences import Occurrence
from app.domain.rewards.processing import process
from app.domain.rewards.tiers import RewardTierFields, save_tiers
from app.tables.rewards import RewardAttributeKind
from app.values.scope import Scope

CUSTOMERS = 150
"""How many customers' purchases are reported."""
_CUSTOMERS = "SELECT id FROM customer WHERE group_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"
# Those that earn first, so that there is something to redeem.
_CAMPAIGNS = """
SELECT id FROM campaign
 WHERE group_id = $1 AND reward_type IN (1, 2) AND status = 'active' AND NOT is_template AND deleted_at IS NULL
 ORDER BY reward_type, id
"""
_ITEMS: tuple[list[str], ...] = (["set-01"], ["tuesday"], ["card"], [])


_TIERS = (
    RewardTierFields(name="silver", threshold=500),
    RewardTierFields(name="gold", threshold=1_500, window_days=180),
)


async def write_rewards(db: Database, group_id: int, *, slug: str, now: datetime) -> None:
    """Report purchases and new customers to each running reward campaign; declare an attribute of the group's own."""
    chance = Random(f"{slug} rewards")  # noqa: S311 - made-up purchases
    async with db.transaction(Scope(group_id)) as tx:
        await add_attribute(tx, type_code=2, attribute=1000, name="gift", kind=RewardAttributeKind.FLAG)
        await save_tiers(tx, _TIERS, now=now)
        customers = [row["id"] for row in await tx.fetch(_CUSTOMERS, group_id, CUSTOMERS)]
        happened = [_happened(at, customer, chance, now) for at, customer in enumerate(customers)]
        for row in await tx.fetch(_CAMPAIGNS, group_id):
            await process(tx, [(row["id"], one) for one in happened], now=now)


def _happened(at: int, customer: int, chance: Random, now: datetime) -> Occurrence:
    transaction = {"amount": chance.randrange(500, 12_000), "items": chance.choice(_ITEMS)}
    registered = at % 5 == 4
    return Occurrence(
        reference=f"demonstration {at}",
        trigger_code=2 if registered else 1,
        customer_id=customer,
        occurred_at=now - timedelta(hours=chance.randrange(1, 240)),
        transaction={} if registered else transaction,
    )
