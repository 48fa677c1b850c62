"""Message campaigns: aimed at a segment, with their content, their schedule and the promo they carry.

Source: Marketing & CRM API, "Create Campaign", and choice CRM-C8.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.promos.linking import promo_for_campaign
from app.errors import Invalid


class MessageCampaignIds(NamedTuple):
    """What an order made, or linked."""

    campaign_id: int
    promo_id: int | None


async def create_message_campaign(
    tx: Transaction,
    given: CampaignFields,
    *,
    segment_id: int,
    promo_code: str | None = None,
    promo_discount_percent: Decimal | None = None,
    store_id: int | None = None,
    draft: bool = False,
    now: datetime,
) -> MessageCampaignIds:
    """The campaign, and its promo where one is named. Its schedule decides its status (CRM-29).

    Store: the one named, else the scope's, else the group's default.
    """
    if not given.channels:
        raise Invalid("`channels` is empty; name at least one, like email.", path=["channels"])
    if promo_code is None and promo_discount_percent is not None:
        raise Invalid(
            "`promoDiscountPercent` is the discount of a promo; name its code too.",
            path=["promoCode"],
            code="PROMO_CODE_MISSING",
        )
    fields = replace(given, segment_id=segment_id)
    made = await create_campaign(tx, fields, store_id=store_id, draft=draft, now=now)
    if promo_code is None:
        return MessageCampaignIds(made, None)
    promo_id = await promo_for_campaign(
        tx, made, code=promo_code, discount_percent=promo_discount_percent, now=now
    )
    return MessageCampaignIds(made, promo_id)
