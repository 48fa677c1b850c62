"""Making ad campaigns: for a store, with an objective, capped or not. Source: Criteo, "Create a campaign"."""

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.spend.operations import begin_limit, number_in
from app.domain.spend.rules import UNCHANGED, AskedLimit, first_limit
from app.errors import Invalid, NotFound
from app.tables.campaigns import Objective

OBJECTIVES = (Objective.ACQUISITION, Objective.RETENTION)
"""What a new ad campaign can be for; older ones may have none (CR-15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdCampaign:
    """An order."""

    name: str
    store: str
    """As the graph shows its id (`store_7`), its number alone, or the id it was imported with."""
    objective: Objective
    limit: AskedLimit = UNCHANGED
    numbered: bool = False
    """The store is named by number or imported id: see `operations.number_in`."""


_STORE = """
SELECT id, unavailable_features AS without FROM store
 WHERE group_id = $1 AND deleted_at IS NULL AND (external_id = $3 OR id = $2)
   AND ($4::bigint IS NULL OR id = $4)
 ORDER BY external_id = $3 DESC NULLS LAST LIMIT 1
"""


async def create_ad_campaign(tx: Transaction, order: AdCampaign, *, now: datetime) -> int:
    """Make the campaign, a draft until somebody activates it, with its spend limit; its id."""
    if order.objective not in OBJECTIVES:
        raise Invalid("A new ad campaign has the objective ACQUISITION or RETENTION.", path=["objective"])
    ident = number_in("store", order.store, numbered=order.numbered)
    row = await tx.fetchrow(_STORE, tx.scope.group_id, ident, order.store, tx.scope.store_id)
    if row is None:
        raise NotFound("store", order.store, path=["store"])
    limit = first_limit(order.limit, without=row["without"])
    fields = CampaignFields(name=order.name, objective=order.objective)
    made = await create_campaign(tx, fields, store_id=row["id"], now=now)
    await begin_limit(tx, made, limit, now=now)
    return made
