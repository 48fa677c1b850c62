"""Seeing what runs: in the answer's extensions, without running, and over the whole schema."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.graph.running.explaining import coverage
from app.graph.schema import catalog
from app.settings import read_settings
from tests.given import groups

QUERY = "query Named { stores { nodes { name } } group { name } }"


async def ask(
    db: Database,
    folder: Path,
    *roles: Role,
    development: bool = False,
    query: str = QUERY,
    **extensions: Any,
) -> Any:
    """The decoded body."""
    group = await groups.group(db)
    settings = dataclasses.replace(read_settings({"DATA_DIR": str(folder)}), development=development)
    principal = Principal("test", group.scope, frozenset(roles or {Role.READ}))
    context = Context(Services(settings, db, AssetStorage(settings)), principal)
    return json.loads((await answer(Operation(query, extensions=extensions), context)).body)


async def test_the_plan_comes_with_the_answer(db: Database, tmp_path: Path) -> None:
    made = await ask(db, tmp_path, development=True, plan=True)
    plan = made["extensions"]["plan"]
    assert made["data"]["group"]
    assert (plan["execution"], plan["statements"]) == ("planned", 1)
    assert plan["tables"] == ["customer_group", "store"]
    assert plan["sql"].startswith("SELECT CASE WHEN octet_length(")
    assert plan["ms"] > 0


async def test_every_statement_is_counted(db: Database, tmp_path: Path) -> None:
    async def counted(query: str, *roles: Role) -> int:
        made = await ask(db, tmp_path, *roles, development=True, query=query, plan=True)
        assert "errors" not in made, made
        return int(made["extensions"]["plan"]["statements"])

    assert await counted("{ segmentPreview(criteria: {order_count: 1}) { size } }") >= 1
    assert (
        await counted(
            'mutation { storeCreate(input: {name: "x"}) { store { id } errors { code } } }', Role.WRITE
        )
        >= 3
    )


async def test_a_dry_run_runs_nothing(db: Database, tmp_path: Path) -> None:
    made = await ask(db, tmp_path, development=True, plan=True, dryRun=True)
    assert made["data"] is None
    assert made["extensions"]["plan"]["cost"] == 54  # 2 roots, nodes and 50 names, the group's name
    assert "ms" not in made["extensions"]["plan"]


async def test_in_production_plans_are_for_platform_roles(db: Database, tmp_path: Path) -> None:
    refused = await ask(db, tmp_path, plan=True)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "data" not in refused
    assert (await ask(db, tmp_path, Role.SUPER_ADMIN, plan=True))["extensions"]["plan"]["sql"]
    assert "extensions" not in await ask(db, tmp_path)


def test_every_read_is_planned() -> None:
    found = coverage()
    assert "Campaign.figures" in found.planned
    assert "CampaignPayload.campaign" in found.planned
    roots = {name for name in found.unplanned if name.startswith(("Query.", "Subscription."))}
    edges = {n for n in found.unplanned if n.split(".")[0] in catalog_tables()}
    # Whom criteria hold, whether a basket fits a promo, what a reward or a trashed event would be, which channel an
    # address says, are computed from data: each is named in ARCHITECTURE.
    assert roots == {
        "Query.channelOf",
        "Query.channelRulesBuiltIn",
        "Query.eventsWouldPass",
        "Query.promoValidate",
        "Query.rewardAttributes",
        "Query.rewardEvaluate",
        "Query.rewardWhyNot",
        "Query.segmentPreview",
        "Query.campaignSimulate",
        "Query.trashReasons",
        "Subscription.campaignSimulate",
    }
    assert edges == {"Customer.segments", "Segment.customers", "Segment.funnel", "Segment.sizeNow"}


def catalog_tables() -> set[str]:
    """Types that are rows of a table."""
    return {name for name, entity in catalog.entities.items() if entity.table}
