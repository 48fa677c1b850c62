"""The promo that a message campaign names when it is created.

Source: Marketing & CRM API, "Create Campaign" (`promo_code`, `promo_discount_percent`), and choice CRM-C8.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CAMPAIGN_BORDERS, PROMO_BORDERS, borders
from app.domain.promos.fields import PromoFields, promo_code
from app.domain.promos.operations import create_promo, link_campaign
from app.domain.promos.terms import HUNDRED, PromoType
from app.errors import Conflict, Invalid, NotFound
from app.values.codes import code_key
from app.values.scope import ScopeShape

_CAMPAIGN = f"""
SELECT starts_at, ends_at FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
"""
# Locked, so that the promo that is compared is the one that is linked.
_SAME_CODE = f"""
SELECT promo.id, promo.type, promo.value, promo.currency, promo.campaign_id, promo.follows_campaign,
       promo.valid_from, promo.valid_until
  FROM promo WHERE {PROMO_BORDERS} AND promo.code_key = $4 AND promo.deleted_at IS NULL FOR NO KEY UPDATE OF promo
"""


async def promo_for_campaign(
    tx: Transaction, campaign_id: int, *, code: str, discount_percent: Decimal | None, now: datetime
) -> int:
    """The promo of this code, now the campaign's; its id.

    A new code becomes a percentage promo that follows the campaign. An existing code with the same discount (or where
    none is given) is linked; one that belongs to other campaigns already belongs to this one, too, and covers its time.
    A code with another discount, or with dates of its own that never meet the campaign's, is a Conflict,
    `PROMO_CODE_EXISTS`. Paths are `promoCode`, `promoDiscountPercent`.
    """
    typed = promo_code(code, ["promoCode"])
    code = code_key(typed)
    if discount_percent is not None:
        discount_percent = inputs.amount(discount_percent, ["promoDiscountPercent"])
    if discount_percent is not None and discount_percent > HUNDRED:
        raise Invalid(
            "A percentage lies between 0 and 100.",
            path=["promoDiscountPercent"],
            code="INVALID_PERCENTAGE",
        )
    campaign = await tx.fetchrow(_CAMPAIGN, *borders(tx.scope), campaign_id)
    if campaign is None:
        raise NotFound("campaign", campaign_id, path=["campaignId"])
    promo = await tx.fetchrow(_SAME_CODE, *borders(tx.scope), code)
    if promo is None:
        if discount_percent is None:
            raise Invalid(
                f"There is no promo {code} yet; say its discount, too.",
                path=["promoDiscountPercent"],
                code="DISCOUNT_MISSING",
            )
        fields = PromoFields(
            code=typed,
            type=PromoType.PERCENTAGE,
            value=discount_percent,
            campaign_id=campaign_id,
            follows_campaign=True,
        )
        try:
            return await create_promo(tx, fields, now=now)
        except Conflict as conflict:
            # It is out of this scope and cannot be linked from here.
            conflict.path = ["promoCode"]
            raise
    same = promo["type"] == PromoType.PERCENTAGE and promo["value"] == discount_percent
    if discount_percent is not None and not same:
        is_ = f"{promo['value'].normalize():f}" + ("%" if promo["type"] == PromoType.PERCENTAGE else "")
        raise Conflict(
            f"There is a promo {code} with another discount already ({promo['type']} {is_}).",
            path=["promoCode"],
            code="PROMO_CODE_EXISTS",
        )
    if not _meet(promo, campaign):
        raise Conflict(
            f"There is a promo {code} already, and its own dates are never in the campaign's time.",
            path=["promoCode"],
            code="PROMO_CODE_EXISTS",
        )
    # What belongs to the whole group is not for a part of it to take.
    if promo["campaign_id"] is not None or tx.scope.shape is ScopeShape.GROUP:
        await link_campaign(tx, promo, campaign_id, now=now, path=["promoCode"])
    return int(promo["id"])


def _meet(promo: Any, campaign: Any) -> bool:
    """Whether a promo's own window and a campaign's have a moment in common."""
    starts = [one for one in (promo["valid_from"], campaign["starts_at"]) if one is not None]
    ends = [one for one in (promo["valid_until"], campaign["ends_at"]) if one is not None]
    return not starts or not ends or max(starts) < min(ends)
