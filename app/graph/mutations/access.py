"""Making and revoking API keys."""

from typing import Annotated

import strawberry

from app.auth.keys import create_api_key, require_may_manage, revoke_api_key
from app.auth.principal import ADMIN_ROLES
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import KeyAccess
from app.graph.declaring.payloads import shown
from app.graph.declaring.scalars import DateTime
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes
from app.graph.types.access import ApiKey


@object_type
class ApiKeyCreatePayload:
    """An API key that was made."""

    api_key: ApiKey | None = strawberry.field(
        default=None, description="What is kept of the key; null: errors say why none was made."
    )
    secret: str | None = strawberry.field(
        default=None, description="The key itself, to send as X-API-KEY. It is shown this once."
    )
    errors: list[UserError] = errors_field()


@object_type
class ApiKeyRevokePayload:
    """An API key that was revoked."""

    api_key: ApiKey | None = strawberry.field(
        default=None, description="The key; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class ApiKeyCreateInput:
    """A new API key of the group you act in."""

    name: str = strawberry.field(description="What it is for.")
    access: KeyAccess = strawberry.field(default=KeyAccess.READ, description="What it may do.")
    personal_data: bool = strawberry.field(
        default=False,
        description="Whether it is shown what identifies customers: names, addresses, phone numbers, raw events.",
    )
    administration: bool = strawberry.field(
        default=False, description="Whether it is shown credentials, connections and the audit trail."
    )
    expires_at: DateTime | None = optional("When it stops working; never unless given.")


@input_type
class ApiKeyRevokeInput:
    """An API key to revoke."""

    id: strawberry.ID = strawberry.field(description="The key.")


@writes(roles=ADMIN_ROLES, secret=True)
async def create(
    info: strawberry.Info, input: Annotated[ApiKeyCreateInput, strawberry.argument(description="The key.")]
) -> ApiKeyCreatePayload:
    """Makes an API key. Needs a credential for the whole group."""
    group_id = info.context.scope.group_id
    require_may_manage(info.context.principal, group_ids=[group_id])
    made = await create_api_key(
        info.context.db,
        group_id=group_id,
        name=input.name,
        access=str(input.access.value),
        personal_data=input.personal_data,
        administration=input.administration,
        expires_at=given(input.expires_at),
        now=info.context.now,
    )
    async with info.context.transaction() as tx:
        return ApiKeyCreatePayload(api_key=await shown(info, tx, "ApiKey", made.key.id), secret=made.secret)


@writes(roles=ADMIN_ROLES)
async def revoke(
    info: strawberry.Info, input: Annotated[ApiKeyRevokeInput, strawberry.argument(description="Which one.")]
) -> ApiKeyRevokePayload:
    """Revokes an API key: it stops working within seconds."""
    group_id = info.context.scope.group_id
    require_may_manage(info.context.principal, group_ids=[group_id])
    ident = own_id(input.id, "key", "API key", "id")
    await revoke_api_key(info.context.db, key_id=ident, group_id=group_id, now=info.context.now)
    async with info.context.transaction() as tx:
        return ApiKeyRevokePayload(api_key=await shown(info, tx, "ApiKey", ident))
