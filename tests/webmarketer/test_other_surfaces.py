"""What is made through the Webmarketer API is the same thing everywhere else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.auth.keys import create_api_key
from tests.given import projects
from tests.webmarketer.conftest import Analyst
from tests.webmarketer.test_custom_ads import campaign, spent
from tests.webmarketer.test_events import ORDER, send


@pytest.fixture
async def shop(analyst: Analyst) -> Analyst:
    """A client whose project has an integration in euros, and knows orders."""
    await projects.integration(analyst.db, analyst.given.group_id, analyst.project_id, wmkt_id="ads-1")
    await analyst.ok("POST", "event-types", status=201, json=ORDER)
    return analyst


async def test_a_custom_campaign_and_its_outlays_are_a_campaign_and_its_spend(shop: Analyst) -> None:
    ident = await campaign(shop, "spring")
    number = int(ident, 16)
    await spent(
        shop, f"custom-ads/ads-1/campaigns/{ident}", amount=100.01,
        startDate="2025-06-01T22:00:00Z", endDate="2025-06-04T22:00:00Z",
    )  # fmt: skip

    key = await create_api_key(
        shop.db, group_id=shop.given.group_id, name="test", access="read", now=datetime.now(UTC)
    )
    extranet = replace(shop, token=None)
    headers = {"X-API-KEY": key.secret}
    listed = await extranet.ok("GET", "/api/campaigns", headers=headers)
    assert [(row["id"], row["label"]) for row in listed["data"]] == [(number, "Spring")]
    metrics = await extranet.ok("GET", f"/api/campaigns/{number}/metrics", headers=headers)
    assert "33.34" in str(metrics)

    marketing = await shop.ok("GET", "/api/v1/marketing/campaigns")
    assert [(row["id"], row["status"]) for row in marketing["data"]] == [(f"camp_{number}", "active")]

    asked = (
        "query ($id: ID!) { campaign(id: $id) {"
        " metrics { spend { amount } } spendEntries { nodes { day amount { amount } } } } }"
    )
    answer = await shop.call("POST", "/graphql", json={"query": asked, "variables": {"id": f"camp_{number}"}})
    found = answer.json()["data"]["campaign"]
    assert found["metrics"]["spend"]["amount"] == "100.01"
    assert sorted(one["amount"]["amount"] for one in found["spendEntries"]["nodes"]) == [
        "33.33",
        "33.34",
        "33.34",
    ]


async def test_an_event_counts_the_same_here_and_in_the_graph(shop: Analyst) -> None:
    ident = await send(shop, eventDate="2025-06-02T10:00:00Z", data={"no": "A-1", "turnover": 4000})
    await shop.ok("PATCH", f"events/{ident}/statistics/turnover", json={"value": 4000.5})
    body = {
        "since": "2025-06-01", "until": "2025-06-30", "metrics": ["turnover"], "groupBy": "project",
        "interval": "month",
    }  # fmt: skip
    [here] = await shop.ok("POST", "events/insights", json=body)
    asked = (
        'query ($project: String!) { insights(project: $project, metrics: ["turnover"], interval: MONTH,'
        ' since: "2025-06-01", until: "2025-06-30") { period values { value } }'
        " events(filter: {project: $project}) { nodes { id metrics { value } } } }"
    )
    answer = await shop.call(
        "POST", "/graphql", json={"query": asked, "variables": {"project": shop.project}}
    )
    there = answer.json()["data"]
    assert (here["turnover"], there["insights"][0]["values"]) == (4000.5, [{"value": "4000.5"}])
    assert [one["id"] for one in there["events"]["nodes"]] == [f"event_{ident}"]
    assert "4000.5" in str(there["events"])
