"""API keys: a group's credential for programs. Used by the graph's mutations and by `gateway keys`."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from app.auth.material import digest, hint, new_secret
from app.auth.naming import read_name
from app.auth.principal import ADMIN_ROLES, Principal, Role
from app.db.constraints import refusals
from app.db.database import Database
from app.errors import Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from asyncpg import Record

ACCESS = ("read", "write")
PREFIX = "cgk_"

_COLUMNS = """k.id, k.group_id, k.name, k.hint, k.access, k.personal_data, k.administration,
       k.created_at, k.expires_at, k.revoked_at,
       array(SELECT g.group_id FROM api_key_group g WHERE g.key_id = k.id ORDER BY g.group_id) AS further"""

_INSERT = """
INSERT INTO api_key (group_id, name, hint, hash, access, personal_data, administration, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id
"""
_INSERT_GROUPS = """
INSERT INTO api_key_group (key_id, group_id) SELECT $1, unnest($2::bigint[])
"""
_LIST = f"""
SELECT {_COLUMNS} FROM api_key k
 WHERE ($1::bigint IS NULL OR k.group_id = $1)
 ORDER BY k.created_at DESC, k.id DESC
"""
_BY_SECRET = f"SELECT {_COLUMNS} FROM api_key k WHERE k.hash = $1"
# A second revocation keeps the moment of the first: that is when the key stopped working.
_REVOKE = f"""
UPDATE api_key k SET revoked_at = coalesce(k.revoked_at, $3)
 WHERE k.id = $1 AND ($2::bigint IS NULL OR k.group_id = $2)
RETURNING {_COLUMNS}
"""


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """A key as it may be shown: everything but the secret."""

    id: int
    group_id: int
    """The group it acts in when the request names none."""
    group_ids: tuple[int, ...]
    """Its own group first, then the further ones."""
    name: str
    hint: str
    access: str
    personal_data: bool
    """Whether it is shown what identifies customers."""
    administration: bool
    """Whether it is shown credentials, connections and the audit trail."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @property
    def roles(self) -> frozenset[Role]:
        """What it may do."""
        roles = {
            Role.READ: True,
            Role.WRITE: self.access == "write",
            Role.PERSONAL_DATA: self.personal_data,
            Role.ADMINISTRATION: self.administration,
        }
        return frozenset(role for role, has in roles.items() if has)

    def holds(self, *, now: datetime) -> bool:
        """Whether it still works."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made. Its secret is shown this once; only the hash is stored."""

    key: ApiKeyRecord
    secret: str = field(repr=False)


def require_may_manage(principal: Principal, *, group_ids: Collection[int]) -> None:
    """Forbidden unless the principal may make or revoke credentials for these groups.

    A credential narrowed to a store or to projects may not: what it made would reach further than it does.
    """
    principal.require(ADMIN_ROLES)
    if principal.scope.store_id is not None or principal.scope.project_ids is not None:
        raise Forbidden(
            "A credential of one store or of some projects cannot manage those of the whole group."
        )
    if not set(group_ids) <= set(principal.scope.group_ids):
        raise Forbidden("A credential can only be made for groups that yours belongs to.")


async def create_api_key(
    db: Database,
    *,
    group_id: int,
    name: str,
    now: datetime,
    access: str = "read",
    personal_data: bool = False,
    administration: bool = False,
    further_group_ids: Collection[int] = (),
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Make a key. On behalf of a user, check `require_may_manage` first.

    `personal_data` and `administration`: what it may read beside campaigns and their figures.
    """
    if access not in ACCESS:
        raise Invalid(f"access {access!r:.40} is not one of read, write", path=["access"])
    if expires_at is not None and expires_at <= now:
        raise Invalid("expiresAt must lie in the future", path=["expiresAt"])
    name = read_name(name)
    secret = new_secret(PREFIX)
    further = sorted(set(further_group_ids) - {group_id})
    try:
        async with db.directory() as directory:
            with refusals():
                key_id = await directory.fetchval(
                    _INSERT, group_id, name, hint(secret), digest(secret), access, personal_data, administration,
                    now, expires_at,
                )  # fmt: skip
            if further:
                await directory.execute(_INSERT_GROUPS, key_id, further)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound("customer group", path=["groupId"]) from None
    record = ApiKeyRecord(
        id=int(key_id),
        group_id=group_id,
        group_ids=(group_id, *further),
        name=name,
        hint=hint(secret),
        access=access,
        personal_data=personal_data,
        administration=administration,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
    )
    return NewApiKey(record, secret)


async def list_api_keys(db: Database, *, group_id: int | None) -> list[ApiKeyRecord]:
    """Keys whose own group this is, newest first, revoked ones too. `None`: all, for the operator alone."""
    async with db.directory() as directory:
        return [_record(row) for row in await directory.fetch(_LIST, group_id)]


async def revoke_api_key(db: Database, *, key_id: int, group_id: int | None, now: datetime) -> ApiKeyRecord:
    """End a key; it stops working within seconds. `group_id` None: of any group, for the operator alone."""
    async with db.directory() as directory:
        row = await directory.fetchrow(_REVOKE, key_id, group_id, now)
    if row is None:
        raise NotFound("API key", key_id)
    return _record(row)


async def find_api_key(db: Database, *, secret: str) -> ApiKeyRecord | None:
    """The key of this secret, whether or not it still holds."""
    async with db.directory() as directory:
        row = await directory.fetchrow(_BY_SECRET, digest(secret))
    return None if row is None else _record(row)


def _record(row: "Record") -> ApiKeyRecord:
    return ApiKeyRecord(
        id=row["id"],
        group_id=row["group_id"],
        group_ids=(row["group_id"], *row["further"]),
        name=row["name"],
        hint=row["hint"],
        access=row["access"],
        personal_data=row["personal_data"],
        administration=row["administration"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
