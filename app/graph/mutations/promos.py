"""Making and changing promos; using them and giving uses back."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.promos import operations, redeeming
from app.domain.promos.fields import PromoFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import PromoType
from app.graph.declaring.payloads import shown
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
from app.values.ids import show_id


@object_type
class PromoPayload:
    """A promo that was written."""

    promo: Promo | None = strawberry.field(
        default=None, description="The promo as it is now; null: errors say why nothing was done."
    )
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
        default=None, description="The use as it is now; null: errors say every reason why not."
    )
    errors: list[UserError] = errors_field()


_TYPE = {
    "type": Coded(PromoType, "The same as a code, also for types of your own, instead of the name.", str)
}


@input_for(PromoFields, required=("code",), codes=_TYPE)
class PromoCreateInput:
    """A new promo."""


@input_for(PromoFields, codes=_TYPE)
class PromoUpdateInput:
    """A change of a promo: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID = strawberry.field(description="The promo.")


@input_type
class PromoRedeemInput:
    """A use of a promo."""

    key: str = strawberry.field(
        description="The caller's own name for this use, such as the order's number: the same key is the same use."
    )
    code: str = strawberry.field(description="The code, in any case.")
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
    made = await operations.create_promo(tx, entry_of(PromoFields, input), now=info.context.now)
    return PromoPayload(promo=await shown(info, tx, "Promo", made))


@writes(roles=WRITERS)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoUpdateInput, strawberry.argument(description="The change.")],
) -> PromoPayload:
    """Changes a promo."""
    ident = own_id(input.id, "promo", "promo", "id")
    await operations.update_promo(tx, ident, entry_of(PromoFields, input), now=info.context.now)
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
async def redeem(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoRedeemInput, strawberry.argument(description="The use.")],
) -> PromoRedemptionPayload:
    """Uses a promo once, within its limits however many do so at the same moment. The same key again is the same
    use.
    """
    asked = asked_of(input.code, input.basket, given(input.customer_id))
    made = await redeeming.redeem(tx, asked, key=input.key, now=info.context.now)
    return PromoRedemptionPayload(redemption=await shown(info, tx, "PromoRedemption", made))


@writes(roles=WRITERS)
async def release(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PromoReleaseInput, strawberry.argument(description="Which one.")],
) -> PromoRedemptionPayload:
    """Gives a use of a promo back, as when the order is cancelled. Twice is once."""
    ident = own_id(input.id, "redeem", "redemption", "id")
    await redeeming.release(tx, ident, now=info.context.now)
    return PromoRedemptionPayload(redemption=await shown(info, tx, "PromoRedemption", ident))
