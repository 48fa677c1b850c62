"""Making and changing promos; using them and giving uses back."""

from dataclasses import replace
from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.promos import operations, redeeming
from app.domain.promos.fields import PromoFields
from app.domain.promos.generating import DEFAULT_LENGTH, disable_codes, generate_codes
from app.domain.promos.terms import PromoType as KnownType
from app.domain.promos.terms import type_of
from app.errors import Invalid
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import PromoType
from app.graph.declaring.payloads import shown, shown_all
from app.graph.declaring.settable import Coded, entry_of, input_for
from app.graph.declaring.writing import (
    UserError,
    errors_field,
    given,
    optional,
    own_id,
    writes,
)
from app.graph.inputs.baskets import BasketInput, asked_of
from app.graph.types.promos import Promo, PromoRedemption
from app.values.changes import UNSET
from app.values.ids import show_id


@object_type
class PromoPayload:
    """A promo that was written."""

    promo: Promo | None = strawberry.field(
        default=None, description="The promo as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class PromoCodesPayload:
    """Generated codes of a promo."""

    promo: Promo | None = strawberry.field(
        default=None,
        description="The promo, whose `codes` are all there are; null: errors say why nothing was done.",
    )
    count: int = strawberry.field(default=0, description="How many codes were generated, or withdrawn.")
    errors: list[UserError] = errors_field()


@object_type
class PromoDeletePayload:
    """A promo that was deleted."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="Its id; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class PromoRedemptionPayload:
    """A use of a promo."""

    redemption: PromoRedemption | None = strawberry.field(
        default=None,
        description="The use as it is now, of several codes that are redeemed the first one's; null: errors say every"
        " reason why not.",
    )
    redemptions: list[PromoRedemption] | None = strawberry.field(
        default=None, description="All uses with this key, in the order of the codes; null: nothing was done."
    )
    errors: list[UserError] = errors_field()


_TYPE = {"type": Coded(PromoType, "The same as a code, however it is written, instead of the name.", str)}


@input_for(PromoFields, required=("code",), codes=_TYPE)
class PromoCreateInput:
    """A new promo."""

    own_type: str | None = optional(
        "Instead of a type: a code of your own. Such a promo is kept and listed, and cannot be redeemed."
    )


@input_for(PromoFields, codes=_TYPE)
class PromoUpdateInput:
    """A change of a promo: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID = strawberry.field(description="The promo.")


@input_type
class PromoCampaignInput:
    """A promo and a campaign."""

    promo_id: strawberry.ID = strawberry.field(description="The promo.")
    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")


@input_type
class PromoCodesGenerateInput:
    """Codes to generate."""

    promo_id: strawberry.ID = strawberry.field(description="The promo.")
    count: int = strawberry.field(description="How many, 100,000 at most; a promo has 1,000,000 at most.")
    prefix: str = strawberry.field(
        description="What each begins with, before a dot: 1 to 16 letters of any script, digits, `_` and `-`."
    )
    length: int = strawberry.field(
        default=DEFAULT_LENGTH,
        description="How many random characters each has, 8 to 20, besides the prefix and the one that checks.",
    )


@input_type
class PromoCodesDisableInput:
    """Generated codes to withdraw."""

    promo_id: strawberry.ID = strawberry.field(description="The promo.")
    codes: list[str] | None = optional("Which ones, 1,000 at most; every one that was not used unless given.")


@input_type
class PromoRedeemInput:
    """A use of a promo."""

    key: str = strawberry.field(
        description="The caller's own name for this use, such as the order's number: the same key is the same use."
    )
    code: str | None = optional("The code, in any case.")
    codes: list[str] | None = optional(
        "Instead: several codes, 10 at most, in the order in which they take off; all of them or none."
    )
    basket: BasketInput = strawberry.field(description="What is paid.")
    customer_id: strawberry.ID | None = optional("Who pays.")


@input_type
class PromoDeleteInput:
    """A promo to delete."""

    id: strawberry.ID = strawberry.field(description="The promo.")


@input_type
class PromoReleaseInput:
    """A use of a promo to give back."""

    id: strawberry.ID = strawberry.field(description="The use.")


@writes(roles=WRITERS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoCreateInput, strawberry.argument(description="The promo.")],
) -> PromoPayload:
    """Makes a promo."""
    made = await operations.create_promo(tx, _fields(input, given(input.own_type)), now=info.context.now)
    return PromoPayload(promo=await shown(info, tx, "Promo", made))


@writes(roles=WRITERS)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoUpdateInput, strawberry.argument(description="The change.")],
) -> PromoPayload:
    """Changes a promo."""
    ident = own_id(input.id, "promo", "promo", "id")
    await operations.update_promo(tx, ident, _fields(input, None), now=info.context.now)
    return PromoPayload(promo=await shown(info, tx, "Promo", ident))


