"""The promo that a message campaign names when it is created.

Source: Marketing & CRM API, "Create Campaign" (`promo_code`, `promo_discount_percent`), and choice CRM-C8.
"""

from datetime import date, datetime
from decimal import Decimal

from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CAMPAIGN_BORDERS, PROMO_BORDERS, borders
from app.domain.promos.fields import PromoFields, promo_code
from app.domain.promos.operations import create_promo
from app.domain.promos.rules import HUNDRED, PromoType
from app.errors import Conflict, Invalid, NotFound
from app.values.instants import as_day_alone

_CAMPAIGN = f"""
SELECT starts_at, starts_on, ends_at, ends_on FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
"""
# Locked, so that the promo that is compared is the one that is linked.
_SAME_CODE = f"""
SELECT promo.id, promo.type, promo.value, promo.campaign_id FROM promo
 WHERE {PROMO_BORDERS} AND upper(promo.code) = $4 AND promo.deleted_at IS NULL FOR NO KEY UPDATE OF promo
"""
_LINK = """
UPDATE promo SET campaign_id = $3, updated_at = $4
 WHERE group_id = $1 AND id = $2 AND campaign_id IS NULL
"""


async def promo_for_campaign(
    tx: Transaction, campaign_id: int, *, code: str, discount_percent: Decimal | None, now: datetime
) -> int:
    """The promo of this code, now the campaign's; its id.

    A new code becomes a percentage promo with the campaign's window. An existing code with the same discount (or
    where none is given) is linked; one that belongs to another campaign already stays there and is shared. A
    code with another discount is a Conflict, `PROMO_CODE_EXISTS`. Paths are `promoCode`, `promoDiscountPercent`.
    """
    code = promo_code(code, ["promoCode"])
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
            code=code,
            type=PromoType.PERCENTAGE,
            value=discount_percent,
            valid_from=_edge(campaign["starts_on"], campaign["starts_at"]),
            valid_until=_edge(campaign["ends_on"], campaign["ends_at"]),
            campaign_id=campaign_id,
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
    if tx.scope.store_id is None and tx.scope.project_ids is None:
        await tx.execute(_LINK, tx.scope.group_id, promo["id"], campaign_id, now)
    return int(promo["id"])


def _edge(day: date | None, instant: datetime | None) -> datetime | None:
    return instant if day is None else as_day_alone(day)
