"""Administration is written down: who, when, from where, what before and after, and nothing secret."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.auth.auditing import KEPT, entries
from app.auth.clients import create_client, revoke_client
from app.auth.keys import create_api_key, revoke_api_key, rotate_api_key
from app.auth.principal import Role
from app.auth.revoking import revoke_token
from app.db.database import Database
from app.errors import NotFound
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import groups
from tests.given.asking import NOW, Asker
from tests.given.groups import GivenGroup

SECRET = "sekrit-" * 4


@pytest.fixture
async def group(db: Database) -> GivenGroup:
    return await groups.group(db)


@pytest.fixture
def asker(db: Database, tmp_path: Path) -> Asker:
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": "s" * 40}))


async def trail(db: Database, group: GivenGroup) -> list[dict[str, Any]]:
    return [entry async for entry in entries(db, group.group_id, since=None)]


async def do(
    asker: Asker, group: GivenGroup, mutation: str, shown: str, *, planner: bool = True, **sent: Any
) -> Any:
    kind = mutation[0].upper() + mutation[1:]
    query = f"mutation($i: {kind}Input!) {{ {mutation}(input: $i) {{ {shown} errors {{ code message }} }} }}"
    context = asker.context(group.scope, planner=planner, roles=frozenset({Role.TENANT_ADMIN}))
    context.address = "203.0.113.7"
    made = await answer(Operation(query, {"i": sent}), context)
    assert made.errors == [], made
    data = json.loads(made.data or b"{}")[mutation]
    assert data["errors"] == []
    return data


@pytest.mark.parametrize("planner", [True, False])
async def test_every_step_of_a_credential_s_life(
    db: Database, asker: Asker, group: GivenGroup, planner: bool
) -> None:
    made = await do(asker, group, "apiKeyCreate", "apiKey { id } secret", planner=planner, name="till")
    key = made["apiKey"]["id"]
    rotated = await do(asker, group, "apiKeyRotate", "apiKey { id } secret", planner=planner, id=key)
    await do(asker, group, "apiKeyRevoke", "apiKey { id }", planner=planner, id=key)
    await do(asker, group, "apiKeyRevoke", "apiKey { id }", planner=planner, id=key)
    await do(asker, group, "tokenRevoke", "revokedJti", planner=planner, jti="abc")
    kept = await trail(db, group)
    assert [one["action"] for one in kept] == [
        "api_key.create", "api_key.rotate", "api_key.revoke", "token.revoke",
    ]  # fmt: skip
    assert {(one["actor"], one["address"]) for one in kept} == {("key:1", "203.0.113.7")}
    assert [one["subject"] for one in kept] == [key, key, key, "abc"]
    created, renewed, revoked, _ = kept
    assert (created["before"], created["after"]["name"]) == (None, "till")
    assert renewed["before"]["hint"] != renewed["after"]["hint"]
    assert (revoked["before"]["revoked_at"], revoked["after"]["revoked_at"] is None) == (None, False)
    said = json.dumps(kept, default=str)
    assert made["secret"] not in said
    assert rotated["secret"] not in said


@pytest.mark.parametrize("planner", [True, False])
async def test_connections_stores_and_settings(
    db: Database, asker: Asker, group: GivenGroup, planner: bool
) -> None:
    made = await do(
        asker, group, "webhookConnectionCreate", "connection { id }",
        planner=planner, provider="TWILIO", secret=SECRET, providerSecret=SECRET[::-1],
    )  # fmt: skip
    hook = made["connection"]["id"]
    await do(
        asker,
        group,
        "webhookConnectionRotate",
        "connection { id }",
        planner=planner,
        id=hook,
        secret=SECRET * 2,
    )
    await do(asker, group, "webhookConnectionDisconnect", "connection { id }", planner=planner, id=hook)
    store = (await do(asker, group, "storeCreate", "store { id }", planner=planner, name="Lyon"))["store"][
        "id"
    ]
    await do(asker, group, "storeUpdate", "store { id }", planner=planner, id=store, name="Lyon 2")
    await do(asker, group, "storeUpdate", "store { id }", planner=planner, id=store, name="Lyon 2")
    await do(asker, group, "groupUpdate", "group { id }", planner=planner, name="Other")
    kept = await trail(db, group)
    assert [(one["action"], one["subject"]) for one in kept] == [
        ("webhook_connection.create", hook), ("webhook_connection.rotate", hook),
        ("webhook_connection.disconnect", hook), ("store.create", store), ("store.update", store),
        ("group.update", f"group_{group.group_id}"),
    ]  # fmt: skip
    assert [kept[4][side]["name"] for side in ("before", "after")] == ["Lyon", "Lyon 2"]
    assert kept[5]["after"]["name"] == "Other"
    assert SECRET not in json.dumps(kept, default=str)
    assert SECRET[::-1] not in json.dumps(kept, default=str)


async def test_what_was_not_done_is_not_written_down(db: Database, asker: Asker, group: GivenGroup) -> None:
    context = asker.context(group.scope, roles=frozenset({Role.TENANT_ADMIN}))
    query = 'mutation { storeUpdate(input: {id: "store_999999", name: "x"}) { errors { code } } }'
    made = await answer(Operation(query), context)
    assert json.loads(made.data or b"")["storeUpdate"]["errors"]
    assert await trail(db, group) == []


async def test_the_operator_s_commands_are_written_down_as_well(db: Database, group: GivenGroup) -> None:
    key = await create_api_key(db, group_id=group.group_id, name="k", now=NOW)
    await rotate_api_key(db, key_id=key.key.id, group_id=None, now=NOW)
    await revoke_api_key(db, key_id=key.key.id, group_id=group.group_id, now=NOW)
    client = await create_client(db, group_id=group.group_id, name="c", roles=[Role.MARKETING], now=NOW)
    await revoke_client(db, client_id=client.client.client_id, group_id=None, now=NOW)
    await revoke_token(db, jti="abc", group_id=group.group_id, now=NOW)
    kept = await trail(db, group)
    assert [one["action"] for one in kept] == [
        "api_key.create", "api_key.rotate", "api_key.revoke", "oauth_client.create", "oauth_client.revoke",
        "token.revoke",
    ]  # fmt: skip
    assert {(one["actor"], one["address"]) for one in kept} == {("cli", None)}
    said = json.dumps(kept, default=str)
    assert key.secret not in said
    assert client.secret not in said


async def test_another_group_s_credentials_are_not_found(db: Database, group: GivenGroup) -> None:
    other = await groups.group(db)
    key = await create_api_key(db, group_id=group.group_id, name="k", now=NOW)
    client = await create_client(db, group_id=group.group_id, name="c", roles=[Role.MARKETING], now=NOW)
    with pytest.raises(NotFound):
        await rotate_api_key(db, key_id=key.key.id, group_id=other.group_id, now=NOW)
    with pytest.raises(NotFound):
        await revoke_client(db, client_id=client.client.client_id, group_id=other.group_id, now=NOW)
    assert await trail(db, other) == []


async def test_admins_read_it_by_one_statement_and_nobody_else_does(
    db: Database, asker: Asker, group: GivenGroup
) -> None:
    await do(asker, group, "storeCreate", "store { id }", name="Lyon")
    await do(asker, group, "apiKeyCreate", "apiKey { id }", name="k")
    query = """query($f: AuditEntryFilter) { auditEntries(filter: $f) {
        totalCount nodes { action actor address subject before after createdAt } } }"""
    for planner in (True, False):
        context = asker.context(group.scope, planner=planner, roles=frozenset({Role.TENANT_ADMIN}))
        made = await answer(Operation(query, {"f": {"actions": ["store.create"], "actor": "key:1"}}), context)
        assert made.execution == ("planned" if planner else "resolved")
        listed = json.loads(made.data or b"")["auditEntries"]
        assert (listed["totalCount"], listed["nodes"][0]["after"]["name"]) == (1, "Lyon")
        narrowed = {"f": {"since": (NOW + timedelta(days=1)).isoformat()}}
        made = await answer(Operation(query, narrowed), context)
        assert json.loads(made.data or b"")["auditEntries"]["totalCount"] == 0
        for role in (Role.READ, Role.MARKETING, Role.PERSONAL_DATA):
            context = asker.context(group.scope, planner=planner, roles=frozenset({Role.READ, role}))
            assert (await answer(Operation(query), context)).errors[0]["extensions"]["code"] == "FORBIDDEN"
        # One store's admin does not see the group's.
        narrow = asker.context(
            replace(group.scope, store_id=group.store_id),
            planner=planner,
            roles=frozenset({Role.TENANT_ADMIN}),
        )
        made = await answer(Operation(query), narrow)
        assert json.loads(made.data or b"")["auditEntries"]["totalCount"] == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'nobody' WHERE group_id = $1",
        "DELETE FROM audit_entry WHERE group_id = $1",
        "TRUNCATE audit_entry",
    ],
)
async def test_nobody_changes_what_is_written(db: Database, group: GivenGroup, statement: str) -> None:
    await create_api_key(db, group_id=group.group_id, name="k", now=NOW)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.transaction(Scope(group.group_id)) as tx:
            await tx.execute(statement, *([group.group_id] if "$1" in statement else []))
    assert len(await trail(db, group)) == 1


def test_nothing_that_is_kept_is_a_secret() -> None:
    for table, columns in KEPT.items():
        for column in columns:
            assert not any(word in column for word in ("hash", "secret", "sealed", "token")), (table, column)
