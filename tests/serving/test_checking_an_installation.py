"""`gateway check` says in sentences what is wrong with an installation, shows no secrets, and makes nothing."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.db.embedded import EmbeddedServer
from tests.serving.process import data_folder, free_port, run, serving

pytestmark = pytest.mark.slow

LONG = "a secret that is longer than thirty-two bytes"
GOOD = {"SECRET_KEY": LONG, "JWT_SECRET": LONG}
Check = Callable[..., Any]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR."""
    with data_folder() as made:
        yield made


@pytest.fixture
def check(folder: Path) -> Check:
    """Look it over: the exit code, and by subject whether it is fine and what was said."""

    async def command(**settings: str) -> tuple[int, dict[str, tuple[bool, str]]]:
        code, said = await run("check", "--json", folder=folder, **settings)
        told = [json.loads(line) for line in said.splitlines()]
        assert LONG not in said
        return code, {one["subject"]: (one["fine"], one["said"]) for one in told}

    return command


@pytest.fixture
async def service_url(database_url: str) -> str:
    """A login as README describes it: it owns nothing, and may act as the three roles."""
    admin = await asyncpg.connect(database_url)
    for role in ("t_service", "t_lone"):
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f"CREATE ROLE {role} LOGIN")
    await admin.execute(
        "GRANT gateway_app, gateway_reader, gateway_guarded_reader TO t_service WITH INHERIT FALSE, SET TRUE"
    )
    await admin.close()
    return database_url.replace("postgres@", "t_service@")


async def test_an_installation_that_is_as_it_should_be(check: Check, service_url: str, folder: Path) -> None:
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert code == 0, found
    assert all(is_fine for is_fine, _ in found.values())
    assert found.keys() == {
        "SECRET_KEY", "JWT_SECRET", "FORWARDED_ALLOW_IPS", "CORS_ORIGINS", "JWT_JWKS_URL", "DATA_DIR", "disk", "files",
        "PostgreSQL", "login", "roles", "schema", "clock", "worker",
    }  # fmt: skip
    assert found["PostgreSQL"][1].startswith("It is 18")
    assert "t_service, which has neither" in found["login"][1]
    assert not (folder / "secrets").exists()
    code, said = await run("check", folder=folder, DATABASE_URL=service_url, **GOOD)
    assert code == 0
    assert all(line.startswith("fine   ") for line in said.splitlines())


@pytest.mark.parametrize(
    ("settings", "subject", "told"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY", "It has 5 bytes, which can be guessed"),
        ({"SECRET_KEY": ""}, "SECRET_KEY", "Not set: a random one under"),
        ({"JWT_SECRET": ""}, "JWT_SECRET", "tokens of ours do not hold on another host"),
        ({"JWT_SECRET": "short"}, "settings", "JWT_SECRET is too short"),
        ({"CORS_ORIGINS": "http://[x"}, "CORS_ORIGINS", "is no origin like"),
        (
            {"JWT_JWKS_URL": "http://[x", "JWT_ISSUER": "a", "JWT_AUDIENCE": "b"},
            "JWT_JWKS_URL",
            "is no address: Invalid IPv6 URL",
        ),
        (
            {"JWT_JWKS_URL": "https://issuer.example/keys"},
            "settings",
            "JWT_JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE",
        ),
        (
            {"JWT_JWKS_URL": "http://127.0.0.1:1/keys", "JWT_ISSUER": "i", "JWT_AUDIENCE": "a"},
            "JWT_JWKS_URL",
            "plain HTTP",
        ),
        (
            {"JWT_JWKS_URL": "https://127.0.0.1:1/keys", "JWT_ISSUER": "i", "JWT_AUDIENCE": "a"},
            "JWT_JWKS_URL",
            "cannot be read from this host now",
        ),
        ({"FORWARDED_ALLOW_IPS": "*"}, "FORWARDED_ALLOW_IPS", "whoever connects is believed"),
        (
            {"FORWARDED_ALLOW_IPS": "10.0.0.0/8, proxy.example"},
            "FORWARDED_ALLOW_IPS",
            "'proxy.example' is neither",
        ),
        ({"PUBLIC_URL": "https://gw.example"}, "PUBLIC_URL", "this version does not read it"),
        ({"CORS_ORIGINS": "app.example.com"}, "CORS_ORIGINS", "'app.example.com' is no origin"),
        ({"DEVELOPMENT": "1", "HOST": "0.0.0.0"}, "DEVELOPMENT", "HOST is 0.0.0.0"),
        ({"ASSETS_URL": "file:///proc/files"}, "files", "files cannot be kept in /proc/files"),
        ({"ASSETS_URL": "s3://bucket", "AWS_ENDPOINT": "http://127.0.0.1:1"}, "files", "s3://bucket"),
        ({"PORT": "none"}, "settings", "PORT='none' is not understood"),
    ],
)
async def test_what_is_chosen_wrongly_is_said(
    check: Check, service_url: str, settings: dict[str, str], subject: str, told: str
) -> None:
    code, found = await check(**{"DATABASE_URL": service_url, **GOOD, **settings})
    assert code == 1
    assert {name for name, (is_fine, _) in found.items() if not is_fine} == {subject}
    assert told in found[subject][1]


