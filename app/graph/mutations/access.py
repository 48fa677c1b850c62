"""Making, rotating and revoking API keys, and ending tokens."""

from datetime import timedelta
from typing import Annotated

import strawberry

from app.auth.keys import end_api_key, insert_api_key, renew_api_key, require_may_manage
from app.auth.principal import ADMIN_ROLES
from app.auth.revoking import end_token
from app.db.database import Transaction
from app.domain.days import settled_end
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import KeyAccess
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.scalars import DateTime
from app.graph.declaring.writing import (
    Administration,
    UserError,
    errors_field,
    given,
    given_id,
    optional,
    own_id,
    writes,
)
from app.graph.types.access import ApiKey


@object_type
class ApiKeyCreatePayload:
    """An API key that was made, or got a new secret."""

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


@object_type
class TokenRevokePayload:
    """A bearer token that was ended."""

    revoked_jti: str | None = strawberry.field(
        default=None, description="Its `jti`; null: errors say why nothing was done."
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
    store_id: strawberry.ID | None = optional("The store it is bound to: it sees this one alone.")
    expires_at: DateTime | None = optional(
        "When it stops working; never unless given. A day alone: after that day, in the group's time zone."
    )


@input_type
class ApiKeyRotateInput:
    """A new secret for an API key."""

    id: strawberry.ID = strawberry.field(description="The key.")
    keep_previous_hours: int = strawberry.field(
        default=24, description="How long the former secret holds as well, 0 to 720 hours."
    )


@input_type
class TokenRevokeInput:
    """A bearer token to end."""

    jti: str = strawberry.field(description="The token's claim `jti`.")
    expires_at: DateTime | None = optional(
        "Its claim `exp`, if known: it is remembered so long; else longer than tokens live."
    )


@input_type
class ApiKeyRevokeInput:
    """An API key to revoke."""

    id: strawberry.ID = strawberry.field(description="The key.")


@writes(
    roles=ADMIN_ROLES,
    secret=True,
    administration=Administration("api_key.create", "api_key", "key"),
    shapes=WHOLE_GROUP,
)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ApiKeyCreateInput, strawberry.argument(description="The key.")],
) -> ApiKeyCreatePayload:
    """Makes an API key. Needs a credential for the whole group."""
    require_may_manage(info.context.principal, group_ids=[tx.scope.group_id])
    made = await insert_api_key(
        tx,
        name=input.name,
        access=str(input.access.value),
        personal_data=input.personal_data,
        administration=input.administration,
        store_id=given_id(input.store_id, "store", "store", "storeId"),
        expires_at=await settled_end(tx, given(input.expires_at), ["expiresAt"]),
        now=info.context.now,
    )
    return ApiKeyCreatePayload(api_key=await shown(info, tx, "ApiKey", made.key.id), secret=made.secret)


@writes(
    roles=ADMIN_ROLES,
    secret=True,
    administration=Administration("api_key.rotate", "api_key", "key"),
    shapes=WHOLE_GROUP,
)
async def rotate(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ApiKeyRotateInput, strawberry.argument(description="Which one, and how.")],
) -> ApiKeyCreatePayload:
    """Gives an API key a new secret. The former one holds for a while, so that nobody has to change it at once."""
    require_may_manage(info.context.principal, group_ids=[tx.scope.group_id])
    ident = own_id(input.id, "key", "API key", "id")
    made = await renew_api_key(
        tx, ident, overlap=timedelta(hours=input.keep_previous_hours), now=info.context.now
    )
    return ApiKeyCreatePayload(api_key=await shown(info, tx, "ApiKey", ident), secret=made.secret)


@writes(
    roles=ADMIN_ROLES, administration=Administration("api_key.revoke", "api_key", "key"), shapes=WHOLE_GROUP
)
async def revoke(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ApiKeyRevokeInput, strawberry.argument(description="Which one.")],
) -> ApiKeyRevokePayload:
    """Revokes an API key: it stops working within seconds."""
    require_may_manage(info.context.principal, group_ids=[tx.scope.group_id])
    ident = own_id(input.id, "key", "API key", "id")
    await end_api_key(tx, ident, now=info.context.now)
    return ApiKeyRevokePayload(api_key=await shown(info, tx, "ApiKey", ident))


@writes(roles=ADMIN_ROLES, administration=Administration("token.revoke", "", ""), shapes=WHOLE_GROUP)
async def revoke_one_token(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[TokenRevokeInput, strawberry.argument(description="Which one.")],
) -> TokenRevokePayload:
    """Ends a bearer token of ours in the group you act in: it stops working within seconds. Doing it twice changes
    nothing more.
    """
    require_may_manage(info.context.principal, group_ids=[tx.scope.group_id])
    expires_at = await settled_end(tx, given(input.expires_at), ["expiresAt"])
    await end_token(tx, input.jti, expires_at=expires_at, now=info.context.now)
    info.context.changed = input.jti
    return TokenRevokePayload(revoked_jti=input.jti)
