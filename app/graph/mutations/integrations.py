"""Making and changing integrations."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.integrations import operations
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes
from app.graph.types.integrations import Integration


@object_type
class IntegrationPayload:
    """An integration that was written."""

    integration: Integration | None = strawberry.field(
        default=None, description="The integration as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class IntegrationCreateInput:
    """A new integration."""

    project: str = strawberry.field(description="The project: its slug or its id.")
    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")
    kind: str | None = optional(
        "Which kind of tool it connects; custom_ads unless said. Kinds that begin with custom_ are one's own to fill."
    )
    wmkt_id: str | None = optional(
        "Its id in tracking links, unique in the group, 64 characters at most; made up unless given."
    )
    currency: str | None = optional(
        "The currency of its outlays (ISO 4217); the group's unless given. It stays what it is."
    )


@input_type
class IntegrationUpdateInput:
    """A change of an integration."""

    id: strawberry.ID = strawberry.field(description="The integration.")
    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")


@writes(roles=WRITERS)
async def create_integration(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[IntegrationCreateInput, strawberry.argument(description="The integration.")],
) -> IntegrationPayload:
    """Makes an integration of a project."""
    made = await operations.create_integration(
        tx,
        project=input.project,
        name=input.name,
        kind=given(input.kind) or operations.CUSTOM_ADS,
        wmkt_id=given(input.wmkt_id),
        currency=given(input.currency),
        now=info.context.now,
    )
    return IntegrationPayload(integration=await shown(info, tx, "Integration", made))


@writes(roles=WRITERS)
async def update_integration(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[IntegrationUpdateInput, strawberry.argument(description="The change.")],
) -> IntegrationPayload:
    """Calls an integration otherwise. Its currency and its tracking id stay."""
    ident = own_id(input.id, "intg", "integration", "id")
    await operations.update_integration(tx, ident, name=input.name)
    return IntegrationPayload(integration=await shown(info, tx, "Integration", ident))
