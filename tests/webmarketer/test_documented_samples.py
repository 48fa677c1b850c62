"""The requests that the document prints, letter by letter but for ids; elided parts (`{ }`) are empty."""

import re
from typing import Any

import pytest

from tests.given import projects
from tests.webmarketer.conftest import Analyst
from tests.webmarketer.test_custom_ads import campaign, spent
from tests.webmarketer.test_events import process, send

EVENT = """
{
  "projectId": "%s",
  "eventType": "purchase",
  "eventDate": "1955-11-12T22:00:00Z",
  "trackerId": "23jkfs1ufeuih1fh",
  "nonce": 123456789,
  "data": {
    }
}
"""
STATE = '{ "value": 1, "date": "2023-05-04T12:00:00.000Z" }'
STATISTIC = '{ "value": 4000, "date": "2023-05-04T12:00:00.000Z" }'
EVENT_TYPE = """
{
  "reference": "contact-form",
  "name": "Contact Form",
  "fields": [
    ],
  "metadata": { },
  "expirationPolicy": {
    }
}
"""
INSIGHTS = """
{
  "since": "2023-08-01T22:00:00.000Z",
  "until": "2023-08-19T22:00:00.000Z",
  "metrics": [
    ],
  "groupBy": "project",
  "interval": "day",
  "filter": null
}
"""
CAMPAIGN = '{ "campaignSlug": "string", "name": "string", "active": true }'
CAMPAIGN_CHANGE = '{ "name": "string", "active": true }'
OUTLAY = """
{
  "amount": 0,
  "startDate": "2019-08-24T14:15:22Z",
  "endDate": "2019-08-24T14:15:22Z",
  "country": "string",
  "region": "string"
}
"""
OUTLAY_CHANGE = """
{
  "amount": 0,
  "startDate": "2019-08-24T14:15:22Z",
  "endDate": "2019-08-24T14:15:22Z",
  "campaignId": { },
  "country": "string",
  "region": "string"
}
"""
INTERACTION = """
{
  "date": "2023-08-01T22:00:00.000Z",
  "userData": {
    },
  "nodeData": {
    }
}
"""
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def shop(analyst: Analyst) -> Analyst:
    """A client whose project has a custom ads integration."""
    await projects.integration(analyst.db, analyst.given.group_id, analyst.project_id, wmkt_id="ads-1")
    return analyst


async def call(shop: Analyst, method: str, path: str, body: str) -> tuple[int, Any]:
    """The status and body of the answer to this text."""
    response = await shop.call(method, path, content=body, headers=JSON)
    return response.status_code, response.json()


async def test_the_printed_event(shop: Analyst) -> None:
    status, ident = await call(shop, "POST", "/api/v1/events", EVENT % shop.project)
    assert status == 200
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ident)
    await process(shop)
    shown = await shop.get(f"raw-events/{ident}")
    assert (shown["eventDate"], shown["nonce"], shown["data"]) == ("1955-11-12T22:00:00Z", 123456789, {})
    # Nobody declared the event type yet.
    page = await shop.get(
        "trashed-events",
        since="2023-08-19T22:00:00.000Z",
        until="2999-08-21T21:59:59.999Z",
        offset=0,
        limit=10,
    )
    assert [one["code"] for one in page["data"][0]["errors"]] == ["event_type_unknown"]
    refused, body = await call(shop, "POST", "/api/v1/events/sync", EVENT % shop.project)
    assert (refused, body["statusCode"]) == (400, 400)
    await shop.ok("POST", "event-types", status=201, json={"reference": "purchase", "name": "Purchase"})
    fresh = (EVENT % shop.project).replace("123456789", "123456790")
    assert (await call(shop, "POST", "/api/v1/events/sync", fresh))[0] == 200


async def test_the_printed_event_type(shop: Analyst) -> None:
    status, made = await call(shop, "POST", "event-types", EVENT_TYPE)
    assert (status, made["reference"], made["fields"], made["metadata"], made["expirationPolicy"]) == (
        201, "contact-form", [], {}, {},
    )  # fmt: skip
    page = await shop.get("event-types", offset=0, limit=10, search="form", reference="contact-form",
                          sort="name,-createdAt")  # fmt: skip
    assert page["total"] == 1


async def test_the_printed_state_and_statistic(shop: Analyst) -> None:
    declared = {
        "reference": "order",
        "fields": [
            {"entity": "state", "storageKey": "converted"},
            {"entity": "statistic", "storageKey": "turnover"},
        ],
    }
    await shop.ok("POST", "event-types", status=201, json=declared)
    ident = await send(shop, data={})
    assert (await call(shop, "PATCH", f"events/{ident}/states/converted", STATE))[0] == 200
    assert (await call(shop, "PATCH", f"events/{ident}/statistics/turnover", STATISTIC))[0] == 200
    # "leave it blank if not relevant"
    status, shown = await call(shop, "PATCH", f"events/{ident}/states/converted", '{"value": 0, "date": ""}')
    assert status == 200
    assert shown["metrics"][0]["data"]["date"] > "2024"


async def test_the_printed_insights(shop: Analyst) -> None:
    status, found = await call(shop, "POST", "events/insights", INSIGHTS)
    assert (status, found[0]) == (200, {"date": "2023-08-01T00:00:00.000Z"})


async def test_the_printed_campaign(shop: Analyst) -> None:
    status, made = await call(shop, "POST", "custom-ads/ads-1/campaigns", CAMPAIGN)
    assert status == 201
    path = f"custom-ads/ads-1/campaigns/{made['id']}"
    assert await call(shop, "PATCH", path, CAMPAIGN_CHANGE) == (200, {"modifiedCount": 0})


async def test_the_printed_outlay_breaks_the_rule_beside_it(shop: Analyst) -> None:
    """Its start is its end; moved apart it is taken."""
    path = f"custom-ads/ads-1/campaigns/{await campaign(shop, 'spring')}"
    status, body = await call(shop, "POST", f"{path}/outlays", OUTLAY)
    assert (status, "`startDate` must be before `endDate`" in body["message"]) == (400, True)
    apart = OUTLAY.replace('"endDate": "2019-08-24', '"endDate": "2019-08-25')
    assert (await call(shop, "POST", f"{path}/outlays", apart))[0] == 201
    one = f"{path}/outlays/{await spent(shop, path)}"
    assert (await call(shop, "PATCH", one, OUTLAY_CHANGE))[0] == 400
    apart = OUTLAY_CHANGE.replace('"endDate": "2019-08-24', '"endDate": "2019-08-25')
    assert await call(shop, "PATCH", one, apart) == (200, {"modifiedCount": 1})


async def test_the_printed_interaction_gets_the_printed_answer(shop: Analyst) -> None:
    assert await call(shop, "POST", "interactions/offline", INTERACTION) == (
        400,
        {"statusCode": 400, "message": "wmktId must be present in nodeData", "error": "Bad Request"},
    )
