"""One credential, compared with the database: what it may do there, and until when.

Nobody learns which groups exist, or whose a store or project is: a border that names something foreign and one
that names nothing are refused in the same words.
"""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.auth.claims import Claims, read_group
from app.auth.clients import find_client
from app.auth.keys import ApiKeyRecord, find_api_key
from app.auth.material import MAX_LENGTH, digest
from app.auth.principal import PLATFORM_ROLES, Principal
from app.auth.revoking import is_revoked
from app.auth.tokens import Tokens
from app.auth.uses import KeyUses
from app.db.database import Database, Transaction
from app.errors import Forbidden, Unauthorized
from app.settings import Settings
from app.values.known import KnownFor
from app.values.scope import Scope

LOOKUPS = 4
"""How many credentials are looked up at once: a flood of wrong ones leaves connections for the rest."""
AUDIT_EVERY = timedelta(minutes=10)
"""A token that keeps entering the same group is audited once in this time."""

NOT_THAT_GROUP = "This credential may not act in that group."
NOT_THAT_STORE = "This credential has no such store."
NOT_THAT_PROJECT = "This credential has no such project."

_GROUP_EXISTS = "SELECT 1 FROM tenant WHERE id = $1"
_STORE_BY_BEACON = "SELECT id FROM store WHERE group_id = $1 AND beacon_key = $2 AND deleted_at IS NULL"
_STORE_BY_ID = "SELECT id FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_PROJECTS_BY_ID = "SELECT id FROM project WHERE group_id = $1 AND id = ANY ($2::bigint[])"
_PROJECTS_BY_SLUG = "SELECT project_id FROM project_slug WHERE group_id = $1 AND slug = ANY ($2::text[])"
_AUDIT = """
INSERT INTO audit_entry (group_id, actor, action, detail, address) VALUES ($1, $2, 'enter_group', $3::json, $4)
"""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request brought, as sent. Never printed."""

    api_key: str | None = field(default=None, repr=False)
    beacon_key: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """A credential that is valid, and when it expires by itself."""

    principal: Principal
    expires_at: datetime | None


class Lookup:
    """From credentials to principals. Remembers nothing but what was audited."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.tokens = Tokens(settings)
        self.uses = KeyUses(db)
        self._group_claim = settings.jwt_group_claim
        self._db = db
        self._turns = asyncio.Semaphore(LOOKUPS)
        self._audited: KnownFor[tuple[bytes, int], bool] = KnownFor(2_000, life=AUDIT_EVERY)

    async def prove(self, sent: Credential, *, now: datetime, address: str | None = None) -> Proven:
        """Unauthorized for what is not valid, Forbidden for what reaches past its borders.

        With both kinds each must be valid and both must mean the same scope; the token's person is the one who acts.
        """
        key = None if sent.api_key is None else await self._prove_key(sent.api_key, sent, now=now)
        token = (
            None
            if sent.bearer is None
            else await self._prove_token(sent.bearer, sent, now=now, address=address)
        )
        if key is None or token is None:
            proven = key or token
            if proven is None:
                raise Unauthorized
            return proven
        if _borders(key) != _borders(token):
            raise Unauthorized("The API key and the bearer token disagree: send only one of them.")
        return Proven(
            token.principal, min((t for t in (key.expires_at, token.expires_at) if t), default=None)
        )

    async def _prove_key(self, secret: str, sent: Credential, *, now: datetime) -> Proven:
        if not secret or len(secret) > MAX_LENGTH:
            raise Unauthorized
        async with self._turns:
            key = await find_api_key(self._db, secret=secret)
            if key is None or not key.holds(now=now):
                raise Unauthorized
            group_id = key.group_id if sent.group is None else read_group(sent.group)
            if group_id is None or group_id not in key.group_ids:
                raise Forbidden(NOT_THAT_GROUP)
            store_id: int | None = None
            if sent.beacon_key is not None or key.store_id is not None:
                async with self._db.transaction(Scope(group_id)) as tx:
                    store_id = await _store_of_key(tx, key, sent.beacon_key)
        self.uses.note(key.id, now=now)
        scope = Scope(group_id, store_id, group_ids=key.group_ids)
        return Proven(Principal(f"key:{key.id}", scope, key.roles, "api_key"), key.expires_at)

    async def _prove_token(
        self, bearer: str, sent: Credential, *, now: datetime, address: str | None
    ) -> Proven:
        claims = await self.tokens.verify(bearer, now=now)
        group_id = self._group_of(claims, sent.group)
        entering = claims.group_id is None
        async with self._turns:
            await self._check_directory(claims, group_id)
            async with self._db.transaction(Scope(group_id)) as tx:
                if await is_revoked(tx, claims):
                    raise Unauthorized
                scope = await _narrowed(tx, claims, sent.beacon_key)
                visit = (digest(bearer), group_id)
                if entering and self._audited.get(visit, now=now) is None:
                    detail = json.dumps({"roles": sorted(claims.roles)})
                    await tx.execute(_AUDIT, group_id, claims.name, detail, address or None)
        if entering:
            self._audited.keep(visit, True, now=now)
        return Proven(Principal(claims.name, scope, claims.roles, "token"), claims.expires_at)

    def _group_of(self, claims: Claims, wanted: str | None) -> int:
        # A token bound to a group stays in it, whatever its roles: roles grant verbs, not groups.
        named = None if wanted is None else read_group(wanted)
        if claims.group_id is not None:
            if wanted is not None and named != claims.group_id:
                raise Forbidden(NOT_THAT_GROUP)
            return claims.group_id
        if claims.roles.isdisjoint(PLATFORM_ROLES):
            raise Forbidden(
                f"The token names no group (claim {self._group_claim!r}) and holds no platform role."
            )
        if wanted is None:
            raise Forbidden("The token names no group: say which one in X-Group-Id.")
        if named is None:
            raise Forbidden(NOT_THAT_GROUP)
        return named

    async def _check_directory(self, claims: Claims, group_id: int) -> None:
        if claims.client_id is not None:
            client = await find_client(self._db, client_id=claims.client_id)
            if client is None or client.revoked_at is not None or client.group_id != group_id:
                raise Unauthorized
        async with self._db.directory() as directory:
            if await directory.fetchval(_GROUP_EXISTS, group_id) is None:
                raise Forbidden(NOT_THAT_GROUP)