@writes(roles=WRITERS)
async def delete(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoDeleteInput, strawberry.argument(description="Which one.")],
) -> PromoDeletePayload:
    """Takes a promo out of use. Its uses stay on record; its code is free again."""
    ident = own_id(input.id, "promo", "promo", "id")
    await operations.delete_promo(tx, ident, now=info.context.now)
    return PromoDeletePayload(deleted_id=strawberry.ID(show_id("promo", ident)))


@writes(roles=WRITERS)
async def campaign_add(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoCampaignInput, strawberry.argument(description="Which ones.")],
) -> PromoPayload:
    """Lets a promo belong to a further campaign: each covers its own time. Twice is once."""
    ident, campaign = _linked(input)
    await operations.add_campaign(tx, ident, campaign, now=info.context.now)
    return PromoPayload(promo=await shown(info, tx, "Promo", ident))


@writes(roles=WRITERS)
async def campaign_remove(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoCampaignInput, strawberry.argument(description="Which ones.")],
) -> PromoPayload:
    """Lets a promo belong to a campaign no more. Twice is once."""
    ident, campaign = _linked(input)
    await operations.remove_campaign(tx, ident, campaign, now=info.context.now)
    return PromoPayload(promo=await shown(info, tx, "Promo", ident))


@writes(roles=WRITERS)
async def codes_generate(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoCodesGenerateInput, strawberry.argument(description="Which ones.")],
) -> PromoCodesPayload:
    """Generates codes for a promo, each to be used once: a prefix, random characters that are not mistaken for one
    another, and a last one that finds typing errors. All of them or none; uses count in the promo's.
    """
    ident = own_id(input.promo_id, "promo", "promo", "promoId")
    made = await generate_codes(
        tx, ident, count=input.count, prefix=input.prefix, length=input.length, now=info.context.now
    )
    return PromoCodesPayload(promo=await shown(info, tx, "Promo", ident), count=made)


@writes(roles=WRITERS)
async def codes_disable(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoCodesDisableInput, strawberry.argument(description="Which ones.")],
) -> PromoCodesPayload:
    """Withdraws generated codes that were not used: these, or all of a promo's."""
    ident = own_id(input.promo_id, "promo", "promo", "promoId")
    done = await disable_codes(tx, ident, codes=given(input.codes), now=info.context.now)
    return PromoCodesPayload(promo=await shown(info, tx, "Promo", ident), count=done)


def _linked(input: PromoCampaignInput) -> tuple[int, int]:
    return (
        own_id(input.promo_id, "promo", "promo", "promoId"),
        own_id(input.campaign_id, "camp", "campaign", "campaignId"),
    )


def _fields(input: object, own_type: str | None) -> PromoFields:
    """What was sent. A type that cannot be redeemed is only taken where it is called one's own."""
    fields = entry_of(PromoFields, input)
    if own_type is not None:
        if fields.type is not UNSET:
            raise Invalid("Say the type or a type of your own, not both.", path=["ownType"])
        return replace(fields, type=own_type)
    if isinstance(fields.type, str) and type_of(fields.type) not in set(KnownType):
        kinds = ", ".join(KnownType)
        raise Invalid(
            f"There is no type {fields.type[:40]!r} of promos, only {kinds}.",
            path=["typeCode"],
            code="UNKNOWN_TYPE",
        )
    return fields


@writes(roles=WRITERS)
async def redeem(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoRedeemInput, strawberry.argument(description="The use.")],
) -> PromoRedemptionPayload:
    """Uses a promo once, or several together, within their limits however many do so at the same moment. The same key
    again is the same use; for something else it is refused. What was given back is judged anew.
    """
    asked = asked_of(given(input.code), given(input.codes), input.basket, given(input.customer_id))
    made = await redeeming.redeem_all(tx, asked, key=input.key, now=info.context.now)
    return PromoRedemptionPayload(
        redemption=await shown(info, tx, "PromoRedemption", made[0]),
        redemptions=await shown_all(info, tx, "PromoRedemption", made),
    )


@writes(roles=WRITERS)
async def release(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoReleaseInput, strawberry.argument(description="Which one.")],
) -> PromoRedemptionPayload:
    """Gives a use of a promo back, as when a cart is left, and with it what was used with the same key.

    Twice is once.
    """
    ident = own_id(input.id, "redeem", "redemption", "id")
    together = await redeeming.release_all(tx, ident, now=info.context.now)
    return PromoRedemptionPayload(
        redemption=await shown(info, tx, "PromoRedemption", ident),
        redemptions=await shown_all(info, tx, "PromoRedemption", together),
    )
