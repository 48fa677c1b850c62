"""OAuth clients: programs that ask the token endpoint for bearer tokens (RFC 6749, client credentials)."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from app.auth.material import MAX_LENGTH, digest, new_secret, same
from app.auth.naming import read_name
from app.auth.principal import CLAIMABLE, PLATFORM_ROLES, Role
from app.db.auditing import OPERATOR, record, seen
from app.db.database import Database
from app.errors import Invalid, NotFound
from app.values.ids import show_id
from app.values.scope import Scope

if TYPE_CHECKING:
    from asyncpg import Record

SECRET_PREFIX = "cgs_"  # noqa: S105 - a prefix, not a secret

_COLUMNS = "id, client_id, secret_hash, group_id, store_id, name, roles, created_at, revoked_at"
_INSERT = """
INSERT INTO oauth_client (client_id, secret_hash, group_id, store_id, name, roles, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id
"""
_STORE_EXISTS = "SELECT 1 FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_LIST = f"""
SELECT {_COLUMNS} FROM oauth_client
 WHERE ($1::bigint IS NULL OR group_id = $1)
 ORDER BY created_at DESC, id DESC
"""
_BY_CLIENT_ID = f"SELECT {_COLUMNS} FROM oauth_client WHERE client_id = $1"
_REVOKE = f"""
UPDATE oauth_client SET revoked_at = coalesce(revoked_at, $3)
 WHERE client_id = $1 AND ($2::bigint IS NULL OR group_id = $2)
RETURNING {_COLUMNS}
"""
# Compared with when there is no such client, so that both answers take the same time.
_NOBODY = digest(secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client as it may be shown: everything but the secret."""

    id: int
    client_id: str
    group_id: int
    store_id: int | None
    """Set: its tokens see only this store."""
    name: str
    roles: frozenset[Role]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client just made. Its secret is shown this once; only the hash is stored."""

    client: ClientRecord
    secret: str = field(repr=False)


async def create_client(
    db: Database,
    *,
    group_id: int,
    name: str,
    roles: Collection[Role],
    now: datetime,
    store_id: int | None = None,
) -> NewClient:
    """Make a client. On behalf of a user, check `keys.require_may_manage` first."""
    if not roles:
        raise Invalid(
            "roles must name at least one role, or the client's tokens could do nothing", path=["roles"]
        )
    if not PLATFORM_ROLES.isdisjoint(roles):
        # Platform roles enter any group; a client belongs to exactly one.
        raise Invalid(
            f"{', '.join(sorted(PLATFORM_ROLES))} cannot be given to a client of a group", path=["roles"]
        )
    name = read_name(name)
    client_id, secret = f"cgc_{secrets.token_hex(12)}", new_secret(SECRET_PREFIX)
    if store_id is not None:
        async with db.transaction(Scope(group_id)) as tx:
            if await tx.fetchval(_STORE_EXISTS, group_id, store_id) is None:
                raise NotFound("store", store_id, path=["storeId"])
    try:
        async with db.transaction(Scope(group_id)) as tx:
            row_id = await tx.fetchval(
                _INSERT, client_id, digest(secret), group_id, store_id, name, sorted(roles), now
            )
            after = await seen(tx, "oauth_client", row_id)
            subject = show_id("client", row_id)
            await record(tx, OPERATOR, "oauth_client.create", subject=subject, after=after, now=now)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound("customer group", path=["groupId"]) from None
    made = ClientRecord(int(row_id), client_id, group_id, store_id, name, frozenset(roles), now, None)
    return NewClient(made, secret)


async def list_clients(db: Database, *, group_id: int | None) -> list[ClientRecord]:
    """Clients of a group, newest first, revoked ones too. `None`: all groups, for the operator alone."""
    async with db.directory() as directory:
        return [_record(row) for row in await directory.fetch(_LIST, group_id)]


async def revoke_client(db: Database, *, client_id: str, group_id: int | None, now: datetime) -> ClientRecord:
    """End a client and, within seconds, the tokens it holds. `group_id` None: for the operator alone."""
    found = await _row(db, client_id)
    if found is None or group_id not in (None, found["group_id"]):
        raise NotFound("OAuth client", client_id)
    async with db.transaction(Scope(found["group_id"])) as tx:
        before = await seen(tx, "oauth_client", found["id"])
        row = await tx.fetchrow(_REVOKE, client_id, found["group_id"], now)
        assert row is not None
        after = await seen(tx, "oauth_client", found["id"])
        if before != after:
            subject = show_id("client", found["id"])
            await record(
                tx, OPERATOR, "oauth_client.revoke", subject=subject, before=before, after=after, now=now
            )
    return _record(row)


async def find_client(db: Database, *, client_id: str) -> ClientRecord | None:
    """The client of this public id, revoked or not."""
    row = await _row(db, client_id)
    return None if row is None else _record(row)


async def prove_client(db: Database, *, client_id: str, secret: str) -> ClientRecord | None:
    """The client, if the secret is its own and it was not revoked. All refusals take the same time."""
    row = await _row(db, client_id)
    right = same(_NOBODY if row is None else row["secret_hash"], secret[:MAX_LENGTH])
    if row is None or not right or row["revoked_at"] is not None:
        return None
    return _record(row)


async def _row(db: Database, client_id: str) -> "Record | None":
    # What cannot be stored is looked up all the same, as a name nobody has, so that it takes the same time.
    async with db.directory() as directory:
        return await directory.fetchrow(_BY_CLIENT_ID, client_id if _is_storable(client_id) else "")


def _is_storable(client_id: str) -> bool:
    return len(client_id) <= MAX_LENGTH and client_id.isprintable()


def _record(row: "Record") -> ClientRecord:
    known = {str(role): role for role in CLAIMABLE}
    return ClientRecord(
        id=row["id"],
        client_id=row["client_id"],
        group_id=row["group_id"],
        store_id=row["store_id"],
        name=row["name"],
        roles=frozenset(known[name] for name in row["roles"] if name in known),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
