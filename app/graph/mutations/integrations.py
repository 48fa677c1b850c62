"""Making, changing and archiving integrations."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.integrations import operations
from app.domain.integrations.fields import IntegrationFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import Administration, UserError, errors_field, own_id, writes
from app.graph.types.integrations import Integration


@object_type
class IntegrationPayload:
    """An integration that was written."""

    integration: Integration | None = strawberry.field(
        default=None, description="The integration as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(IntegrationFields, required=("name",), first=("project",))
class IntegrationCreateInput:
    """A new integration."""

    project: str = strawberry.field(description="The project: its slug or its id.")


@input_for(IntegrationFields, only=("name",), required=("name",), first=("id",))
class IntegrationUpdateInput:
    """A change of an integration."""

    id: strawberry.ID = strawberry.field(description="The integration.")


@input_type
class IntegrationNameInput:
    """An integration to archive or to restore."""

    id: strawberry.ID = strawberry.field(description="The integration.")


@writes(roles=WRITERS, administration=Administration("integration.create", "integration", "intg"))
async def create_integration(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[IntegrationCreateInput, strawberry.argument(description="The integration.")],
) -> IntegrationPayload:
    """Makes an integration of a project."""
    made = await operations.create_integration(
        tx, entry_of(IntegrationFields, input), project=input.project, now=info.context.now
    )
    return IntegrationPayload(integration=await shown(info, tx, "Integration", made))


@writes(roles=WRITERS, administration=Administration("integration.update", "integration", "intg"))
async def update_integration(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[IntegrationUpdateInput, strawberry.argument(description="The change.")],
) -> IntegrationPayload:
    """Calls an integration otherwise. Its currency and its tracking id stay."""
    ident = own_id(input.id, "intg", "integration", "id")
    await operations.update_integration(tx, ident, entry_of(IntegrationFields, input))
    return IntegrationPayload(integration=await shown(info, tx, "Integration", ident))


@writes(roles=WRITERS, administration=Administration("integration.archive", "integration", "intg"))
async def archive_integration(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[IntegrationNameInput, strawberry.argument(description="Which one.")],
) -> IntegrationPayload:
    """Archives an integration: nobody can make campaigns in it any more. Those there are run on and can have outlays;
    links that are out there go on counting.
    """
    ident = own_id(input.id, "intg", "integration", "id")
    await operations.archive_integration(tx, ident, at=info.context.now)
    return IntegrationPayload(integration=await shown(info, tx, "Integration", ident))


@writes(roles=WRITERS, administration=Administration("integration.restore", "integration", "intg"))
async def restore_integration(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[IntegrationNameInput, strawberry.argument(description="Which one.")],
) -> IntegrationPayload:
    """Lets campaigns be made in an archived integration again."""
    ident = own_id(input.id, "intg", "integration", "id")
    await operations.archive_integration(tx, ident, at=None)
    return IntegrationPayload(integration=await shown(info, tx, "Integration", ident))
