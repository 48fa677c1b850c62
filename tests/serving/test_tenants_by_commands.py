"""A tenant is made by commands alone, and then really works; commands without a database or a group say so."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.db.database import Database
from app.domain.promos.generating import generate_codes
from tests.given import groups, promos
from tests.serving.process import data_folder, run, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR."""
    with data_folder() as made:
        yield made


@pytest.fixture
def gateway(database_url: str, folder: Path) -> Callable[..., Any]:
    """A command on a migrated database: its exit code and what it said."""

    async def command(*arguments: str) -> tuple[int, str]:
        return await run(*arguments, folder=folder, DATABASE_URL=database_url, DEVELOPMENT="1")

    return command


async def new_group(gateway: Callable[..., Any]) -> str:
    code, said = await gateway("groups", "create", "--name", "New", "--currency", "EUR", "--time-zone", "UTC")
    assert code == 0, said
    assert "make no stores nor projects" in said  # whoever moves in would number them twice
    return str(said.splitlines()[0])


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "list"), ("groups", "list"), ("stores", "list", "--group", "1"), ("worker",),
        ("token", "--group", "1"),
        ("groups", "create", "--name", "N", "--currency", "EUR", "--time-zone", "UTC"),
        ("audit", "--group", "1"), ("tokens", "revoke", "x"), ("import", "customers", __file__, "--group", "1"),
        ("explain", __file__, "--group", "1"),
    ],
    ids=" ".join,
)  # fmt: skip
async def test_a_command_makes_no_database(folder: Path, command: tuple[str, ...]) -> None:
    code, said = await run(*command, folder=folder)
    assert code == 1
    assert said == (
        f"There is no database: DATABASE_URL is not set, and {folder} (DATA_DIR) has none. `gateway migrate` makes one"
        " there, and so do `gateway serve` and `gateway seed`.\n"
    )
    assert os.listdir(folder) == []


async def test_a_group_that_is_not_there_is_named(gateway: Callable[..., Any]) -> None:
    await new_group(gateway)
    for command in (
        ("keys", "create"), ("keys", "list"), ("token",), ("clients", "create"), ("clients", "list"), ("audit",),
        ("stores", "list"), ("stores", "create", "--name", "S"), ("projects", "list"), ("partners", "list"),
        ("projects", "create", "--name", "P"), ("partners", "create", "--name", "P"),
        ("projects", "archive", "1"), ("stores", "delete", "1"), ("partners", "archive", "1"),
        ("customers", "erase", "1"),
        ("import", "customers", __file__), ("explain", __file__),
    ):  # fmt: skip
        code, said = await gateway(*command, "--group", "99")
        assert (code, said) == (1, "There is no customer group 99 here.\n"), command
    code, said = await gateway("keys", "create", "--group", "1", "--also", "98")
    assert (code, said) == (1, "There is no customer group 98 here.\n")


