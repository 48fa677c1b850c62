"""API keys: a group's credential for programs. Used by the graph's mutations and by `gateway keys`."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack

import asyncpg

from app.auth.material import digest, hint, new_secret
from app.auth.naming import read_name
from app.auth.principal import ADMIN_ROLES, Principal, Role
from app.db.auditing import OPERATOR, record, seen
from app.db.constraints import refusals
from app.db.database import Database, Transaction
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.values.ids import show_id
from app.values.scope import Scope

if TYPE_CHECKING:
    from asyncpg import Record

ACCESS = ("read", "write")
PREFIX = "cgk_"
DEFAULT_OVERLAP = timedelta(hours=24)
MAX_OVERLAP = timedelta(days=30)

_COLUMNS = """k.id, k.group_id, k.name, k.hint, k.access, k.personal_data, k.administration,
       k.created_at, k.expires_at, k.revoked_at, k.store_id, k.last_used_at, k.previous_until, k.hash,
       array(SELECT g.group_id FROM api_key_group g WHERE g.key_id = k.id ORDER BY g.group_id) AS further"""

_INSERT = """
INSERT INTO api_key (group_id, name, hint, hash, access, personal_data, administration, created_at, expires_at,
                     store_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING id
"""
_INSERT_GROUPS = """
INSERT INTO api_key_group (key_id, group_id) SELECT $1, unnest($2::bigint[])
"""
_STORE_EXISTS = "SELECT 1 FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_LIST = f"""
SELECT {_COLUMNS} FROM api_key k
 WHERE ($1::bigint IS NULL OR k.group_id = $1)
 ORDER BY k.created_at DESC, k.id DESC
"""
_BY_SECRET = f"SELECT {_COLUMNS} FROM api_key k WHERE k.hash = $1 OR k.previous_hash = $1"
_GROUP_OF = "SELECT group_id FROM api_key WHERE id = $1"
_OF_GROUP = f"SELECT {_COLUMNS} FROM api_key k WHERE k.id = $1 AND k.group_id = $2 FOR NO KEY UPDATE"
# A second revocation keeps the moment of the first: that is when the key stopped working.
_REVOKE = f"""
UPDATE api_key k SET revoked_at = coalesce(k.revoked_at, $3)
 WHERE k.id = $1 AND k.group_id = $2
RETURNING {_COLUMNS}
"""
# What was the former secret until now ends: there are two at most.
_ROTATE = """
UPDATE api_key SET previous_hash = CASE WHEN $5::timestamptz > $6 THEN hash END,
       previous_until = CASE WHEN $5::timestamptz > $6 THEN $5::timestamptz END, hash = $3, hint = $4, rotated_at = $6
 WHERE id = $1 AND group_id = $2
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
    store_id: int | None = None
    """Set: it sees this store alone."""
    last_used_at: datetime | None = None
    """To the minute or so."""
    previous_until: datetime | None = None
    """Until when the secret before the last rotation holds as well."""

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
    """A key just made or rotated. Its secret is shown this once; only the hash is stored."""

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


class KeyOptions(TypedDict, total=False):
    """What may be said of a new key beside its name."""

    access: str
    """`read` unless said, or `write`."""
    personal_data: bool
    """Whether it is shown what identifies customers; not unless said."""
    administration: bool
    """Whether it is shown credentials, connections and the audit trail; not unless said."""
    store_id: int | None
    """Binds it to one store of its group."""
    further_group_ids: Collection[int]
    """Groups it may act in beside its own."""
    expires_at: datetime | None


async def create_api_key(
    db: Database, *, group_id: int, name: str, now: datetime, **options: Unpack[KeyOptions]
) -> NewApiKey:
    """Make a key, as the operator."""
    try:
        async with db.transaction(Scope(group_id)) as tx:
            made = await insert_api_key(tx, name=name, now=now, **options)
            await record(
                tx, OPERATOR, "api_key.create",
                subject=show_id("key", made.key.id), after=await seen(tx, "api_key", made.key.id), now=now,
            )  # fmt: skip
            return made
    except asyncpg.ForeignKeyViolationError:
        raise NotFound("customer group", path=["groupId"]) from None


async def insert_api_key(
    tx: Transaction, *, name: str, now: datetime, **options: Unpack[KeyOptions]
) -> NewApiKey:
    """Make a key. On behalf of a user, check `require_may_manage` first."""
    group_id = tx.scope.group_id
    access, store_id = options.get("access", "read"), options.get("store_id")
    expires_at = options.get("expires_at")
    personal_data = options.get("personal_data", False)
    administration = options.get("administration", False)
    if access not in ACCESS:
        raise Invalid(f"access {access!r:.40} is not one of read, write", path=["access"])
    if expires_at is not None and expires_at <= now:
        raise Invalid("expiresAt must lie in the future", path=["expiresAt"])
    name = read_name(name)
    secret = new_secret(PREFIX)
    further = sorted(set(options.get("further_group_ids", ())) - {group_id})
    if store_id is not None:
        if further:
            raise Invalid("A key of one store belongs to that store's group alone.", path=["storeId"])
        if await tx.fetchval(_STORE_EXISTS, group_id, store_id) is None:
            raise NotFound("store", store_id, path=["storeId"])
    with refusals():
        key_id = await tx.fetchval(
            _INSERT, group_id, name, hint(secret), digest(secret), access, personal_data, administration, now,
            expires_at, store_id,
        )  # fmt: skip
    if further:
        await tx.execute(_INSERT_GROUPS, key_id, further)
    made = ApiKeyRecord(
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
        store_id=store_id,
    )
    return NewApiKey(made, secret)


async def list_api_keys(db: Database, *, group_id: int | None) -> list[ApiKeyRecord]:
    """Keys whose own group this is, newest first, revoked ones too. `None`: all, for the operator alone."""
    async with db.directory() as directory:
        return [_record(row) for row in await directory.fetch(_LIST, group_id)]


async def revoke_api_key(db: Database, *, key_id: int, group_id: int | None, now: datetime) -> ApiKeyRecord:
    """End a key, as the operator; it stops working within seconds. `group_id` None: of any group."""
    group_id = await _group_of(db, key_id, group_id)
    async with db.transaction(Scope(group_id)) as tx:
        before = await seen(tx, "api_key", key_id)
        ended = await end_api_key(tx, key_id, now=now)
        after = await seen(tx, "api_key", key_id)
        if before != after:
            await record(
                tx, OPERATOR, "api_key.revoke",
                subject=show_id("key", key_id), before=before, after=after, now=now,
            )  # fmt: skip
    return ended


async def end_api_key(tx: Transaction, key_id: int, *, now: datetime) -> ApiKeyRecord:
    """End a key of the group; it stops working within seconds."""
    row = await tx.fetchrow(_REVOKE, key_id, tx.scope.group_id, now)
    if row is None:
        raise NotFound("API key", key_id)
    return _record(row)


async def rotate_api_key(
    db: Database, *, key_id: int, group_id: int | None, overlap: timedelta = DEFAULT_OVERLAP, now: datetime
) -> NewApiKey:
    """Give a key a new secret, as the operator. `group_id` None: of any group."""
    group_id = await _group_of(db, key_id, group_id)
    async with db.transaction(Scope(group_id)) as tx:
        before = await seen(tx, "api_key", key_id)
        made = await renew_api_key(tx, key_id, overlap=overlap, now=now)
        await record(
            tx, OPERATOR, "api_key.rotate",
            subject=show_id("key", key_id), before=before, after=await seen(tx, "api_key", key_id), now=now,
        )  # fmt: skip
    return made


async def renew_api_key(
    tx: Transaction, key_id: int, *, overlap: timedelta = DEFAULT_OVERLAP, now: datetime
) -> NewApiKey:
    """Give a key of the group a new secret. The former one holds for `overlap` as well, the one before it ends."""
    if not timedelta() <= overlap <= MAX_OVERLAP:
        hours = int(MAX_OVERLAP.total_seconds() // 3600)
        raise Invalid(f"`keepPreviousHours` must be from 0 to {hours}.", path=["keepPreviousHours"])
    row = await tx.fetchrow(_OF_GROUP, key_id, tx.scope.group_id)
    if row is None:
        raise NotFound("API key", key_id, path=["id"])
    if not _record(row).holds(now=now):
        raise Conflict("This key has ended; make a new one.", path=["id"], code="KEY_ENDED")
    secret = new_secret(PREFIX)
    await tx.execute(_ROTATE, key_id, tx.scope.group_id, digest(secret), hint(secret), now + overlap, now)
    row = await tx.fetchrow(_OF_GROUP, key_id, tx.scope.group_id)
    assert row is not None
    return NewApiKey(_record(row), secret)


async def find_api_key(db: Database, *, secret: str) -> ApiKeyRecord | None:
    """The key of this secret, whether or not it still holds. By its former secret it ends when that does."""
    hashed = digest(secret)
    async with db.directory() as directory:
        row = await directory.fetchrow(_BY_SECRET, hashed)
    if row is None:
        return None
    if bytes(row["hash"]) == hashed:
        return _record(row)
    ends = min(moment for moment in (row["previous_until"], row["expires_at"]) if moment is not None)
    return _record({**row, "expires_at": ends})


async def _group_of(db: Database, key_id: int, group_id: int | None) -> int:
    async with db.directory() as directory:
        found = await directory.fetchval(_GROUP_OF, key_id)
    if found is None or group_id not in (None, found):
        raise NotFound("API key", key_id)
    return int(found)


def _record(row: "Record | dict[str, object]") -> ApiKeyRecord:
    kept: dict[str, object] = dict(row)
    further = kept.pop("further")
    del kept["hash"]
    return ApiKeyRecord(group_ids=(row["group_id"], *further), **kept)  # type: ignore[misc,arg-type]
