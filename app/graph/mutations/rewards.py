"""Paying rewards, taking them back, and giving attributes a number."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.days import settle_days
from app.domain.rewards import reevaluating, tiers
from app.domain.rewards.naming import add_attribute
from app.domain.rewards.processing import process
from app.domain.rewards.reversing import reverse
from app.domain.rewards.tiers import RewardTierFields
from app.errors import NotFound
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import AttributeOwner, Reconsidered, RewardAttributeKind
from app.graph.declaring.payloads import shown, shown_all
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.scalars import DateTime, Long
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import (
    UserError,
    errors_field,
    given,
    given_id,
    optional,
    own_id,
    writes,
)
from app.graph.inputs.rewards import RewardTriggerInput, occurrence_of
from app.graph.resolved.rewards import RewardAttribute, shown_attribute
from app.graph.types.rewards import RewardEvaluation, RewardReevaluation, RewardTier
from app.values.ids import read_uuid


@object_type
class RewardPayload:
    """What was evaluated for a reward."""

    evaluation: RewardEvaluation | None = strawberry.field(
        default=None, description="The evaluation as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class RewardAttributePayload:
    """An attribute that was added."""

    attribute: RewardAttribute | None = strawberry.field(
        default=None, description="The attribute; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class RewardProcessInput(RewardTriggerInput):
    """Something that happened to a customer, to be rewarded once."""

    campaign_id: strawberry.ID = strawberry.field(description="The reward campaign.")
    reference: str = strawberry.field(
        description="The caller's own name for what happened, such as the order's number: the same one is the same"
        " thing, and is rewarded once per campaign. Of a purchase it is the order's `reference`: by it refunds find"
        " what was paid."
    )


@input_type
class RewardReverseInput:
    """A reward to take back."""

    id: strawberry.ID = strawberry.field(description="The evaluation.")
    in_all: Long | None = strawberry.field(
        default=None,
        description="How much of it shall be taken back in all, counting what was taken back before, in the smallest"
        " currency unit; everything unless said. The same again changes nothing.",
    )


@input_type
class RewardAttributeCreateInput:
    """An attribute of the group's own."""

    type: AttributeOwner = strawberry.field(description="Whose it is.")
    attribute: Long = strawberry.field(description="Its number, from 1000 on.")
    name: str = strawberry.field(
        description="The key under which its value comes: among a customer's attributes, in an event's data, or with"
        " the trigger."
    )
    kind: RewardAttributeKind = strawberry.field(description="What values it has.")


@object_type
class RewardsReevaluatePayload:
    """What is judged again."""

    reevaluations: list[RewardReevaluation] = strawberry.field(
        default_factory=list,
        description="One for each campaign; empty: errors say why nothing was done.",
    )
    errors: list[UserError] = errors_field()


@input_type
class RewardsReevaluateInput:
    """An event, or a campaign and a stretch of time, of which decisions are to be judged again."""

    event_id: strawberry.ID | None = optional(
        "One event: in every campaign that evaluated it, or in `campaignId`."
    )
    campaign_id: strawberry.ID | None = optional("The reward campaign.")
    since: DateTime | None = optional("Of what happened from here on; a day alone is its beginning.")
    until: DateTime | None = optional("Of what happened before; a day alone is that whole day.")
    what: list[Reconsidered] = strawberry.field(description="Which decisions.")
    preview: bool = strawberry.field(
        description="True: nothing is written, and the reevaluation says what would be; 1000 decisions at most."
    )


@object_type
class RewardTiersPayload:
    """Tiers that were saved."""

    tiers: list[RewardTier] | None = strawberry.field(
        default=None, description="All tiers, the lowest first; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(RewardTierFields)
class RewardTierInput:
    """A tier to make or to change."""


@input_type
class RewardTiersSaveInput:
    """Tiers of the group to save and to remove, by name. Those that are not named stay."""

    tiers: list[RewardTierInput] = strawberry.field(
        default_factory=list, description="The tiers to make or to change."
    )
    remove: list[str] = strawberry.field(default_factory=list, description="The names of tiers to remove.")


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def save_tiers(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[RewardTiersSaveInput, strawberry.argument(description="The tiers.")],
) -> RewardTiersPayload:
    """Saves and removes tiers of the group, all or nothing; 50 at most. Who is in one is computed when it is asked."""
    given_ = entries_of(RewardTierFields, input.tiers, ["tiers"])
    ids = await tiers.save_tiers(tx, given_, remove=input.remove, now=info.context.now)
    return RewardTiersPayload(tiers=await shown_all(info, tx, "RewardTier", ids))


@writes(roles=WRITERS)
async def reward(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[RewardProcessInput, strawberry.argument(description="What happened.")],
) -> RewardPayload:
    """Pays what a trigger is worth, once per reference, within the campaign's limits however many do so at the same
    moment. It is kept also where nothing is paid, with everything it was decided by.
    """
    campaign = own_id(input.campaign_id, "camp", "campaign", "campaignId")
    asked = occurrence_of(input, reference=input.reference, now=info.context.now)
    (made,) = await process(tx, [(campaign, asked)], now=info.context.now)
    return RewardPayload(evaluation=await shown(info, tx, "RewardEvaluation", made))


@writes(roles=WRITERS)
async def take_back(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[RewardReverseInput, strawberry.argument(description="Which one.")],
) -> RewardPayload:
    """Takes back what an evaluation paid, or a part of it; the ledger keeps both. Twice is once. Where the programme
    forbids balances below zero, no more is taken than the customer has.
    """
    ident = own_id(input.id, "reward", "evaluation", "id")
    await reverse(tx, ident, in_all=input.in_all, now=info.context.now)
    return RewardPayload(evaluation=await shown(info, tx, "RewardEvaluation", ident))


@writes(roles=WRITERS)
async def reevaluate(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[RewardsReevaluateInput, strawberry.argument(description="What, and whether to write.")],
) -> RewardsReevaluatePayload:
    """Judges again what campaigns decided, by their flows and goals as they are now and by when things happened. Up to
    500 decisions at once; more are judged by the worker, and their reevaluation tells how far it is. What comes to
    something else is corrected by further lines of the ledger, once, however often or by however many it is asked.
    """
    campaign = given_id(input.campaign_id, "camp", "campaign", "campaignId")
    named = given(input.event_id)
    event = None if named is None else read_uuid("event", named)
    if named is not None and event is None:
        raise NotFound("event", named, path=["eventId"])
    edges = {"since": given(input.since), "until": given(input.until)}
    await settle_days(tx, edges, starts=("since",), ends=("until",), campaign_id=campaign)
    made = await reevaluating.ask(
        tx, campaign_id=campaign, event_id=event, since=edges["since"], until=edges["until"],
        what=set(input.what), is_preview=input.preview, now=info.context.now,
    )  # fmt: skip
    return RewardsReevaluatePayload(reevaluations=await shown_all(info, tx, "RewardReevaluation", made))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def create_attribute(
    info: strawberry.Info,  # noqa: ARG001 - every mutation is called with it
    tx: Transaction,
    input: Annotated[RewardAttributeCreateInput, strawberry.argument(description="The attribute.")],
) -> RewardAttributePayload:
    """Gives a number a meaning for conditions and multipliers. It never changes again."""
    code = int(input.type.value)
    await add_attribute(tx, type_code=code, attribute=input.attribute, name=input.name, kind=input.kind)
    return RewardAttributePayload(attribute=shown_attribute(code, input.attribute, input.name, input.kind))
