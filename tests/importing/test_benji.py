"""Answers of Benji's `GET /campaigns`, as a person saves them, in a new group: its facade prints what they said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.importing.reading.sources import find_sources
from app.importing.records import Verdict
from app.importing.running import Report, import_files
from app.seeding.demo import seed_demo
from app.settings import Settings
from app.values.scope import Scope
from tests.benji.conftest import Member
from tests.given.campaigns import NOON
from tests.given.groups import GivenGroup
from tests.given.rewards import broken
from tests.rest.conftest import gateway, marketers, settings

__all__ = ["gateway", "marketers", "settings"]
PRINTED = Path(__file__).parent.parent / "benji" / "printed.json"
SAMPLE: dict[str, Any] = json.loads(PRINTED.read_text())["campaigns"][0]


async def bring(db: Database, scope: Scope, file: Path, what: str = "benji", **more: Any) -> Report:
    return await import_files(db, scope, what, find_sources(str(file)), now=NOON, **more)


def saved(folder: Path, answer: Any, name: str = "campaigns.json") -> Path:
    """An answer, saved under a name."""
    file = folder / name
    file.write_text(answer if isinstance(answer, str) else json.dumps(answer))
    return file


@pytest.fixture
async def member(marketers: Callable[..., Any]) -> Member:
    """A client of a new group."""
    return Member(await marketers())


async def printed(member: Member, **query: Any) -> bytes:
    response = await member.inner.call("GET", "/campaigns", base="", params=query or None)
    assert response.status_code == 200, response.text
    return bytes(response.content)


async def test_what_benji_prints_of_the_demonstration_is_printed_again(
    db: Database, marketers: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    demo = await seed_demo(db, now=NOON, storage=AssetStorage(settings))
    for group in demo.groups:
        async with db.transaction(Scope(group.group_id)) as tx:
            await _more(tx, group.group_id)
        old = Member(await marketers(given=GivenGroup(group.group_id, group.store_ids[0], "")))
        new = Member(await marketers())
        lists: dict[str, dict[str, Any]] = {"living": {}, "deleted": {"is_deleted": 1}}
        for name, query in lists.items():
            answer = await printed(old, **query)
            assert json.loads(answer)["campaigns"], (group.name, name)
            report = await bring(db, Scope(new.group_id), saved(tmp_path, answer.decode(), f"{name}.json"))
            assert (report.refused, report.lost) == (0, {})
        known = json.loads(await printed(old))["campaigns"]
        for query in (
            *lists.values(),
            {"is_active": 1}, {"is_active": 0}, {"is_template": 1}, {"is_template": 0}, {"limit": 2, "offset": 1},
            *({"campaign_type": n} for n in range(1, 6)),
            *({name: one[name]} for one in known for name in ("merchant_id", "partner_id", "partnership_id")
              if one[name] is not None),
        ):  # fmt: skip
            assert await printed(new, **query) == await printed(old, **query), query
        for name in lists:
            again = await bring(db, Scope(new.group_id), tmp_path / f"{name}.json")
            assert {c: {v for v, n in counts.items() if n} for c, counts in again.concepts.items()} == {
                concept: {Verdict.SAME} for concept in again.concepts
            }
        async with db.transaction(Scope(new.group_id)) as tx:
            assert await broken(tx) == []


async def _more(tx: Any, group: int) -> None:
    """What the demonstration has none of: open codes and values, a custom trigger, a deleted flow, several partners."""
    campaign = await tx.fetchval(
        "SELECT id FROM campaign WHERE group_id = $1 AND reward_type IS NOT NULL AND deleted_at IS NULL LIMIT 1",
        group,
    )
    for n in range(3):
        # Made at the same instant, one deleted; windows in whole days.
        await tx.execute(
            "INSERT INTO campaign (group_id, name, status, type, objective, store_id, starts_on, starts_at, ends_on,"
            " ends_at, currency, reward_type, owner_id, is_explicit, is_template, total_rewards, created_at,"
            " updated_at, deleted_at)"
            " SELECT $1, 'Days ' || $3::int, 'paused', type, objective, store_id, '2025-06-01', '2025-05-31 22:00+00',"
            " '2025-06-30', '2025-06-30 22:00+00', currency, 77, 0, true, false, 0, created_at, created_at,"
            " CASE WHEN $3 = 1 THEN created_at + interval '1 day' END"
            "  FROM campaign WHERE group_id = $1 AND id = $2",
            group, campaign, n,
        )  # fmt: skip
    partner = await tx.fetchval(
        "INSERT INTO partner (group_id, name) VALUES ($1, 'Another') RETURNING id", group
    )
    flow = await tx.fetchval(
        "INSERT INTO flow (group_id, campaign_id, position, trigger_code, custom_trigger_id, is_active, created_at)"
        " VALUES ($1, $2, 7, 4, 900, true, '2024-02-29 10:00:00.123456+00') RETURNING id",
        group, campaign,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO flow_action (group_id, flow_id, position, action_code, partner_id, base_reward, extra_data)"
        " VALUES ($1, $2, 0, 99, $3, 0, '{\"b\": 1.50, \"a\": [1e3, null, \"\\u00e9\"]}')",
        group, flow, partner,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO flow_condition (group_id, flow_id, position, partner_id, type_code, operator_code, joiner_code,"
        " attribute, value) VALUES ($1, $2, 0, $3, 77, 9, 2, 5, '[\"gold\"]'), ($1, $2, 1, $3, 1, 1, 1, 1, NULL)",
        group, flow, partner,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO flow_multiplier (group_id, flow_id, position, partner_id, type_code, attribute, amount,"
        " value) VALUES ($1, $2, 0, $3, 3, 2, 1.2345, '12.50'), ($1, $2, 1, $3, 3, 2, 2, 'false')",
        group, flow, partner,
    )  # fmt: skip
