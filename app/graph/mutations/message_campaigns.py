"""Message campaigns, ordered in one go: what they say, to whom, when, and with which promo."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.campaigns.messages import MessageCampaign, create_message_campaign
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import CampaignType
from app.graph.declaring.payloads import shown
from app.graph.declaring.scalars import Date, DateTime, Decimal
from app.graph.declaring.writing import UserError, errors_field, given, optional, reference, settable, writes
from app.graph.inputs.campaigns import CampaignContentInput
from app.graph.types.campaigns import Campaign
from app.graph.types.promos import Promo
from app.values.changes import sent


@object_type
class MessageCampaignPayload:
    """A message campaign that was made."""

    campaign: Campaign | None = strawberry.field(
        default=None, description="The campaign; null: errors say why nothing was done."
    )
    promo: Promo | None = strawberry.field(
        default=None, description="The promo it carries, made or found; null where none was named."
    )
    errors: list[UserError] = errors_field()


@input_type
class MessageCampaignCreateInput:
    """A message campaign. Its dates say whether it is a draft, scheduled, active or over."""

    name: str = strawberry.field(description="What the campaign is called, 1 to 255 characters.")
    type: CampaignType = strawberry.field(description="What it is for.")
    channels: list[str] = strawberry.field(
        description="What it is sent through, such as email; at least one."
    )
    segment_id: strawberry.ID = strawberry.field(
        description="Whom it speaks to: the segment's id, or the id it was imported with."
    )
    content: CampaignContentInput | None = optional("What it says.")
    starts_on: Date | None = optional("Its first day in the store's time zone; instead of startsAt.")
    starts_at: DateTime | None = optional("From when; instead of startsOn.")
    ends_on: Date | None = optional("Its last day, inclusive; instead of endsAt.")
    ends_at: DateTime | None = optional("Until when, exclusive; instead of endsOn.")
    promo_code: str | None = optional(
        "The promo it carries. A new code is made, for the campaign's time; one that is there with the same"
        " discount is linked; with another discount it is refused."
    )
    promo_discount_percent: Decimal | None = optional(
        "What a new promo takes off, 0 to 100 percent; what the one there must take off."
    )
    store_id: strawberry.ID | None = optional(
        "The store it belongs to; else the credential's, else the group's default store."
    )
    external_id: str | None = optional("Its id in the system it was imported from, unique in the group.")
    draft: bool = strawberry.field(
        default=False, description="Keep it a draft, also where its dates would schedule or start it."
    )


@writes(roles=WRITERS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[MessageCampaignCreateInput, strawberry.argument(description="The campaign.")],
) -> MessageCampaignPayload:
    """Makes a message campaign, and its promo where a new one is named: both or neither."""
    content: CampaignContentInput | None = given(input.content)
    order = MessageCampaign(
        name=input.name,
        type=input.type,
        channels=input.channels,
        segment=input.segment_id,
        subject=given(content.subject) if content else None,
        body=given(content.body) if content else None,
        cta_text=given(content.cta_text) if content else None,
        cta_url=given(content.cta_url) if content else None,
        starts_on=given(input.starts_on),
        starts_at=given(input.starts_at),
        ends_on=given(input.ends_on),
        ends_at=given(input.ends_at),
        promo_code=given(input.promo_code),
        promo_discount_percent=given(input.promo_discount_percent),
        external_id=settable(input.external_id),
    )
    store_id = sent(reference(input.store_id, "store", "store", "storeId"))
    made = await create_message_campaign(
        tx, order, store_id=store_id, draft=input.draft, now=info.context.now
    )
    promo = None if made.promo_id is None else await shown(info, tx, "Promo", made.promo_id)
    return MessageCampaignPayload(campaign=await shown(info, tx, "Campaign", made.campaign_id), promo=promo)
