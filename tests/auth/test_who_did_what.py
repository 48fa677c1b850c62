"""Administration is written down: who, when, from where, what before and after, and nothing secret."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.auth.clients import create_client, revoke_client
from app.auth.credentials import Authenticator
from app.auth.keys import create_api_key, revoke_api_key, rotate_api_key
from app.auth.principal import Principal, Role
from app.auth.revoking import revoke_token
from app.auth.tokens import Tokens
from app.db.auditing import KEPT, entries
from app.db.database import Database
from app.domain.audited import DECLARED, kept_of
from app.domain.event_types.operations import EventTypeFields
from app.domain.groups.fields import GroupFields, ProjectFields, StoreFields
from app.domain.groups.operations import set_quotas
from app.domain.settable import settable_fields
from app.errors import NotFound
from app.graph.live.watching import Watches
from app.graph.running.entry import Operation, answer
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import groups, projects
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
        asker, group, "webhookEndpointCreate", "endpoint { id }",
        planner=planner, provider="TWILIO", secret=SECRET, providerSecret=SECRET[::-1],
    )  # fmt: skip
    hook = made["endpoint"]["id"]
    await do(
        asker,
        group,
        "webhookEndpointRotate",
        "endpoint { id }",
        planner=planner,
        id=hook,
        secret=SECRET * 2,
    )
    await do(asker, group, "webhookEndpointDisconnect", "endpoint { id }", planner=planner, id=hook)
    store = (await do(asker, group, "storeCreate", "store { id }", planner=planner, name="Lyon"))["store"][
        "id"
    ]
    await do(asker, group, "storeUpdate", "store { id }", planner=planner, id=store, name="Lyon 2")
    await do(asker, group, "storeUpdate", "store { id }", planner=planner, id=store, name="Lyon 2")
    await do(asker, group, "groupUpdate", "group { id }", planner=planner, name="Other")
    kept = await trail(db, group)
    assert [(one["action"], one["subject"]) for one in kept] == [
        ("webhook_endpoint.create", hook), ("webhook_endpoint.rotate", hook),
        ("webhook_endpoint.disconnect", hook), ("store.create", store), ("store.update", store),
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


async def test_what_is_kept_of_rows_is_changed_by_nobody_who_erases_nobody(
    db: Database, group: GivenGroup
) -> None:
    await create_api_key(db, group_id=group.group_id, name="k", now=NOW)
    async with db.transaction(Scope(group.group_id)) as tx:
        for column in ("before", "after", "detail"):
            assert (
                await tx.execute(
                    f"UPDATE audit_entry SET {column} = NULL WHERE group_id = $1", group.group_id
                )
                == 0
            )


SETS: dict[str, tuple[str, type, dict[str, Any]]] = {
    "customer_group": ("groupUpdate", GroupFields, {
        "name": "Other", "timeZone": "Asia/Tokyo", "country": "JP", "keepBodiesDays": 1,
        "keepDeliveriesDays": 2, "keepTrashDays": 3, "keepTracesDays": 4, "keepAnswersHours": 5,
        "attributionModel": "LINEAR", "attributionWindowDays": 14, "attributionHalfLifeDays": 3,
    }),
    "store": ("storeUpdate", StoreFields, {
        "name": "Other", "beaconKey": "b-9", "timeZone": "Asia/Tokyo", "country": "JP", "isDefault": True,
        "unavailableFeatures": ["DAILY_LIMITS"],
    }),
    "project": ("projectUpdate", ProjectFields, {
        "name": "Other", "identityFields": ["card"], "maxEventBytes": 2_048, "clockAheadS": 600,
        "clockBehindS": 86_400,
    }),
    "event_type": ("eventTypeUpdate", EventTypeFields, {
        "name": "Other", "funnelStage": "PURCHASE", "trigger": "SPEND", "triggerByStrangers": True,
    }),
}  # fmt: skip
"""What can be set, by table: the mutation, the declaration, and a value for each of its fields."""
CHOSEN_ONCE = {"project": {"slug", "storeId"}}
"""What is set when it is made, and not changed later."""


@pytest.mark.parametrize("table", SETS)
async def test_every_setting_that_is_changed_is_written_down(
    db: Database, asker: Asker, group: GivenGroup, table: str
) -> None:
    mutation, declared, values = SETS[table]
    kept = {one.steps[0] for one in settable_fields(declared) if one.setting.kept}
    assert set(values) == kept - CHOSEN_ONCE.get(table, set())
    ids = await rows_to_set(db, asker, group)
    for n, (name, value) in enumerate(values.items()):
        before = len(await trail(db, group))
        sent = {name: value} if table == "customer_group" else {"id": ids[table], name: value}
        await do(asker, group, mutation, "__typename", planner=bool(n % 2), **sent)
        (entry,) = (await trail(db, group))[before:]
        column = next(one.column for one in settable_fields(declared) if one.steps[0] == name)
        assert entry["before"][column] != entry["after"][column], name
        assert entry["address"] == "203.0.113.7"
        # What stays as it was is no change.
        await do(asker, group, mutation, "__typename", **sent)
        assert len(await trail(db, group)) == before + 1


async def rows_to_set(db: Database, asker: Asker, group: GivenGroup) -> dict[str, str]:
    """A row of each kind: their ids in the graph."""
    store = await do(asker, group, "storeCreate", "store { id }", name="Lyon")
    async with db.transaction(group.scope) as tx:
        project = await tx.fetchval(
            "INSERT INTO project (group_id, name, is_internal) VALUES ($1, 'Shop', true) RETURNING id",
            group.group_id,
        )
    made = await do(
        asker, group, "eventTypeCreate", "eventType { id }", project=f"proj_{project}", reference="order"
    )
    return {
        "store": store["store"]["id"],
        "project": f"proj_{project}",
        "event_type": made["eventType"]["id"],
    }


async def test_an_event_type_by_its_reference_is_written_down_as_well(
    db: Database, asker: Asker, group: GivenGroup
) -> None:
    ids = await rows_to_set(db, asker, group)
    await do(
        asker, group, "eventTypeUpdate", "__typename",
        project=ids["project"], reference="order", triggerByStrangers=True,
    )  # fmt: skip
    entry = (await trail(db, group))[-1]
    assert (entry["action"], entry["subject"]) == ("event_type.update", ids["event_type"])
    assert [entry[side]["trigger_by_strangers"] for side in ("before", "after")] == [False, True]


async def test_the_operator_s_quotas_are_written_down(db: Database, group: GivenGroup) -> None:
    for _ in range(2):
        await set_quotas(db, group.group_id, files=50, events=7, now=NOW)
    (entry,) = await trail(db, group)
    assert (entry["action"], entry["actor"]) == ("group.quota", "cli")
    assert (entry["before"]["file_quota"], entry["after"]["file_quota"]) == (None, 50)
    assert (entry["before"]["event_quota"], entry["after"]["event_quota"]) == (None, 7)


async def test_where_somebody_enters_a_group_from_is_written_down(
    db: Database, group: GivenGroup, tmp_path: Path
) -> None:
    authenticator = Authenticator(read_settings({"DATA_DIR": str(tmp_path)}), db)
    token = authenticator.tokens.mint(subject="7", group_id=None, roles={Role.PLATFORM_ADMIN}, now=NOW)
    await authenticator.authenticate(bearer=token, group=str(group.group_id), now=NOW, address="203.0.113.7")
    (entry,) = await trail(db, group)
    assert (entry["action"], entry["address"]) == ("enter_group", "203.0.113.7")


async def test_so_it_is_on_routes_that_need_no_credential(
    database_url: str, db: Database, group: GivenGroup, tmp_path: Path
) -> None:
    env = {"DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "WORKER_INLINE": "0"}
    settings = read_settings(env)
    token = Tokens(settings).mint(
        subject="7", group_id=None, roles={Role.PLATFORM_ADMIN}, now=datetime.now(UTC)
    )
    await projects.tracking(db, group.group_id, slug="entered-shop")
    async with running(settings, journal=Journal()) as app:
        transport = httpx.ASGITransport(app, client=("203.0.113.7", 4711))
        headers = {"Authorization": f"Bearer {token}", "X-Group-Id": str(group.group_id)}
        event = {"projectId": "entered-shop", "eventType": "order", "trackerId": "t", "data": {}}
        async with httpx.AsyncClient(transport=transport, base_url="http://g", headers=headers) as http:
            assert (await http.post("/api/v1/events", json=event)).status_code in (200, 400)
    (entry,) = await trail(db, group)
    assert (entry["action"], entry["actor"]) == ("enter_group", "user:7")
    assert entry["address"] == "203.0.113.7"


async def test_so_it_is_where_an_open_line_is_proved_again(
    db: Database, group: GivenGroup, tmp_path: Path
) -> None:
    authenticator = Authenticator(read_settings({"DATA_DIR": str(tmp_path)}), db)
    now = datetime.now(UTC)
    token = authenticator.tokens.mint(subject="7", group_id=None, roles={Role.PLATFORM_ADMIN}, now=now)
    headers = {b"authorization": b"Bearer " + token.encode(), b"x-group-id": b"%d" % group.group_id}
    watches = Watches(authenticator)
    # Of an open line nothing is remembered any more after a while, as here from the beginning.
    principal = Principal("user:7", group.scope, frozenset({Role.PLATFORM_ADMIN}))
    ended: list[object] = []
    watches.open(headers, principal, ended.append, now=now, address="203.0.113.7")
    try:
        for _ in range(100):
            if kept := await trail(db, group):
                break
            await asyncio.sleep(0.05)
        assert ended == []
    finally:
        await watches.close()
    (entry,) = kept
    assert (entry["action"], entry["address"]) == ("enter_group", "203.0.113.7")


def test_nothing_that_is_kept_is_a_secret() -> None:
    for table, columns in {**KEPT, **{table: kept_of(table) for table in DECLARED}}.items():
        for column in columns:
            assert not any(word in column for word in ("hash", "secret", "sealed", "token")), (table, column)