def _borders(proven: Proven) -> tuple[object, ...]:
    scope = proven.principal.scope
    return scope.group_id, scope.store_id, scope.project_ids


async def _narrowed(tx: Transaction, claims: Claims, beacon_key: str | None) -> Scope:
    """The group, narrowed by the token's store and projects and by the beacon; all must be its own."""
    group_id = tx.scope.group_id
    store_id = claims.store_id
    if store_id is not None and await tx.fetchval(_STORE_BY_ID, group_id, store_id) is None:
        raise Forbidden(NOT_THAT_STORE)
    if beacon_key is not None:
        named = await _store_of_beacon(tx, beacon_key)
        if store_id is not None and named != store_id:
            raise Forbidden(NOT_THAT_STORE)
        store_id = named
    return Scope(group_id, store_id, await _projects_of(tx, claims))


async def _store_of_key(tx: Transaction, key: ApiKeyRecord, beacon_key: str | None) -> int:
    """The store that the key is bound to, or that the beacon names; where both do, they must mean the same."""
    if key.store_id is not None and await tx.fetchval(_STORE_BY_ID, tx.scope.group_id, key.store_id) is None:
        raise Forbidden(NOT_THAT_STORE)
    if beacon_key is None:
        assert key.store_id is not None
        return key.store_id
    named = await _store_of_beacon(tx, beacon_key)
    if key.store_id not in (None, named):
        raise Forbidden(NOT_THAT_STORE)
    return named


async def _store_of_beacon(tx: Transaction, beacon_key: str) -> int:
    store_id = None
    if beacon_key.isprintable():  # NUL and lone surrogates can neither be stored nor searched for
        store_id = await tx.fetchval(_STORE_BY_BEACON, tx.scope.group_id, beacon_key)
    if store_id is None:
        raise Forbidden(NOT_THAT_STORE)
    return int(store_id)


async def _projects_of(tx: Transaction, claims: Claims) -> tuple[int, ...] | None:
    if claims.project_ids is None:
        return None
    group_id, ids, slugs = tx.scope.group_id, set(claims.project_ids), set(claims.project_slugs)
    known = {row["id"] for row in await tx.fetch(_PROJECTS_BY_ID, group_id, list(ids))} if ids else set()
    named = []
    if slugs and all(slug.isprintable() for slug in slugs):
        named = await tx.fetch(_PROJECTS_BY_SLUG, group_id, list(slugs))
    if len(known) != len(ids) or len(named) != len(slugs):
        raise Forbidden(NOT_THAT_PROJECT)
    return tuple(sorted(known | {row["project_id"] for row in named}))