async def test_what_a_tenant_is_made_of_is_made_listed_and_closed(gateway: Callable[..., Any]) -> None:
    _, said = await gateway(
        "groups", "create", "--name", "N", "--currency", "EUR", "--time-zone", "UTC", "--json"
    )
    group = str(json.loads(said.splitlines()[0])["number"])
    for told in ("gateway stores create", "gateway projects create", "gateway keys create", "gateway token"):
        assert f"{told} --group {group}" in said

    async def rows(*command: str) -> list[dict[str, Any]]:
        code, said = await gateway(*command, "--group", group, "--json")
        assert code == 0, said
        return [json.loads(line) for line in said.splitlines()]

    async def refused(*command: str) -> str:
        code, said = await gateway(*command, "--group", group)
        assert (code, len(said.splitlines())) == (1, 1), said
        return str(said)

    [first] = await rows("stores", "create", "--name", "First")
    [second] = await rows(
        "stores", "create", "--name", "Second", "--beacon-key", "b-2", "--time-zone", "Asia/Tokyo"
    )
    assert await rows("stores", "list") == [
        {
            **first,
            "beacon_key": (await rows("stores", "list"))[0]["beacon_key"],
            "time_zone": None,
            "is_default": True,
        },
        {**second, "beacon_key": "b-2", "time_zone": "Asia/Tokyo", "is_default": False},
    ]
    number = str(second["number"])
    [project] = await rows("projects", "create", "--name", "Été 2025", "--store", number)
    assert (project["slug"], project["store"]) == ("ete-2025", second["number"])
    assert await rows("projects", "list") == [project]
    _, said = await gateway("projects", "list", "--group", group)
    assert said == f"{project['number']}\tÉté 2025\tete-2025\tstore {number}\n"
    assert "has this slug already" in await refused("projects", "create", "--name", "X", "--slug", "ete-2025")
    assert "small letters" in await refused("projects", "create", "--name", "X", "--slug", "Éte")
    assert f"Été 2025 (proj_{project['number']})" in await refused("stores", "delete", number)
    assert "default store" in await refused("stores", "delete", str(first["number"]))

    [partner] = await rows("partners", "create", "--name", "Miles")
    miles = str(partner["number"])
    await rows("partners", "agree", miles, "--name", "Deal", "--store", str(first["number"]))
    assert await rows("partners", "list") == [{**partner, "agreements": 1}]
    _, said = await gateway("partners", "list", "--group", group)
    assert said == f"{miles}\tMiles\t1 agreement\n"
    assert "Deal (pship_" in await refused("partners", "archive", miles)

    await rows("projects", "archive", str(project["number"]))
    assert await rows("projects", "list") == []
    assert await rows("stores", "delete", number) == [{"number": second["number"], "deleted": True}]
    assert [one["name"] for one in await rows("stores", "list")] == ["First"]
    assert f"There is no store {number} here." in await refused("stores", "delete", number)
    assert await rows("stores", "restore", number) == [{"number": second["number"], "deleted": False}]
    assert [one["name"] for one in await rows("stores", "list")] == ["First", "Second"]
    assert "There is no store 99 here." in await refused("stores", "restore", "99")
    assert "There is no customer cust_1" in await refused("customers", "erase", "1")
    _, said = await gateway("audit", "--group", group, "--json")
    assert [(one["actor"], one["action"]) for one in map(json.loads, said.splitlines())] == [
        ("cli", "group.create"), ("cli", "store.create"), ("cli", "store.create"), ("cli", "project.create"),
        ("cli", "project.archive"), ("cli", "store.delete"), ("cli", "store.restore"),
    ]  # fmt: skip


