"""Noting whom the group may write to."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.contacts.suppressing import set_consent as note_consent
from app.domain.contacts.suppressing import set_suppressed
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import ContactChannel
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import NO_PROJECTS, WHOLE_GROUP
from app.graph.declaring.scalars import DateTime
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes
from app.graph.types.contacts import ContactStatement
from app.graph.types.customers import Customer


@object_type
class ContactConsentPayload:
    """A customer whose consent was noted."""

    customer: Customer | None = strawberry.field(
        default=None, description="The customer as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class ContactSuppressionPayload:
    """What was said of an address."""

    statement: ContactStatement | None = strawberry.field(
        default=None, description="What is kept of it; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class ContactConsentSetInput:
    """What a customer said about being written to."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    channel: ContactChannel = strawberry.field(description="How they would be written to.")
    agrees: bool = strawberry.field(description="Whether they agreed; else they refused.")
    at: DateTime | None = optional("When they said so; now unless given. What was said later stands.")
    reason: str | None = optional("Where or why, in your own words: 1,000 characters at most.")
    list: str | None = optional(
        "The list it is about, 200 characters at most; all of the channel unless given."
    )


@input_type
class ContactSuppressionInput:
    """An address, whoever has it."""

    channel: ContactChannel = strawberry.field(description="How it would be written to.")
    address: str = strawberry.field(
        description="The e-mail address, or the telephone number with its country."
    )
    at: DateTime | None = optional("Since when; now unless given. What was said later stands.")
    reason: str | None = optional("Why, in your own words: 1,000 characters at most.")
    list: str | None = optional(
        "The list it is about, 200 characters at most; all of the channel unless given."
    )


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def set_consent(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ContactConsentSetInput, strawberry.argument(description="Who, and what they said.")],
) -> ContactConsentPayload:
    """Notes that a customer agreed to be written to, or refused. The latest moment counts, whoever told it."""
    ident = own_id(input.customer_id, "cust", "customer", "customerId")
    ident = await note_consent(
        tx, ident, input.channel, agrees=input.agrees, list=given(input.list), at=given(input.at),
        reason=given(input.reason), now=info.context.now,
    )  # fmt: skip
    return ContactConsentPayload(customer=await shown(info, tx, "Customer", ident))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def suppress(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ContactSuppressionInput, strawberry.argument(description="Which address.")],
) -> ContactSuppressionPayload:
    """Blocks an address, whoever has it or will have it."""
    return await _suppression(info, tx, input, suppressed=True)


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def unsuppress(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ContactSuppressionInput, strawberry.argument(description="Which address.")],
) -> ContactSuppressionPayload:
    """Takes back what was said of an address: blocks, bounces and the like. What its owner said stands."""
    return await _suppression(info, tx, input, suppressed=False)


async def _suppression(
    info: strawberry.Info, tx: Transaction, input: ContactSuppressionInput, *, suppressed: bool
) -> ContactSuppressionPayload:
    made = await set_suppressed(
        tx, input.channel, input.address, suppressed=suppressed, list=given(input.list), at=given(input.at),
        reason=given(input.reason), now=info.context.now,
    )  # fmt: skip
    return ContactSuppressionPayload(statement=await shown(info, tx, "ContactStatement", made))
