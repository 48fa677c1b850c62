"""Bearer tokens that the operator makes and ends (`gateway token`, `gateway tokens`), written down in their group."""

from collections.abc import Collection
from datetime import datetime, timedelta

from app.auth.principal import Role
from app.auth.revoking import revoke_token
from app.auth.tokens import Tokens, new_jti
from app.db.auditing import OPERATOR, record
from app.db.database import Database
from app.errors import NotFound
from app.values.instants import show_instant
from app.values.scope import Scope

MINTED = "token.create"
_GROUPS = "SELECT id FROM tenant ORDER BY id"
_GROUP_EXISTS = "SELECT 1 FROM tenant WHERE id = $1"
_STORE_EXISTS = "SELECT 1 FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_WAS_MINTED = "SELECT 1 FROM audit_entry WHERE group_id = $1 AND action = $2 AND subject = $3 LIMIT 1"


async def mint_token(
    db: Database,
    tokens: Tokens,
    *,
    group_id: int,
    subject: str,
    roles: Collection[Role],
    now: datetime,
    store_id: int | None = None,
    life_s: int,
) -> str:
    """A token of ours for a group. NotFound where there is no such group, or store in it."""
    await require_group(db, group_id)
    jti = new_jti()
    async with db.transaction(Scope(group_id)) as tx:
        if store_id is not None and await tx.fetchval(_STORE_EXISTS, group_id, store_id) is None:
            raise NotFound("store", store_id, path=["storeId"])
        what = {
            "subject": subject,
            "roles": sorted(roles),
            "store_id": store_id,
            "expires_at": show_instant(now + timedelta(seconds=life_s)),
        }
        await record(tx, OPERATOR, MINTED, subject=jti, after=what, now=now)
    return tokens.mint(
        subject=subject, group_id=group_id, roles=roles, now=now, store_id=store_id, life_s=life_s, jti=jti
    )


async def end_minted(db: Database, *, jti: str, group_id: int | None, now: datetime) -> int | None:
    """End a token, in `group_id` or everywhere; the group whose audit has it as minted, None where none has.

    Ended everywhere, it is in the audit of that group. Those of /oauth2/token are not written down one by one.
    """
    if group_id is not None:
        await require_group(db, group_id)
        await revoke_token(db, jti=jti, group_id=group_id, now=now)
        return group_id if await _was_minted(db, group_id, jti) else None
    await revoke_token(db, jti=jti, group_id=None, now=now)
    async with db.directory() as directory:
        groups = [int(row["id"]) for row in await directory.fetch(_GROUPS)]
    for group in groups:
        if await _was_minted(db, group, jti):
            await revoke_token(db, jti=jti, group_id=group, now=now)
            return group
    return None


async def require_group(db: Database, group_id: int) -> None:
    """NotFound where there is no such customer group."""
    async with db.directory() as directory:
        if await directory.fetchval(_GROUP_EXISTS, group_id) is None:
            raise NotFound("customer group", group_id, path=["groupId"])


async def _was_minted(db: Database, group_id: int, jti: str) -> bool:
    async with db.transaction(Scope(group_id), writes=False) as tx:
        return await tx.fetchval(_WAS_MINTED, group_id, MINTED, jti) is not None