async def test_a_login_that_may_do_too_much_or_too_little(
    check: Check, database_url: str, service_url: str
) -> None:
    code, found = await check(DATABASE_URL=database_url, **GOOD)
    assert (code, found["login"][0]) == (1, False)
    assert "`serve` refuses it" in found["login"][1]
    code, found = await check(DATABASE_URL=database_url, DEVELOPMENT="1", **GOOD)
    assert (code, found["login"][0]) == (0, True)
    code, found = await check(DATABASE_URL=service_url.replace("t_service", "t_lone"), **GOOD)
    assert (code, found["roles"][0]) == (1, False)
    assert found["roles"][1].startswith("The login may not act as gateway_app, gateway_reader")
    assert "worker" not in found


async def test_a_database_that_is_away_old_or_not_there(
    check: Check, server: EmbeddedServer, service_url: str, folder: Path
) -> None:
    code, found = await check()
    assert (code, found["PostgreSQL"][0]) == (1, False)
    assert "There is no database" in found["PostgreSQL"][1]
    assert os.listdir(folder) == []
    code, found = await check(DATABASE_URL=f"postgresql://nobody:{LONG}@127.0.0.1:{free_port()}/x", **GOOD)
    assert "DATABASE_URL cannot be used" in found["PostgreSQL"][1]
    code, found = await check(DATABASE_URL="postgresql://u:se/cret@db.example/x", **GOOD)
    assert (code, list(found)) == (1, ["settings"])
    assert "DATABASE_URL is not understood" in found["settings"][1]
    assert "se/cret" not in found["settings"][1]
    admin = await asyncpg.connect(server.dsn("postgres"))
    await admin.execute("DROP DATABASE IF EXISTS t_checked")
    await admin.execute("CREATE DATABASE t_checked")
    await admin.close()
    code, found = await check(DATABASE_URL=server.dsn("t_checked").replace("postgres@", "t_service@"), **GOOD)
    assert (code, found["schema"]) == (1, (False, "It is not there: run `gateway migrate`."))
    code, found = await check(
        DATABASE_URL=service_url, DATABASE_READ_URL=f"postgresql://x@127.0.0.1:{free_port()}/x", **GOOD
    )
    assert (code, found["DATABASE_READ_URL"][0]) == (1, False)


async def test_data_that_others_may_read_is_said(check: Check, folder: Path, service_url: str) -> None:
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "secret_key").write_text(LONG)
    (secrets / "secret_key").chmod(0o640)
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert (code, found["DATA_DIR"][0]) == (1, False)
    assert "secrets/secret_key" in found["DATA_DIR"][1]
    (secrets / "secret_key").chmod(0o600)
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert (code, found["DATA_DIR"][0]) == (0, True)


async def test_work_that_nobody_does_is_said(
    check: Check, database_url: str, service_url: str, folder: Path
) -> None:
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        "INSERT INTO worker_lease (name, holder, expires_at) VALUES ('schedule', 'one:1', now() + interval '1 hour')"
    )
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert (code, found["worker"]) == (0, (True, "one:1 does the background work; no event waits."))
    await admin.execute(
        "INSERT INTO schedule (name, every_s, next_run_at, last_error)"
        " VALUES ('housekeeping', 60, now() - interval '1 hour', 'no luck')"
    )
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert (code, "meets trouble with housekeeping (no luck)" in found["worker"][1]) == (1, True)
    await admin.execute("UPDATE schedule SET last_error = NULL")
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert (code, "is late with housekeeping" in found["worker"][1]) == (1, True)
    await admin.execute("DELETE FROM worker_lease")
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert (code, found["worker"]) == (0, (True, "No gateway is running now; no event waits."))
    serving_one = await asyncpg.connect(
        database_url, server_settings={"application_name": "campaign-gateway"}
    )
    code, found = await check(DATABASE_URL=service_url, **GOOD)
    assert (code, found["worker"][1].startswith("Nobody does the background work")) == (1, True)
    await serving_one.close()
    await admin.close()


async def test_a_running_demonstration_is_fine(folder: Path) -> None:
    async with serving(folder):
        code, said = await run("check", folder=folder, DEVELOPMENT="1")
    assert code == 0, said
    assert "does the background work" in said
