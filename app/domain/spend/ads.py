"""Making ad campaigns: for a store, with an objective, capped or not. Source: Criteo, "Create a campaign"."""

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.settable import needed, optional
from app.domain.spend.operations import begin_limit
from app.domain.spend.rules import UNCHANGED, AskedLimit, first_limit
from app.errors import Invalid, NotFound
from app.tables.campaigns import Objective

OBJECTIVES = (Objective.ACQUISITION, Objective.RETENTION)
"""What a new ad campaign can be for; older ones may have none (CR-15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdCampaign:
    """An order."""

    name: str = needed("What the campaign is called, 1 to 255 characters.")
    store_id: int = needed("Whose it is.", refers=("store", "store"))
    objective: Objective = needed("ACQUISITION or RETENTION.")
    limit: AskedLimit = optional(
        "How much it may spend; uncapped unless given.",
        name="spend_limit",
        default=UNCHANGED,
        null=UNCHANGED,
    )


_STORE = """
SELECT store.id, store.unavailable_features AS without, customer_group.currency
  FROM store JOIN customer_group ON customer_group.id = store.group_id
 WHERE store.group_id = $1 AND store.deleted_at IS NULL AND store.id = $2 AND ($3::bigint IS NULL OR store.id = $3)
"""


async def create_ad_campaign(tx: Transaction, order: AdCampaign, *, now: datetime) -> int:
    """Make the campaign, a draft until somebody activates it, with its spend limit; its id."""
    if order.objective not in OBJECTIVES:
        raise Invalid("A new ad campaign has the objective ACQUISITION or RETENTION.", path=["objective"])
    row = await tx.fetchrow(_STORE, tx.scope.group_id, order.store_id, tx.scope.store_id)
    if row is None:
        raise NotFound("store", order.store_id, path=["storeId"])
    limit = first_limit(order.limit, without=row["without"], currency=row["currency"])
    fields = CampaignFields(name=order.name, objective=order.objective)
    made = await create_campaign(tx, fields, store_id=row["id"], now=now)
    await begin_limit(tx, made, limit, now=now)
    return made