async def test_a_new_tenant_can_use_the_whole_gateway(folder: Path) -> None:
    """Its project takes events, and they are counted and attributed."""
    async with serving(folder) as running:

        async def command(*arguments: str) -> str:
            code, said = await run(*arguments, folder=folder, DEVELOPMENT="1")
            assert code == 0, said
            return said.splitlines()[0].split("\t")[-1]

        group = await command("groups", "create", "--name", "Neu", "--currency", "EUR", "--time-zone", "UTC")
        await command("stores", "create", "--group", group, "--name", "Shop")
        slug = await command("projects", "create", "--group", group, "--name", "Neue Seite")
        token = await command("token", "--group", group, "--role", "tenant_admin")
        headers = {"Authorization": f"Bearer {token}"}

        async def ask(query: str) -> Any:
            answered = (await running.http.post("/graphql", json={"query": query}, headers=headers)).json()
            assert "errors" not in answered, answered
            return answered["data"]

        made = await ask(
            f"""mutation {{
              eventTypeCreate(input: {{project: "{slug}", reference: "contact-form",
                fields: [{{storageKey: "email", identity: "email"}}]}}) {{ errors {{ message }} }}
              integrationCreate(input: {{project: "{slug}", name: "Ads"}}) {{
                integration {{ wmktId }} errors {{ message }} }} }}"""
        )
        assert made["eventTypeCreate"]["errors"] == []
        wmkt_id = made["integrationCreate"]["integration"]["wmktId"]
        listed = await running.http.get(f"/api/v1/projects/{slug}/event-types", headers=headers)
        assert listed.status_code == 200, listed.text
        sent = await running.http.post(
            "/api/v1/events",
            json={
                "projectId": slug, "eventType": "contact-form", "nonce": "n1", "trackerId": "t1",
                "data": {"email": "a@b.example"}, "landingUrl": f"https://shop.example/?wmktid={wmkt_id}",
            },
        )  # fmt: skip
        assert sent.status_code == 200, sent.text
        async with asyncio.timeout(20):
            while (found := (await ask("{ events { nodes { status } } }"))["events"]["nodes"]) != [
                {"status": "PROCESSED"}
            ]:
                assert found[0]["status"] == "PENDING", found
                await asyncio.sleep(0.1)
        figures = await ask(
            f"""{{
              insights(project: "{slug}", metrics: ["event-count"], interval: YEAR) {{ values {{ value }} }}
              attribution(by: CAMPAIGN) {{ campaign {{ name }} currency revenue {{ amount }} }}
              interactions {{ nodes {{ integration {{ wmktId }} campaign {{ name }} }} }} }}"""
        )
        assert figures["insights"][0]["values"][0]["value"] in (1, "1")
        assert [
            (one["integration"]["wmktId"], one["campaign"]["name"])
            for one in figures["interactions"]["nodes"]
        ] == [(wmkt_id, "Ads (implicit)")]


async def test_an_endpoints_tolerance_is_set_by_command(
    gateway: Callable[..., Any], database_url: str
) -> None:
    group = await new_group(gateway)
    owner = await asyncpg.connect(database_url)
    number = await owner.fetchval(
        "INSERT INTO webhook_connection (group_id, provider, token, sealed, status)"
        " VALUES ($1, 'sendgrid', 'by-command', '', 'connected') RETURNING id",
        int(group),
    )
    await owner.close()
    for seconds, shown in (("86400", "86400 s"), ("0", "any age")):
        code, said = await gateway(
            "webhooks", "tolerance", str(number), "--group", group, "--seconds", seconds
        )
        assert (code, said) == (0, f"Endpoint {number} takes deliveries of {shown}.\n")
        code, said = await gateway("webhooks", "list", "--group", group)
        assert said == f"{number}\tsendgrid\tconnected\t{shown}\n"
    code, said = await gateway("webhooks", "tolerance", "999999", "--group", group, "--seconds", "5")
    assert (code, "999999" in said) == (1, True)


async def test_generated_codes_of_a_promo_are_a_file(
    db: Database, gateway: Callable[..., Any], tmp_path: Path
) -> None:
    group = await groups.group(db)
    promo = await promos.promo(db, group.scope)
    async with db.transaction(group.scope) as tx:
        await generate_codes(tx, promo, count=12_000, prefix="SUM", now=promos.NOON)
        first = await tx.fetchval("SELECT code FROM promo_code ORDER BY id LIMIT 1")
    await promos.use(db, group.scope, first, key="k")
    into, number = tmp_path / "codes.csv", str(group.group_id)
    code, said = await gateway("promos", "export", str(promo), str(into), "--group", number)
    assert (code, said.splitlines()[-1]) == (0, f"12000 codes are in {into}.")
    rows = into.read_text(encoding="utf-8").splitlines()
    assert rows[:2] == [
        "code,created_at,redeemed_at,disabled_at", f"{first},2026-06-15T12:00:00Z,2026-06-15T12:00:00Z,"
    ]  # fmt: skip
    assert len(rows) == 12_001
    assert into.stat().st_mode & 0o777 == 0o600
    code, said = await gateway("promos", "export", str(promo), str(into), "--group", number)
    assert (code, "File exists" in said) == (1, True)
    code, said = await gateway("promos", "export", "999999", str(tmp_path / "other"), "--group", number)
    assert (code, "no promo" in said or "not found" in said.lower()) == (1, True)
