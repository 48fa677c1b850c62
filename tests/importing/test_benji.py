"""Answers of Benji's `GET /campaigns`, as a person saves them, in a new group: its facade prints what they said."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.importing.reading.sources import find_sources
from app.importing.reading.told import Told
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


async def test_the_document_s_sample_goes_in_as_it_is_printed(
    db: Database, member: Member, tmp_path: Path
) -> None:
    scope = Scope(member.group_id)
    report = await bring(db, scope, saved(tmp_path, PRINTED.read_text()))
    assert report.refused == 0, report.reasons
    # `<string>` is no address; a flow's `campaign_id` is that of another campaign; 0 is no number.
    assert dict(report.lost["campaigns"]) == {
        "campaign_logo": 1, "campaign_flows.campaign_id": 1, "campaign_flows.actions.id": 1,
        "campaign_flows.conditions.id": 1, "campaign_flows.multipliers.id": 1, "goals.id": 1,
    }  # fmt: skip
    assert report.unknown == {"reward_totals": {"participants": 1, "transactions": 1}}
    assert "reward_totals: not said by the files: participants (1), transactions (1)." in report.lines()
    (shown,) = await member.campaigns()
    flow, goal = shown["campaign_flows"][0], shown["goals"][0]
    ours = [flow["actions"][0], flow["conditions"][0], flow["multipliers"][0], goal]
    assert all(one.pop("id") >= 1 for one in ours)
    sample = json.loads(PRINTED.read_text())["campaigns"][0]
    sample["campaign_logo"], sample["campaign_flows"][0]["campaign_id"] = None, 1
    for one in (
        *(sample["campaign_flows"][0][name][0] for name in ("actions", "conditions", "multipliers")),
        sample["goals"][0],
    ):
        del one["id"]
    assert shown == sample
    async with db.transaction(scope) as tx:
        assert sorted(
            row["name"]
            for row in await tx.fetch("SELECT name FROM partner UNION SELECT name FROM partnership")
        ) == ["Partner 2", "Partnership 2"]
        assert await tx.fetchval("SELECT name FROM store WHERE known_as_id = '{2}'") == "Merchant 2"
        assert await broken(tx) == []
    again = await bring(db, scope, tmp_path / "campaigns.json")
    assert all(counts[Verdict.MADE] == counts[Verdict.CHANGED] == 0 for counts in again.concepts.values())


def campaign(number: int, **more: Any) -> dict[str, Any]:
    """A campaign as Benji prints it, without flows and goals."""
    said = {**SAMPLE, "id": number, "name": f"Benji Earn {number}", "template_id": None, "campaign_logo": None,
            "end_date": None, "campaign_flows": [], "goals": [], "total_rewards": 0}  # fmt: skip
    return {**said, **more}


def flow(number: int, **more: Any) -> dict[str, Any]:
    """A flow as Benji prints it, with one action, condition and multiplier of its own numbers."""
    said: dict[str, Any] = {**SAMPLE["campaign_flows"][0], "id": number}
    for name in ("actions", "conditions", "multipliers"):
        said[name] = [{**said[name][0], "id": number * 10}]
    del said["campaign_id"]
    return {**said, **more}


async def test_a_template_comes_before_or_after_its_copies_or_never(
    db: Database, member: Member, tmp_path: Path
) -> None:
    scope = Scope(member.group_id)
    copies = [campaign(12, template_id=10), campaign(11, template_id=9), campaign(8, template_id=8)]
    await bring(db, scope, saved(tmp_path, {"campaigns": copies}))
    assert [(one["id"], one["template_id"]) for one in await member.campaigns()] == [
        (12, 10),
        (11, 9),
        (8, 8),
    ]
    assert await member.campaigns(is_deleted=1) == []
    template = campaign(9, is_template=1, created_date="2020-01-01T00:00:00Z", campaign_flows=[flow(5)])
    report = await bring(db, scope, saved(tmp_path, [template]))
    assert report.concepts["campaigns"][Verdict.MADE] == 1
    shown = await member.campaigns()
    assert [(one["id"], one["template_id"], one["is_template"]) for one in shown] == [
        (12, 10, 0), (11, 9, 0), (8, 8, 0), (9, None, 1),
    ]  # fmt: skip
    assert shown[3] == {**template, "campaign_flows": [{**flow(5), "campaign_id": 9}]} | {
        "campaign_flows": [_in_order({**flow(5), "campaign_id": 9}, shown[3]["campaign_flows"][0])]
    }


def _in_order(value: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in like}


async def test_what_changed_there_changes_here_and_nothing_else(
    db: Database, member: Member, tmp_path: Path
) -> None:
    scope = Scope(member.group_id)
    goals = [{**SAMPLE["goals"][0], "id": n} for n in (1, 2, 3)]
    first = campaign(500, campaign_flows=[flow(1), flow(2)], goals=goals, total_rewards=100)
    await bring(db, scope, saved(tmp_path, {"campaigns": [first, campaign(501)]}))
    async with db.transaction(scope) as tx:
        version = await tx.fetchval("SELECT max(reward_version) FROM campaign")
    second = campaign(
        500, is_active=1, total_rewards=90, goals=[goals[2], {**goals[0], "goal_value": 77}],
        campaign_flows=[
            flow(2, actions=[]), flow(1, conditions=[{**flow(1)["conditions"][0], "condition_value": None}]), flow(3),
        ],
    )  # fmt: skip
    report = await bring(db, scope, saved(tmp_path, {"campaigns": [second, campaign(501)]}))
    assert {c: {v.value: n for v, n in counts.items() if n} for c, counts in report.concepts.items()} == {
        "stores": {"same": 2}, "partners": {"same": 2}, "partnerships": {"same": 2},
        "campaigns": {"changed": 1, "same": 1}, "flows": {"made": 1, "same": 1}, "goals": {"changed": 1, "same": 1},
        "reward_totals": {"made": 1, "same": 1},
    }  # fmt: skip
    shown = {one["id"]: one for one in await member.campaigns()}[500]
    expected = {**second, "campaign_flows": [
        _in_order({**one, "campaign_id": 500}, shown["campaign_flows"][0]) for one in second["campaign_flows"]
    ]}  # fmt: skip
    assert shown == expected
    async with db.transaction(scope) as tx:
        assert await tx.fetchval("SELECT max(reward_version) FROM campaign") == version + 2
        assert await broken(tx) == []


async def test_partners_and_agreements_get_their_names_from_another_file(
    db: Database, member: Member, tmp_path: Path
) -> None:
    scope = Scope(member.group_id)
    file = saved(tmp_path, {"campaigns": [campaign(1)]})
    await bring(db, scope, file)
    told = Told(system="benji")
    names = saved(tmp_path, "id;name\n2;Café du Nord\n3;Boulangerie\n", "partners.csv")
    ships = saved(tmp_path, "id,name,partner,merchant_id\n2,Nord & Co,2,2\n9,Other,3,2\n", "ships.csv")
    assert (await bring(db, scope, names, "partners", told=told)).refused == 0
    assert (await bring(db, scope, ships, "partnerships", told=told)).refused == 0
    await bring(db, scope, file)
    async with db.transaction(scope) as tx:
        assert {tuple(row) for row in await tx.fetch("SELECT known_as_id[1], name FROM partner")} == {
            ("2", "Café du Nord"), ("3", "Boulangerie"),
        }  # fmt: skip
        assert {tuple(row) for row in await tx.fetch("SELECT known_as_id[1], name FROM partnership")} == {
            ("2", "Nord & Co"), ("9", "Other"),
        }  # fmt: skip
    bad = saved(tmp_path, "id,name,partner,store\n2,X,3,2\n8,Y,77,2\n7,Z,,\n,W,2,2\n", "bad.csv")
    report = await bring(db, scope, bad, "partnerships", told=told)
    assert report.refused == 4
    assert {reason.code for reason in report.reasons.values()} == {"WRONG_PARTNER", "NOT_FOUND", "INVALID"}


async def test_faulty_campaigns_are_refused_whole_and_the_others_go_in(
    db: Database, member: Member, tmp_path: Path
) -> None:
    scope = Scope(member.group_id)
    bad: list[dict[str, Any]] = [
        campaign(21, campaign_flows=[flow(21, actions=[{**flow(21)["actions"][0], "base_reward": -1}])]),
        campaign(22, campaign_flows=[flow(22), flow(22)]),
        campaign(23, goals=[{**SAMPLE["goals"][0], "id": 1, "goal_type": 2**40}]),
        campaign(24, is_active=7),
        campaign(
            25,
            campaign_flows=[
                flow(26, multipliers=[{**flow(1)["multipliers"][0], "multiplier_amount": 1.23456}])
            ],
        ),
        campaign(27, total_rewards=-5),
        campaign(28, campaign_flows=[flow(28, actions=[{**flow(28)["actions"][0], "partner_id": None}])]),
        {"id": 29, "name": "No campaign"},
        campaign(0),
    ]
    report = await bring(
        db, scope, saved(tmp_path, {"campaigns": [*bad, campaign(30, campaign_flows=[flow(30)])]})
    )
    assert report.refused == len(bad), report.lines()
    assert [one["id"] for one in await member.campaigns()] == [30]
    assert len((tmp_path / "campaigns.json.refused.jsonl").read_text().splitlines()) == len(bad)
    # A flow belongs to one campaign.
    moved = await bring(
        db, scope, saved(tmp_path, {"campaigns": [campaign(31, campaign_flows=[flow(30)])]}, "m.json")
    )
    assert [reason.code for reason in moved.reasons.values()] == ["WRONG_CAMPAIGN"]
    assert [one["id"] for one in await member.campaigns()] == [30]


async def test_a_dry_run_makes_nothing(db: Database, member: Member, tmp_path: Path) -> None:
    report = await bring(db, Scope(member.group_id), saved(tmp_path, PRINTED.read_text()), dry=True)
    assert report.concepts["campaigns"][Verdict.MADE] == 1
    assert await member.campaigns() == []


async def test_sums_of_a_pulled_answer_count_up_to_the_moment_it_came(
    db: Database, member: Member, tmp_path: Path
) -> None:
    answer = {"campaigns": [campaign(700, total_rewards=12), campaign(701, total_rewards=5)]}
    line = {"request": "/campaigns", "status": 200, "at": "2025-06-01T10:00:00Z", "run": 1, "answer": answer}
    file = saved(tmp_path, json.dumps(line) + "\n", "campaigns.jsonl")
    report = await bring(db, Scope(member.group_id), file)
    assert report.refused == 0, report.lines()
    async with db.transaction(Scope(member.group_id)) as tx:
        rows = await tx.fetch("SELECT kind, amount, as_of FROM reward_entry ORDER BY amount")
    moment = datetime(2025, 6, 1, 10, tzinfo=UTC)
    assert [tuple(row) for row in rows] == [("opening", 5, moment), ("opening", 12, moment)]
    assert [one["total_rewards"] for one in await member.campaigns()] == [5, 12]


async def test_answers_of_one_gateway_are_known_to_all_its_systems(
    db: Database, member: Member, tmp_path: Path
) -> None:
    file = saved(tmp_path, {"campaigns": [campaign(800, campaign_flows=[flow(4)], template_id=801)]})
    # Without goals and total there is nothing to make of them.
    for verdicts in ({Verdict.MADE, Verdict.SAME}, {Verdict.SAME}):
        report = await bring(db, Scope(member.group_id), file, told=Told(one_gateway=True))
        assert report.refused == 0, report.lines()
        assert {v for counts in report.concepts.values() for v, n in counts.items() if n} == verdicts
    async with db.transaction(Scope(member.group_id)) as tx:
        for table, prefix, number in (
            ("partner", "part", 2),
            ("partnership", "pship", 2),
            ("store", "store", 2),
        ):
            known = await tx.fetchval(
                f"SELECT known_as_id[array_position(known_as_system, 'crm')] FROM {table}"
                f" WHERE '{number}' = ANY (known_as_id)"
            )
            assert known == f"{prefix}_{number}"
    (shown,) = await member.campaigns()
    assert (shown["id"], shown["template_id"], shown["campaign_flows"][0]["id"]) == (800, 801, 4)
