"""Paying rewards, taking them back, and giving attributes a number."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.rewards.naming import add_attribute
from app.domain.rewards.processing import process
from app.domain.rewards.reversing import reverse
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import AttributeOwner, RewardAttributeKind
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.scalars import Long
from app.graph.declaring.writing import UserError, errors_field, own_id, writes
from app.graph.inputs.rewards import RewardTriggerInput, occurrence_of
from app.graph.resolved.rewards import RewardAttribute, shown_attribute
from app.graph.types.rewards import RewardEvaluation


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
        " thing, and is rewarded once per campaign."
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
