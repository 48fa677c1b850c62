"""What `gateway` commands say to an operator: one line for ordinary trouble, and the truth about what was done."""

import json
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import jwt
import pytest

from app.auth.principal import CLAIMABLE
from app.auth.tokens import new_jti
from app.cli.options import ROLES
from app.db.embedded import EmbeddedServer
from tests.serving.process import data_folder, free_port, run

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR."""
    with data_folder() as made:
        yield made


@pytest.mark.parametrize(
    ("command", "url"),
    [
        (("migrate",), "postgresql://nobody@127.0.0.1:{port}/gateway"),
        (("migrate",), "postgresql://nobody@127.0.0.1:{port}/gateway?sslmode=perhaps"),
        (("keys", "list"), "postgresql://nobody@127.0.0.1:{port}/gateway?sslmode=perhaps"),
        (("seed",), "postgresql://nobody@no-such-host.invalid/gateway"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_one_line(
    folder: Path, command: tuple[str, ...], url: str
) -> None:
    code, said = await run(*command, folder=folder, DATABASE_URL=url.format(port=free_port()))
    assert code == 1
    assert "The database at DATABASE_URL cannot be used: " in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
async def test_an_address_that_cannot_be_read_is_one_line(folder: Path, command: str) -> None:
    url = "postgresql://gateway:s3cret@127.0.0.1:543x/gateway"
    code, said = await run(command, folder=folder, DATABASE_URL=url)
    assert code == 1
    assert said.startswith("DATABASE_URL is not understood: ")
    assert len(said.splitlines()) == 1, said
    assert "s3cret" not in said


async def test_only_the_owner_migrates_and_others_are_told(
    server: EmbeddedServer, database_url: str, folder: Path
) -> None:
    admin = await asyncpg.connect(database_url)
    await admin.execute("CREATE ROLE t_no_owner LOGIN")
    await admin.close()
    login = {"DATABASE_URL": database_url.replace("postgres@", "t_no_owner@")}
    code, said = await run("migrate", folder=folder, **login)
    assert code == 1
    assert "permission denied for table alembic_version" in said
    assert "Name the owner in DATABASE_MIGRATE_URL." in said
    assert len(said.splitlines()) == 1, said
    # The same where the database has yet to be made, or holds nothing yet.
    for name in ("t_not_there", "t_empty_of_another"):
        if name == "t_empty_of_another":
            admin = await asyncpg.connect(server.dsn("postgres"))
            await admin.execute(f"CREATE DATABASE {name}")
            await admin.close()
        url = server.dsn(name).replace("postgres@", "t_no_owner@")
        code, said = await run("migrate", folder=folder, DATABASE_MIGRATE_URL=url, **login)
        assert code == 1
        assert "The database at DATABASE_MIGRATE_URL can only be brought up to date by its owner" in said
        assert len(said.splitlines()) == 1, said
    code, said = await run("migrate", folder=folder, DATABASE_MIGRATE_URL=database_url, **login)
    assert (code, said) == (0, "The database is at this version's schema.\n")


async def test_tokens_of_the_operator_are_in_the_audit_of_their_group(
    database_url: str, folder: Path
) -> None:
    async def gateway(*arguments: str) -> tuple[int, str]:
        return await run(*arguments, folder=folder, DATABASE_URL=database_url, DEVELOPMENT="1")

    for name in ("One", "Other"):
        code, group = await gateway(
            "groups", "create", "--name", name, "--currency", "EUR", "--time-zone", "Europe/Paris"
        )
        assert code == 0, group
    group = group.splitlines()[0]
    code, minted = await gateway("token", "--group", group, "--subject", "me")
    assert code == 0, minted
    claims = jwt.decode(minted.strip(), options={"verify_signature": False})
    code, said = await gateway("tokens", "revoke", claims["jti"])
    assert (code, said) == (0, f"Token {claims['jti']} of group {group} no longer holds.\n")
    code, said = await gateway("audit", "--group", group, "--json")
    entries = [json.loads(line) for line in said.splitlines()]
    made = entries.pop(0)
    assert (made["action"], made["subject"], made["after"]["name"]) == (
        "group.create",
        f"group_{group}",
        "Other",
    )
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        ("token.create", claims["jti"]),
        ("token.revoke", claims["jti"]),
    ]
    assert entries[0]["after"]["roles"] == ["marketing"]
    assert entries[0]["after"]["subject"] == "me"
    # Of a token nobody wrote down, no more is said than is known.
    code, said = await gateway("tokens", "revoke", "nonexist")
    assert code == 0
    assert "no longer holds" not in said
    assert "minted no token nonexist that is written down" in said
    assert "refused everywhere from now on" in said

    for command in (("token",), ("audit",), ("tokens", "revoke", "x")):
        code, said = await gateway(*command, "--group", "77")
        assert (code, said) == (1, "There is no customer group 77 here.\n")
    code, said = await gateway("token", "--group", group, "--store", "77")
    assert (code, said) == (1, "There is no store 77 here.\n")

    code, said = await gateway("groups", "list", "--json")
    assert [json.loads(line) for line in said.splitlines()][-1] == {
        "number": int(group), "name": "Other", "currency": "EUR", "stores": 0
    }  # fmt: skip
    code, said = await gateway("groups", "list")
    assert said.splitlines()[-1] == f"{group}\tOther\tEUR\t0 stores"


async def test_help_names_the_roles(folder: Path) -> None:
    assert ", ".join(sorted(CLAIMABLE)) == ROLES
    for command in (("token",), ("clients", "create")):
        code, said = await run(*command, "--help", folder=folder, COLUMNS="120")
        assert code == 0
        assert "marketing unless said" in said
        assert "restaurant_manager" in said
        code, said = await run(*command, "--group", "1", "--role", "tracker", folder=folder, COLUMNS="120")
        assert code == 2
        assert "is none of them" in said


def test_ids_of_tokens_are_no_options() -> None:
    assert all(new_jti().isalnum() for _ in range(200))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("JWT_SECRET", "short", "JWT_SECRET is too short: HS256 needs 32 bytes or more"),
        ("ASSETS_URL", "nonsense", "ASSETS_URL='nonsense' is not understood: use s3://bucket"),
        ("ASSETS_URL", "ftp://files/here", "ASSETS_URL='ftp://files/here' is not understood"),
        ("ASSETS_URL", "s3://", "ASSETS_URL='s3://' is not understood"),
        ("ASSETS_URL", "file://relative", "use file:///folder, with three slashes"),
        ("ASSETS_URL", "az://container", "ASSETS_URL cannot be used: "),
        (
            "ASSETS_URL",
            "file:///proc/files",
            "ASSETS_URL cannot be used: files cannot be kept in /proc/files",
        ),
    ],
)
async def test_a_setting_that_cannot_be_used_is_said_before_anything_starts(
    folder: Path, name: str, value: str, told: str
) -> None:
    code, said = await run("serve", folder=folder, PORT=str(free_port()), **{name: value})
    assert code == 1
    assert told in said
    assert len(said.splitlines()) == 1, said
    assert not (folder / "postgres").exists()


async def test_keys_are_listed_with_their_store_and_their_end(database_url: str, folder: Path) -> None:
    async def gateway(*arguments: str) -> str:
        code, said = await run(*arguments, folder=folder, DATABASE_URL=database_url, DEVELOPMENT="1")
        assert code == 0, said
        return said.strip()

    said = await gateway("groups", "create", "--name", "G", "--currency", "EUR", "--time-zone", "UTC")
    group = said.splitlines()[0]
    owner = await asyncpg.connect(database_url)
    store = await owner.fetchval(
        "INSERT INTO store (group_id, name, beacon_key, is_default, created_at, updated_at)"
        " VALUES ($1, 'Here', 'beacon-of-here', true, now(), now()) RETURNING id",
        int(group),
    )
    await owner.close()
    await gateway("keys", "create", "--group", group, "--name", "bound", "--store", str(store), "--days", "3")
    await gateway("keys", "create", "--group", group, "--name", "free")
    free, bound = (
        line.split("\t") for line in (await gateway("keys", "list", "--group", group)).splitlines()
    )
    assert (free[2], free[6], free[8]) == ("all stores", "no end", "free")
    assert (bound[2], bound[8]) == (f"store {store}", "bound")
    assert bound[6].startswith("until 20")
