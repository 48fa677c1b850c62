"""Message campaigns: aimed at a segment, with their content, their schedule and the promo they carry.

Source: Marketing & CRM API, "Create Campaign", and choice CRM-C8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.promos.linking import promo_for_campaign
from app.domain.segments.finding import segment_named
from app.errors import Invalid
from app.tables.campaigns import CampaignType
from app.values.changes import UNSET, Settable


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCampaign:
    """An order. Absent and null mean the same."""

    name: str
    type: CampaignType
    channels: Sequence[str]
    segment: str
    """As the graph shows its id, or the id it was imported with."""
    subject: str | None = None
    body: str | None = None
    cta_text: str | None = None
    cta_url: str | None = None
    starts_on: date | None = None
    starts_at: datetime | None = None
    ends_on: date | None = None
    """Inclusive."""
    ends_at: datetime | None = None
    """Exclusive."""
    promo_code: str | None = None
    promo_discount_percent: Decimal | None = None
    external_id: Settable[str] = UNSET


class MessageCampaignIds(NamedTuple):
    """What an order made, or linked."""

    campaign_id: int
    promo_id: int | None


async def create_message_campaign(
    tx: Transaction,
    order: MessageCampaign,
    *,
    store_id: int | None = None,
    draft: bool = False,
    now: datetime,
) -> MessageCampaignIds:
    """The campaign, and its promo where one is named. Its schedule decides its status (CRM-29).

    Store: the one named, else the scope's, else the group's default.
    """
    if not order.channels:
        raise Invalid("`channels` is empty; name at least one, like email.", path=["channels"])
    if order.promo_code is None and order.promo_discount_percent is not None:
        raise Invalid(
            "`promoDiscountPercent` is the discount of a promo; name its code too.",
            path=["promoCode"],
            code="PROMO_CODE_MISSING",
        )
    fields = CampaignFields(
        name=order.name,
        type=order.type,
        channels=order.channels,
        segment_id=await segment_named(tx, order.segment, "segmentId"),
        subject=order.subject,
        body=order.body,
        cta_text=order.cta_text,
        cta_url=order.cta_url,
        starts_on=order.starts_on or UNSET,
        starts_at=order.starts_at or UNSET,
        ends_on=order.ends_on or UNSET,
        ends_at=order.ends_at or UNSET,
        external_id=order.external_id,
    )
    made = await create_campaign(tx, fields, store_id=store_id, draft=draft, now=now)
    if order.promo_code is None:
        return MessageCampaignIds(made, None)
    promo_id = await promo_for_campaign(
        tx, made, code=order.promo_code, discount_percent=order.promo_discount_percent, now=now
    )
    return MessageCampaignIds(made, promo_id)
