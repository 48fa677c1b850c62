"""Message campaigns, made in one go: content, segment, schedule and promo."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.messages import create_message_campaign
from app.graph.declaring.described import object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.scalars import Decimal
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, given, given_id, optional, own_id, writes
from app.graph.inputs.campaigns import OBJECTS
from app.graph.types.campaigns import Campaign
from app.graph.types.promos import Promo


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


@input_for(
    CampaignFields,
    only=(
        "name", "type", "channels", "subject", "body", "cta_text", "cta_url",
        "starts_on", "starts_at", "ends_on", "ends_at",
    ),
    required=("name", "type", "channels"),
    objects=OBJECTS,
    texts={
        "type": "What it is for.",
        "channels": "What it is sent through, such as email; at least one.",
    },
    first=(
        "name", "type", "channels", "segment_id", "content", "starts_on", "starts_at", "ends_on", "ends_at",
        "promo_code", "promo_discount_percent", "store_id",
    ),
)  # fmt: skip
class MessageCampaignCreateInput:
    """A message campaign. Its dates say whether it is a draft, scheduled, active or over."""

    segment_id: strawberry.ID = strawberry.field(description="Whom it speaks to.")
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
    made = await create_message_campaign(
        tx,
        entry_of(CampaignFields, input),
        segment_id=own_id(input.segment_id, "seg", "segment", "segmentId"),
        promo_code=given(input.promo_code),
        promo_discount_percent=given(input.promo_discount_percent),
        store_id=given_id(input.store_id, "store", "store", "storeId"),
        draft=input.draft,
        now=info.context.now,
    )
    promo = None if made.promo_id is None else await shown(info, tx, "Promo", made.promo_id)
    return MessageCampaignPayload(campaign=await shown(info, tx, "Campaign", made.campaign_id), promo=promo)
