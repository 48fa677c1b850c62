"""Bearer tokens of ours that were ended one by one, by their `jti`; remembered until they would have expired."""

from datetime import datetime, timedelta

from app.auth.claims import Claims
from app.db.auditing import OPERATOR, record
from app.db.database import Database, Transaction
from app.errors import Invalid
from app.values.scope import Scope

MAX_LIFE = timedelta(days=366)
"""Of tokens of ours: `gateway token --hours` makes none that lives longer."""
MAX_JTI = 64
EVERYWHERE = 0

_REVOKE = """
INSERT INTO revoked_token (jti, group_id, expires_at, revoked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (jti, group_id) DO NOTHING
"""
# What has expired by itself need not be remembered.
_FORGET = """
DELETE FROM revoked_token WHERE (jti, group_id) IN (
  SELECT jti, group_id FROM revoked_token WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""
_IS_REVOKED = "SELECT 1 FROM revoked_token WHERE jti = $1 AND group_id IN (0, $2)"


async def end_token(tx: Transaction, jti: str, *, expires_at: datetime | None, now: datetime) -> bool:
    """End this token where it acts in the group; within seconds it holds no longer. Doing it twice changes nothing.

    Whether it was not ended before.

    `expires_at`: when it ends by itself, where that is known.
    """
    _check(jti)
    await tx.execute(_FORGET, now)
    return await tx.execute(_REVOKE, jti, tx.scope.group_id, _until(expires_at, now), now) > 0


async def revoke_token(
    db: Database, *, jti: str, group_id: int | None, expires_at: datetime | None = None, now: datetime
) -> None:
    """The same, as the operator. `group_id` None: in every group."""
    if group_id is None:
        _check(jti)
        async with db.directory() as directory:
            await directory.execute(_FORGET, now)
            await directory.execute(_REVOKE, jti, EVERYWHERE, _until(expires_at, now), now)
        return
    async with db.transaction(Scope(group_id)) as tx:
        await end_token(tx, jti, expires_at=expires_at, now=now)
        await record(tx, OPERATOR, "token.revoke", subject=jti, now=now)


async def is_revoked(tx: Transaction, claims: Claims) -> bool:
    """Whether this token was ended in the group."""
    return (
        claims.jti is not None and await tx.fetchval(_IS_REVOKED, claims.jti, tx.scope.group_id) is not None
    )


def _until(expires_at: datetime | None, now: datetime) -> datetime:
    """Longer than it lives is of no use, and would let a table grow."""
    return now + MAX_LIFE if expires_at is None else min(expires_at, now + MAX_LIFE)


def _check(jti: str) -> None:
    if not (1 <= len(jti) <= MAX_JTI and jti.isascii() and jti.isprintable()):
        raise Invalid(
            "This is no `jti` of a token of ours: 1 to 64 printable ASCII characters.", path=["jti"]
        )
