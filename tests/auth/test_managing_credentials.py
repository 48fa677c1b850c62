"""Making, listing and revoking API keys and OAuth clients."""

from datetime import timedelta
from typing import Any

import pytest

from app.auth.clients import create_client, list_clients, revoke_client
from app.auth.keys import create_api_key, list_api_keys, require_may_manage, revoke_api_key
from app.auth.principal import Principal, Role
from app.db.database import Database
from app.errors import Forbidden, Invalid, NotFound
from app.values.scope import Scope
from tests.auth.conftest import NOW
from tests.given import groups

ADMIN = frozenset({Role.TENANT_ADMIN})


async def test_keys_are_listed_newest_first_without_their_secret(db: Database) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    first = await create_api_key(db, group_id=a.group_id, name="first", now=NOW)
    second = await create_api_key(
        db,
        group_id=a.group_id,
        name=" second ",
        access="write",
        further_group_ids=[b.group_id, a.group_id, b.group_id],
        expires_at=NOW + timedelta(days=1),
        now=NOW + timedelta(seconds=1),
    )
    await create_api_key(db, group_id=b.group_id, name="other", now=NOW)
    assert await list_api_keys(db, group_id=a.group_id) == [second.key, first.key]
    assert second.key.group_ids == (a.group_id, b.group_id)
    assert (second.key.name, second.key.access) == ("second", "write")
    assert second.key.hint == second.secret[:8]
    assert first.secret.startswith("cgk_")
    assert len(first.secret) == 47
    everyones = {key.id for key in await list_api_keys(db, group_id=None)}
    assert everyones > {first.key.id, second.key.id}


async def test_only_the_hash_of_a_secret_is_stored(db: Database) -> None:
    a = await groups.group(db)
    key = await create_api_key(db, group_id=a.group_id, name="k", now=NOW)
    client = await create_client(db, group_id=a.group_id, name="c", roles=[Role.MARKETING], now=NOW)
    async with db.directory() as directory:
        rows = [
            *await directory.fetch("SELECT * FROM api_key"),
            *await directory.fetch("SELECT * FROM oauth_client"),
        ]
    stored = " ".join(str(dict(row)) for row in rows)
    assert key.secret not in stored
    assert client.secret not in stored


async def test_a_key_is_revoked_once_and_only_by_its_own_group(db: Database) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    made = await create_api_key(db, group_id=a.group_id, name="k", further_group_ids=[b.group_id], now=NOW)
    with pytest.raises(NotFound) as foreign:
        await revoke_api_key(db, key_id=made.key.id, group_id=b.group_id, now=NOW)
    with pytest.raises(NotFound) as missing:
        await revoke_api_key(db, key_id=2**62, group_id=b.group_id, now=NOW)
    assert foreign.value.message.replace(str(made.key.id), "#") == missing.value.message.replace(
        str(2**62), "#"
    )
    gone = await revoke_api_key(db, key_id=made.key.id, group_id=a.group_id, now=NOW)
    assert gone.revoked_at == NOW
    again = await revoke_api_key(db, key_id=made.key.id, group_id=None, now=NOW + timedelta(days=1))
    assert again.revoked_at == NOW
    assert await list_api_keys(db, group_id=a.group_id) == [again]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"access": "admin"}, ["access"]),
        ({"expires_at": NOW}, ["expiresAt"]),
        ({"name": " "}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": "n\0ul"}, ["name"]),
        ({"name": "\ud800"}, ["name"]),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(
    db: Database, options: dict[str, Any], path: list[str]
) -> None:
    a = await groups.group(db)
    with pytest.raises(Invalid) as refused:
        await create_api_key(db, **{"group_id": a.group_id, "name": "k", "now": NOW, **options})
    assert refused.value.path == path
    assert await list_api_keys(db, group_id=a.group_id) == []


async def test_a_key_of_an_unknown_group_is_not_made(db: Database) -> None:
    a = await groups.group(db)
    with pytest.raises(NotFound, match="customer group"):
        await create_api_key(db, group_id=999_999, name="k", now=NOW)
    with pytest.raises(NotFound, match="customer group"):
        await create_api_key(db, group_id=a.group_id, name="k", further_group_ids=[999_999], now=NOW)
    assert await list_api_keys(db, group_id=a.group_id) == []  # nothing half-written


async def test_clients_are_made_listed_and_revoked(db: Database) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    made = await create_client(
        db, group_id=a.group_id, name="SDK", roles=[Role.MARKETING], store_id=a.store_id, now=NOW
    )
    assert await list_clients(db, group_id=a.group_id) == [made.client]
    assert await list_clients(db, group_id=b.group_id) == []
    assert made.client in await list_clients(db, group_id=None)
    for client_id in (made.client.client_id, "nobody", "n\0ul", "\ud800"):
        with pytest.raises(NotFound):
            await revoke_client(db, client_id=client_id, group_id=b.group_id, now=NOW)
    gone = await revoke_client(db, client_id=made.client.client_id, group_id=a.group_id, now=NOW)
    assert gone.revoked_at == NOW
    assert await list_clients(db, group_id=a.group_id) == [gone]


async def test_a_client_cannot_reach_past_its_group(db: Database) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    with pytest.raises(NotFound, match="store"):
        await create_client(
            db, group_id=a.group_id, name="c", roles=[Role.MARKETING], store_id=b.store_id, now=NOW
        )
    for roles in ([], [Role.SUPER_ADMIN], [Role.MARKETING, Role.PLATFORM_ADMIN]):
        with pytest.raises(Invalid) as refused:
            await create_client(db, group_id=a.group_id, name="c", roles=roles, now=NOW)
        assert refused.value.path == ["roles"]
    with pytest.raises(NotFound, match="customer group"):
        await create_client(db, group_id=999_999, name="c", roles=[Role.MARKETING], now=NOW)
    assert await list_clients(db, group_id=a.group_id) == []


@pytest.mark.parametrize(
    ("principal", "group_ids", "may"),
    [
        (Principal("user:1", Scope(1), ADMIN), [1], True),
        (Principal("user:1", Scope(1, group_ids=(1, 2)), ADMIN), [1, 2], True),
        (Principal("user:1", Scope(1), ADMIN), [1, 2], False),
        (Principal("user:1", Scope(1, 7), ADMIN), [1], False),
        (Principal("user:1", Scope(1, None, (3,)), ADMIN), [1], False),
        (Principal("user:1", Scope(1), frozenset({Role.MARKETING_MANAGER})), [1], False),
        (Principal("key:1", Scope(1), frozenset({Role.READ, Role.WRITE}), "api_key"), [1], False),
    ],
)
def test_who_may_manage_credentials(principal: Principal, group_ids: list[int], may: bool) -> None:
    if may:
        require_may_manage(principal, group_ids=group_ids)
        return
    with pytest.raises(Forbidden):
        require_may_manage(principal, group_ids=group_ids)
