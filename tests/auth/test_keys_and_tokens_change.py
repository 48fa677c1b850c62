"""Keys bound to a store, keys with new secrets, when they were used; tokens that were ended one by one."""

from collections.abc import Callable
from datetime import timedelta

import jwt
import pytest

from app.auth.credentials import GOOD_LIFE, Authenticator
from app.auth.keys import create_api_key, list_api_keys, revoke_api_key, rotate_api_key
from app.auth.principal import Role
from app.auth.revoking import revoke_token
from app.db.database import Database
from app.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from app.settings import Settings
from tests.auth.conftest import JWT_SECRET, NOW
from tests.given import groups

HOUR = timedelta(hours=1)


async def test_a_key_bound_to_a_store_sees_this_one_alone(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    other = await groups.store(db, a.group_id)
    made = await create_api_key(db, group_id=a.group_id, name="till", store_id=a.store_id, now=NOW)
    key = made.secret
    assert (await authenticator.authenticate(api_key=key, now=NOW)).scope.store_id == a.store_id
    own = await authenticator.authenticate(api_key=key, beacon_key=a.beacon_key, now=NOW)
    assert own.scope.store_id == a.store_id
    with pytest.raises(Forbidden):
        await authenticator.authenticate(api_key=key, beacon_key=other.beacon_key, now=NOW)


async def test_a_store_that_is_not_the_group_s_binds_nothing(db: Database) -> None:
    a, b = await groups.group(db), await groups.group(db)
    with pytest.raises(NotFound):
        await create_api_key(db, group_id=a.group_id, name="k", store_id=b.store_id, now=NOW)
    with pytest.raises(Invalid):
        await create_api_key(
            db, group_id=a.group_id, name="k", store_id=a.store_id, further_group_ids=[b.group_id], now=NOW
        )


async def test_a_rotated_key_holds_by_both_secrets_for_a_while(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    first = await create_api_key(db, group_id=a.group_id, name="k", access="write", now=NOW)
    second = await rotate_api_key(db, key_id=first.key.id, group_id=None, overlap=HOUR, now=NOW)
    for secret in (first.secret, second.secret):
        principal = await authenticator.authenticate(api_key=secret, now=NOW)
        assert principal.name == f"key:{first.key.id}"
        assert principal.roles == {Role.READ, Role.WRITE}
    # Remembered or not, the former one ends with its time.
    for moment in (NOW + HOUR, NOW + 2 * HOUR):
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(api_key=first.secret, now=moment)
        await authenticator.authenticate(api_key=second.secret, now=moment)
    # There are two at most: what was the former one until now ends.
    third = await rotate_api_key(db, key_id=first.key.id, group_id=None, overlap=HOUR, now=NOW)
    fourth = await rotate_api_key(db, key_id=first.key.id, group_id=None, overlap=timedelta(), now=NOW)
    later = NOW + GOOD_LIFE
    for secret in (second.secret, third.secret):
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(api_key=secret, now=later)
    await authenticator.authenticate(api_key=fourth.secret, now=later)


async def test_a_revoked_key_holds_by_neither_and_gets_no_new_secret(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    first = await create_api_key(db, group_id=a.group_id, name="k", now=NOW)
    second = await rotate_api_key(db, key_id=first.key.id, group_id=None, now=NOW)
    await revoke_api_key(db, key_id=first.key.id, group_id=None, now=NOW)
    for secret in (first.secret, second.secret):
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(api_key=secret, now=NOW)
    with pytest.raises(Conflict):
        await rotate_api_key(db, key_id=first.key.id, group_id=None, now=NOW)
    with pytest.raises(Invalid):
        await rotate_api_key(db, key_id=first.key.id, group_id=None, overlap=timedelta(days=31), now=NOW)


async def test_a_grace_period_does_not_outlive_the_key(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    first = await create_api_key(db, group_id=a.group_id, name="k", expires_at=NOW + HOUR, now=NOW)
    await rotate_api_key(db, key_id=first.key.id, group_id=None, overlap=2 * HOUR, now=NOW)
    await authenticator.authenticate(api_key=first.secret, now=NOW)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(api_key=first.secret, now=NOW + HOUR)


async def test_when_a_key_was_used_is_written_beside_the_requests(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    made = await create_api_key(db, group_id=a.group_id, name="k", now=NOW)
    taken = db.writer.taken
    await authenticator.authenticate(api_key=made.secret, now=NOW)
    for _ in range(20):
        await authenticator.authenticate(api_key=made.secret, now=NOW)
    assert db.writer.taken == taken + 1  # The look-up, and nothing besides.
    (key,) = await list_api_keys(db, group_id=a.group_id)
    assert key.last_used_at is None
    await authenticator.close()
    (key,) = await list_api_keys(db, group_id=a.group_id)
    assert key.last_used_at == NOW
    # Another process may have seen a later one.
    await authenticator.authenticate(api_key=made.secret, now=NOW - HOUR)
    await authenticator.close()
    (key,) = await list_api_keys(db, group_id=a.group_id)
    assert key.last_used_at == NOW


async def test_one_token_ends_and_the_others_hold(db: Database, authenticator: Authenticator) -> None:
    a, b = await groups.group(db), await groups.group(db)
    tokens = [
        authenticator.tokens.mint(subject="s", group_id=g.group_id, roles=[Role.MARKETING], now=NOW)
        for g in (a, a, b)
    ]
    ids = [jwt.decode(token, options={"verify_signature": False})["jti"] for token in tokens]
    for token in tokens:
        await authenticator.authenticate(bearer=token, now=NOW)
    await revoke_token(db, jti=ids[0], group_id=a.group_id, now=NOW)
    # No group ends another's.
    await revoke_token(db, jti=ids[2], group_id=a.group_id, now=NOW)
    later = NOW + GOOD_LIFE
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(bearer=tokens[0], now=later)
    for token in tokens[1:]:
        await authenticator.authenticate(bearer=token, now=later)
    # The operator does, everywhere.
    await revoke_token(db, jti=ids[2], group_id=None, now=NOW)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(bearer=tokens[2], now=later + GOOD_LIFE)


async def test_ended_tokens_are_remembered_until_they_would_have_expired(db: Database) -> None:
    a = await groups.group(db)
    await revoke_token(db, jti="old", group_id=a.group_id, expires_at=NOW, now=NOW)
    await revoke_token(db, jti="long", group_id=a.group_id, now=NOW)
    await revoke_token(
        db, jti="new", group_id=a.group_id, expires_at=NOW + HOUR, now=NOW + timedelta(seconds=1)
    )
    async with db.directory() as directory:
        rows = await directory.fetch(
            "SELECT jti FROM revoked_token WHERE group_id = $1 ORDER BY jti", a.group_id
        )
    assert [row["jti"] for row in rows] == ["long", "new"]


async def test_a_foreign_token_s_jti_is_not_ours(db: Database, settings_of: Callable[..., Settings]) -> None:
    """With JWT_ISSUER another program signs with the same secret; its names are its own."""
    a = await groups.group(db)
    outside = Authenticator(settings_of(JWT_ISSUER="https://login.example"), db)
    claims = {
        "iss": "https://login.example", "group": a.group_id, "exp": int(NOW.timestamp()) + 600, "jti": "x",
    }  # fmt: skip
    await outside.authenticate(bearer=jwt.encode(claims, JWT_SECRET), now=NOW)


@pytest.mark.parametrize("jti", ["", "x" * 65, "é", "a\nb", "\0"])
async def test_what_is_no_jti_is_refused(db: Database, jti: str) -> None:
    a = await groups.group(db)
    with pytest.raises(Invalid):
        await revoke_token(db, jti=jti, group_id=a.group_id, now=NOW)
