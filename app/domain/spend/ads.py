"""Making ad campaigns: for a store, with an objective, capped or not. Source: Criteo, "Create a campaign"."""

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.settable import IdText, needed, optional
from app.domain.spend.operations import begin_limit, number_in
from app.domain.spend.rules import UNCHANGED, AskedLimit, first_limit
from app.errors import Invalid, NotFound
from app.tables.campaigns import Objective

OBJECTIVES = (Objective.ACQUISITION, Objective.RETENTION)
"""What a new ad campaign can be for; older ones may have none (CR-15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdCampaign:
    """An order."""

    name: str = needed("What the campaign is called, 1 to 255 characters.")
    store: IdText = needed("Whose it is: the store's id, its number alone, or the id it was imported with.")
    objective: Objective = needed("ACQUISITION or RETENTION.")
    limit: AskedLimit = optional(
        "How much it may spend; uncapped unless given.",
        name="spend_limit",
        default=UNCHANGED,
        null=UNCHANGED,
    )


_STORE = """
SELECT id, unavailable_features AS without FROM store
 WHERE group_id = $1 AND deleted_at IS NULL AND (external_id = $3 OR id = $2)
   AND ($4::bigint IS NULL OR id = $4)
 ORDER BY external_id = $3 DESC NULLS LAST LIMIT 1
"""


async def create_ad_campaign(
    tx: Transaction, order: AdCampaign, *, numbered: bool = False, now: datetime
) -> int:
    """Make the campaign, a draft until somebody activates it, with its spend limit; its id.

    `numbered`: the store is named by number or imported id, see `operations.number_in`.
    """
    if order.objective not in OBJECTIVES:
        raise Invalid("A new ad campaign has the objective ACQUISITION or RETENTION.", path=["objective"])
    ident = number_in("store", order.store, numbered=numbered)
    row = await tx.fetchrow(_STORE, tx.scope.group_id, ident, order.store, tx.scope.store_id)
    if row is None:
        raise NotFound("store", order.store, path=["store"])
    limit = first_limit(order.limit, without=row["without"])
    fields = CampaignFields(name=order.name, objective=order.objective)
    made = await create_campaign(tx, fields, store_id=row["id"], now=now)
    await begin_limit(tx, made, limit, now=now)
    return made
