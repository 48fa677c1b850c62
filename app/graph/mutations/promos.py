"""Making and changing promos; using them and giving uses back."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.promos import operations, redeeming
from app.domain.promos.fields import PromoFields
from app.domain.segments.finding import segment_named
from app.graph.declaring.payloads import shown
from app.graph.declaring.scalars import JSON, DateTime, Decimal, Long
from app.graph.declaring.writing import (
    UserError,
    errors_field,
    given,
    optional,
    own_id,
    reference,
    settable,
    writes,
)
from app.graph.inputs.baskets import BasketInput, asked_of
from app.graph.types.promos import Promo, PromoRedemption


@strawberry.type(description="A promo that was written.")
class PromoPayload:
    """A promo that was written."""

    promo: Promo | None = strawberry.field(
        default=None, description="The promo as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@strawberry.type(description="A promo that was deleted.")
class PromoDeletePayload:
    """A promo that was deleted."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="Its id; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@strawberry.type(description="A use of a promo.")
class PromoRedemptionPayload:
    """A use of a promo."""

    redemption: PromoRedemption | None = strawberry.field(
        default=None, description="The use as it is now; null: errors say every reason why not."
    )
    errors: list[UserError] = errors_field()


@strawberry.input(description="Fields of a promo.")
class PromoFieldsInput:
    """What every input about a promo has; the schema shows those inputs, not this one."""

    code: str | None = optional(
        "What the customer types: 3 to 32 letters, digits, `_` and `-`, kept in capitals."
    )
    type: str | None = optional(
        "percentage, fixed_amount, free_delivery or free_item; others are kept but cannot be redeemed."
    )
    value: Decimal | None = optional(
        "Percent (0 to 100), an amount, or units given free, by type; nothing for free_delivery."
    )
    min_order_amount: Decimal | None = optional("The smallest order it counts for, without delivery.")
    max_discount: Decimal | None = optional("The most it takes off.")
    usage_limit: Long | None = optional("How often it can be used in all; null: without limit.")
    per_customer_limit: Long | None = optional("How often one customer can use it; null: without limit.")
    valid_from: DateTime | None = optional("From when; null: always.")
    valid_until: DateTime | None = optional("Until when (exclusive); null: for ever.")
    applies_to: JSON | None = optional(
        'What it applies to: {"all_items": true}, or `skus`, `categories` (either will do) and `stores`.'
    )
    campaign_id: strawberry.ID | None = optional("The campaign it belongs to.")
    segment_id: strawberry.ID | None = optional(
        "Only customers of this segment may use it: the segment's id, or the id it was imported with."
    )


@strawberry.input(description="A new promo.")
class PromoCreateInput(PromoFieldsInput):
    """A new promo."""

    code: str = strawberry.field(
        description="What the customer types: 3 to 32 letters, digits, `_` and `-`, kept in capitals."
    )
    type: str = strawberry.field(
        description="percentage, fixed_amount, free_delivery or free_item; others are kept but cannot be redeemed."
    )


@strawberry.input(description="A change of a promo: fields left out stay, fields that are null are cleared.")
class PromoUpdateInput(PromoFieldsInput):
    """A change of a promo."""

    id: strawberry.ID = strawberry.field(description="The promo.")


@strawberry.input(description="A use of a promo.")
class PromoRedeemInput:
    """A use of a promo."""

    key: str = strawberry.field(
        description="The caller's own name for this use, such as the order's number: the same key is the same use."
    )
    code: str = strawberry.field(description="The code, in any case.")
    basket: BasketInput = strawberry.field(description="What is paid.")
    customer_id: strawberry.ID | None = optional("Who pays.")


@strawberry.input(description="A promo to delete.")
class PromoDeleteInput:
    """A promo to delete."""

    id: strawberry.ID = strawberry.field(description="The promo.")


@strawberry.input(description="A use of a promo to give back.")
class PromoReleaseInput:
    """A use of a promo to give back."""

    id: strawberry.ID = strawberry.field(description="The use.")


@writes("Makes a promo.", roles=WRITERS)
async def create(
    info: strawberry.Info, input: Annotated[PromoCreateInput, strawberry.argument(description="The promo.")]
) -> PromoPayload:
    """`promoCreate`."""
    async with info.context.db.transaction(info.context.scope) as tx:
        made = await operations.create_promo(tx, await _fields(tx, input), now=info.context.now)
        return PromoPayload(promo=await shown(info, tx, "Promo", made))


@writes("Changes a promo.", roles=WRITERS)
async def update(
    info: strawberry.Info, input: Annotated[PromoUpdateInput, strawberry.argument(description="The change.")]
) -> PromoPayload:
    """`promoUpdate`."""
    ident = own_id(input.id, "promo", "promo", "id")
    async with info.context.db.transaction(info.context.scope) as tx:
        await operations.update_promo(tx, ident, await _fields(tx, input), now=info.context.now)
        return PromoPayload(promo=await shown(info, tx, "Promo", ident))


@writes("Takes a promo out of use. Its uses stay on record; its code is free again.", roles=WRITERS)
async def delete(
    info: strawberry.Info, input: Annotated[PromoDeleteInput, strawberry.argument(description="Which one.")]
) -> PromoDeletePayload:
    """`promoDelete`."""
    ident = own_id(input.id, "promo", "promo", "id")
    async with info.context.db.transaction(info.context.scope) as tx:
        await operations.delete_promo(tx, ident, now=info.context.now)
    return PromoDeletePayload(deleted_id=input.id)


@writes(
    "Uses a promo once, within its limits however many do so at the same moment. The same key again is the same use.",
    roles=WRITERS,
)
async def redeem(
    info: strawberry.Info, input: Annotated[PromoRedeemInput, strawberry.argument(description="The use.")]
) -> PromoRedemptionPayload:
    """`promoRedeem`."""
    asked = asked_of(input.code, input.basket, given(input.customer_id))
    async with info.context.db.transaction(info.context.scope) as tx:
        made = await redeeming.redeem(tx, asked, key=input.key, now=info.context.now)
        return PromoRedemptionPayload(redemption=await shown(info, tx, "PromoRedemption", made))


@writes("Gives a use of a promo back, as when the order is cancelled. Twice is once.", roles=WRITERS)
async def release(
    info: strawberry.Info, input: Annotated[PromoReleaseInput, strawberry.argument(description="Which one.")]
) -> PromoRedemptionPayload:
    """`promoRelease`."""
    ident = own_id(input.id, "redeem", "redemption", "id")
    async with info.context.db.transaction(info.context.scope) as tx:
        await redeeming.release(tx, ident, now=info.context.now)
        return PromoRedemptionPayload(redemption=await shown(info, tx, "PromoRedemption", ident))


async def _fields(tx: Transaction, sent: PromoFieldsInput) -> PromoFields:
    segment_id = settable(sent.segment_id)
    if isinstance(segment_id, str):
        segment_id = await segment_named(tx, segment_id, "segmentId")
    return PromoFields(
        code=settable(sent.code),
        type=settable(sent.type),
        value=settable(sent.value),
        min_order_amount=settable(sent.min_order_amount),
        max_discount=settable(sent.max_discount),
        usage_limit=settable(sent.usage_limit),
        per_customer_limit=settable(sent.per_customer_limit),
        valid_from=settable(sent.valid_from),
        valid_until=settable(sent.valid_until),
        applies_to=settable(sent.applies_to),
        campaign_id=reference(sent.campaign_id, "camp", "campaign", "campaignId"),
        segment_id=segment_id,
    )
