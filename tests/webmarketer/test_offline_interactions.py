"""Offline interactions through the Webmarketer API, with the document's own words where it refuses one."""

import re
from typing import Any

import pytest

from tests.given import projects
from tests.webmarketer.conftest import Analyst
from tests.webmarketer.test_custom_ads import campaign

PATH = "interactions/offline"


@pytest.fixture
async def shop(analyst: Analyst) -> Analyst:
    """A client whose project has a custom integration, and one of another kind."""
    group_id, project_id = analyst.given.group_id, analyst.project_id
    await projects.integration(analyst.db, group_id, project_id, wmkt_id="ads-1")
    await projects.integration(analyst.db, group_id, project_id, wmkt_id="google-1", kind="google_ads")
    return analyst


def call(**more: Any) -> dict[str, Any]:
    """The printed body; a field of `...` is left out."""
    body = {
        "date": "2023-08-01T22:00:00.000Z",
        "userData": {"email": "jane@example.com"},
        "nodeData": {"wmktId": "ads-1", "cid": "spring"},
        **more,
    }
    return {name: value for name, value in body.items() if value is not ...}


async def last(shop: Analyst) -> Any:
    """The latest interaction, as the graph shows it."""
    asked = "{ interactions(first: 1) { nodes { kind occurredAt campaign { tracking { slug } } nodeData userData } } }"
    answer = await shop.call("POST", "/graphql", json={"query": asked})
    return answer.json()["data"]["interactions"]["nodes"][0]


async def test_one_is_recorded_with_its_campaign(shop: Analyst) -> None:
    await campaign(shop, "spring")
    made = await shop.ok("POST", PATH, status=201, json=call())
    assert list(made) == ["id"]
    assert re.fullmatch("[0-9a-f]{24}", made["id"])
    assert await last(shop) == {
        "kind": "OFFLINE",
        "occurredAt": "2023-08-01T22:00:00Z",
        "campaign": {"tracking": {"slug": "spring"}},
        "nodeData": {"wmktId": "ads-1", "cid": "spring"},
        "userData": {"email": "jane@example.com"},
    }


@pytest.mark.parametrize("date", [..., None, ""])
async def test_without_a_date_it_is_now(shop: Analyst, date: object) -> None:
    await shop.ok("POST", PATH, status=201, json=call(date=date))
    assert (await last(shop))["occurredAt"] > "2024"


@pytest.mark.parametrize("node", [..., {}, [], {"cid": "spring"}, None])
async def test_without_the_integrations_id_it_is_refused_in_the_documents_words(
    shop: Analyst, node: Any
) -> None:
    response = await shop.call("POST", PATH, json=call(nodeData=node))
    assert response.content == (
        b'{"statusCode":400,"message":"wmktId must be present in nodeData","error":"Bad Request"}'
    )


@pytest.mark.parametrize(
    "more",
    [
        {"nodeData": {"wmktId": "nothing"}},
        {"nodeData": {"wmktId": "google-1"}},
        {"nodeData": {"wmktId": 7}},
        {"nodeData": "ads-1"},
        {"userData": {"favourite_colour": "blue"}},
        {"userData": {"email": "jane@example.com", "shoe": 44}},
        {"userData": "jane@example.com"},
        {"date": "soon"},
    ],
)
async def test_anything_else_that_is_wrong_is_refused_at_once(shop: Analyst, more: dict[str, Any]) -> None:
    await shop.refused("POST", PATH, 400, json=call(**more))
    assert await shop.count("interaction") == 0
