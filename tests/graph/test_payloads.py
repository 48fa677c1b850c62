"""A mutation's payload is printed by one statement inside its transaction, the same as the resolvers would."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from tests.given import campaigns as given
from tests.given import groups
from tests.given.groups import GivenGroup

CREATE = """
mutation($input: CampaignCreateInput!) {
  made: campaignCreate(input: $input) {
    __typename
    a: campaign { ...Shown flows { id } }
    b: campaign { name promos(first: 2) { totalCount nodes { code } } }
    errors { code }
  }
}
fragment Shown on Campaign { name status budget { amount currency } store { name group { name } } channels }
"""
MOVE = (
    "mutation($id: ID!) { campaignMove(input: {id: $id, move: ACTIVATE}) { campaign { __typename status } } }"
)
REPORT = """
mutation($input: MetricsRecordInput!) {
  metricsRecord(input: $input) { campaigns { name metrics { impressions spend { amount } } } errors { message } }
}
"""


@pytest.fixture
async def group(db: Database) -> GivenGroup:
    return await groups.group(db)


async def run(
    db: Database, folder: Path, group: GivenGroup, query: str, *, planner: bool, **variables: Any
) -> Any:
    """Run a mutation, its payload printed or resolved."""
    settings = dataclasses.replace(read_settings({"DATA_DIR": str(folder)}), planner=planner)
    principal = Principal("test", group.scope, frozenset({Role.TENANT_ADMIN}))
    context = Context(Services(settings, db, AssetStorage(settings)), principal, now=given.NOON)
    made = await answer(Operation(query, variables), context)
    return json.loads(made.body)


async def test_a_printed_payload_is_what_the_resolvers_say(
    db: Database, group: GivenGroup, tmp_path: Path
) -> None:
    order = {"name": 'É "q" \n', "budgetTotal": "12.5", "channels": ["email"], "startsOn": "2025-07-01"}
    printed, resolved = [
        await run(db, tmp_path, group, CREATE, planner=planner, input=order) for planner in (True, False)
    ]
    assert printed == resolved
    assert list(printed["data"]["made"]) == ["__typename", "a", "b", "errors"]
    assert printed["data"]["made"]["a"]["budget"] == {"amount": "12.50", "currency": "EUR"}


async def test_several_mutations_in_one_request_each_show_their_own(
    db: Database, group: GivenGroup, tmp_path: Path
) -> None:
    both = "mutation { " + " ".join(
        f'm{n}: campaignCreate(input: {{name: "c{n}"}}) {{ campaign {{ name }} errors {{ code }} }}' for n in range(3)
    ) + " }"  # fmt: skip
    made = await run(db, tmp_path, group, both, planner=True)
    assert [made["data"][f"m{n}"]["campaign"]["name"] for n in range(3)] == ["c0", "c1", "c2"]


async def test_a_payload_shows_what_the_write_left(db: Database, group: GivenGroup, tmp_path: Path) -> None:
    camp = await given.campaign(db, group.scope)
    moved = await run(db, tmp_path, group, MOVE, planner=True, id=f"camp_{camp}")
    assert moved["data"]["campaignMove"]["campaign"] == {"__typename": "Campaign", "status": "ACTIVE"}
    entries = [
        {
            "campaignId": f"camp_{camp}",
            "day": "2025-06-01",
            "channel": "tv",
            "impressions": 5,
            "spend": "1.25",
        }
    ]
    printed, resolved = [
        await run(db, tmp_path, group, REPORT, planner=planner, input={"entries": entries})
        for planner in (True, False)
    ]
    assert printed == resolved
    assert printed["data"]["metricsRecord"]["campaigns"][0]["metrics"] == {
        "impressions": 5, "spend": {"amount": "1.25"},
    }  # fmt: skip


async def test_a_refused_write_prints_no_row(db: Database, group: GivenGroup, tmp_path: Path) -> None:
    refused = await run(db, tmp_path, group, CREATE, planner=True, input={"name": ""})
    made = refused["data"]["made"]
    assert (made["a"], made["b"]) == (None, None)
    assert made["errors"]
