"""Making ad campaigns, and changing many spend limits at once, each by itself."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.spend.ads import AdCampaign, create_ad_campaign
from app.domain.spend.operations import Change, Changed, Outcome, change_limits
from app.domain.spend.rules import AskedLimit
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown, shown_all
from app.graph.declaring.scalars import DateTime
from app.graph.declaring.settable import entries_of, entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, rehearsal, told, writes
from app.graph.mutations.campaigns import CampaignPayload
from app.graph.types.campaigns import Campaign
from app.values.instants import show_instant


@object_type
class AdCampaignOutcome:
    """What became of one of many changes."""

    index: int = strawberry.field(description="Its place in the list, from 0.")
    id: strawberry.ID = strawberry.field(description="The campaign, as it was named.")
    is_done: bool = strawberry.field(description="Whether it was done, or would be; else errors say why not.")
    effective_from: DateTime | None = strawberry.field(
        default=None,
        description="Set: less than what is spent already, so the new limit waits for the period that starts then.",
    )
    errors: list[UserError] = errors_field()


@object_type
class AdCampaignsUpdatePayload:
    """What became of many changes."""

    outcomes: list[AdCampaignOutcome] = strawberry.field(
        default_factory=list,
        description="One for each change, in their order; one that fails hurts no other.",
    )
    campaigns: list[Campaign] | None = strawberry.field(
        default=None,
        description="Of the changes that are done, their campaigns as they are now, in this order.",
    )
    errors: list[UserError] = errors_field()


@input_for(AskedLimit)
class SpendLimitInput:
    """A spend limit; what is left out stays as it is. Of an uncapped one renewal and amount say nothing."""


@input_for(AdCampaign, entries={"limit": SpendLimitInput})
class AdCampaignCreateInput:
    """A new ad campaign."""

    validate_only: bool = strawberry.field(
        default=False,
        description="Say what is wrong with it, if anything, and make nothing: `campaign` is null.",
    )


@input_for(Change, entries={"limit": SpendLimitInput})
class AdCampaignChangeInput:
    """A change of an ad campaign; what is left out stays as it is."""


@input_type
class AdCampaignsUpdateInput:
    """Changes of ad campaigns, each done or refused for itself."""

    items: list[AdCampaignChangeInput] = strawberry.field(description="1,000 at most; each campaign once.")
    may_begin: bool = strawberry.field(
        default=False, description="Whether an uncapped campaign may get a cap; else that is refused."
    )
    validate_only: bool = strawberry.field(
        default=False, description="Say what would become of each, and change nothing."
    )


@writes(roles=WRITERS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[AdCampaignCreateInput, strawberry.argument(description="The campaign.")],
) -> CampaignPayload:
    """Makes an ad campaign with its spend limit, as a draft."""
    order = entry_of(AdCampaign, input)
    async with rehearsal(tx, only=input.validate_only):
        made = await create_ad_campaign(tx, order, now=info.context.now)
    if input.validate_only:
        return CampaignPayload()
    return CampaignPayload(campaign=await shown(info, tx, "Campaign", made))


@writes(roles=WRITERS)
async def update_many(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[AdCampaignsUpdateInput, strawberry.argument(description="The changes.")],
) -> AdCampaignsUpdatePayload:
    """Changes spend limits and objectives of many campaigns. A daily or monthly limit below what is spent already
    waits for the next period; a lifetime limit is not lowered below that.
    """
    changes = entries_of(Change, input.items, ["items"])
    async with rehearsal(tx, only=input.validate_only):
        outcomes = await change_limits(tx, changes, may_begin=input.may_begin, now=info.context.now)
    done = [outcome.campaign_id for outcome in outcomes if isinstance(outcome, Changed)]
    campaigns = await shown_all(info, tx, "Campaign", done)
    return AdCampaignsUpdatePayload(
        outcomes=[
            _outcome(at, change, outcome)
            for at, (change, outcome) in enumerate(zip(changes, outcomes, strict=True))
        ],
        campaigns=campaigns,
    )


def _outcome(at: int, change: Change, outcome: Outcome) -> AdCampaignOutcome:
    named: Any = change.campaign[:]  # a plain text, whatever was found of it
    if not isinstance(outcome, Changed):
        return AdCampaignOutcome(index=at, id=named, is_done=False, errors=told(outcome.why))
    waits = outcome.effective_from
    shown_at: Any = None if waits is None else show_instant(waits)
    return AdCampaignOutcome(index=at, id=named, is_done=True, effective_from=shown_at)
