"""Reading campaigns, their metrics and customer groups through the La Griffe API."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from app.domain.metrics.entries import MetricEntry
from app.domain.metrics.operations import record_metrics
from app.rest import openapi
from app.rest.facades import FACADES
from app.values.json_text import write_json
from tests.given import groups
from tests.rest.conftest import Extranet
from tests.rest.test_lagriffe_credentials import assert_refused

DOCUMENT = msgspec.json.decode(write_json(openapi.document(FACADES)))


def assert_documented(body: object, schema: str) -> None:
    """A body is of the shape the OpenAPI document promises."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(body)


async def metric(client: Extranet, campaign_id: int, day: str, channel: str, **figures: Any) -> None:
    """A reported day."""
    entry = MetricEntry(campaign_id=campaign_id, day=date.fromisoformat(day), channel=channel, **figures)
    async with client.db.transaction(client.given.scope) as tx:
        await record_metrics(tx, [entry], now=datetime.now(UTC))


async def test_the_list_holds_the_campaigns_of_the_group(client: Extranet) -> None:
    first = await client.create(label="first")
    second = await client.create(label="second", channels=["google_ads", "tv"])
    response = await client.call("GET", "/api/campaigns")
    assert_documented(response.json(), "LaGriffeCampaignsAnswer")
    rows = response.json()["data"]
    assert [row["id"] for row in rows] == [second["id"], first["id"]]
    assert response.headers["x-total-count"] == "2"
    assert all(type(row["id"]) is int for row in rows)


async def test_an_empty_list_is_a_list(client: Extranet) -> None:
    response = await client.call("GET", "/api/campaigns")
    assert response.content == b'{"success":true,"data":[]}'


async def test_a_campaign_shows_what_hangs_on_it(client: Extranet) -> None:
    made = await client.create()
    body = (await client.call("GET", f"/api/campaigns/{made['id']}")).json()
    assert_documented(body, "LaGriffeCampaignAnswer")
    shown = body["data"]
    assert shown == made
    row = (await client.get("/api/campaigns"))[0]
    assert row == {name: shown[name] for name in row}
    assert shown["customer"]["id"] == client.given.store_id
    assert shown["customer"]["external_beacon_key"] == client.given.beacon_key
    assert shown["customer_group"]["id"] == client.given.group_id
    assert shown["project"]["id"] > 0
    assert shown["assets"] == []
    assert shown["metrics"] == {"impressions": 0, "clicks": 0, "conversions": 0, "spend": 0}


async def test_what_is_listed_is_readable_and_nothing_else(client: Extranet) -> None:
    lyon = await groups.store(client.db, client.given.group_id, name="Lyon")
    ids = [
        (await client.create())["id"],
        (await client.create(external_beacon_key=lyon.beacon_key))["id"],
    ]
    for beacon in (None, lyon.beacon_key, client.given.beacon_key):
        listed = {row["id"] for row in await client.get("/api/campaigns", beacon=beacon)}
        for campaign_id in ids:
            for path in (f"/api/campaigns/{campaign_id}", f"/api/campaigns/{campaign_id}/metrics"):
                status = (await client.call("GET", path, beacon=beacon)).status_code
                assert (status == 200) == (campaign_id in listed)


@pytest.mark.parametrize(
    "ident", ["0", "042", "-1", "abc", "camp_42", "%D9%A3", "9" * 19, "9" * 400, "4%202"]
)
async def test_a_malformed_id_is_not_found(client: Extranet, ident: str) -> None:
    assert_refused(await client.call("GET", f"/api/campaigns/{ident}"), 404)
    assert_refused(await client.call("GET", f"/api/campaigns/{ident}/metrics"), 404)


async def test_metrics_come_per_channel_in_days_without_gaps(client: Extranet) -> None:
    made = await client.create(
        channels=["google_ads", "meta"], start_date="2025-06-01", end_date="2025-06-05"
    )
    await metric(
        client, made["id"], "2025-06-01", "google_ads", impressions=100, clicks=4, spend=Decimal("1.10")
    )
    await metric(
        client,
        made["id"],
        "2025-06-04",
        "google_ads",
        impressions=50,
        conversions=Decimal(1),
        spend=Decimal("0.05"),
    )
    await metric(client, made["id"], "2025-06-02", "meta", impressions=7, clicks=1)
    body = (await client.call("GET", f"/api/campaigns/{made['id']}/metrics")).json()
    assert_documented(body, "LaGriffeMetricsAnswer")
    found = body["data"]
    assert [entry["channel"] for entry in found["channels"]] == ["google_ads", "meta"]
    days = [point["date"] for point in found["channels"][0]["series"]]
    assert days == sorted(days)
    assert days[:5] == [f"2025-06-0{n}" for n in range(1, 6)]
    by_day = {point["date"]: point for point in found["channels"][0]["series"]}
    assert by_day["2025-06-02"] == {
        "date": "2025-06-02", "impressions": 0, "clicks": 0, "conversions": 0, "spend": 0,
    }  # fmt: skip
    assert by_day["2025-06-01"]["spend"] == 1.1
    assert found["channels"][0]["totals"] == {
        "impressions": 150,
        "clicks": 4,
        "conversions": 1,
        "spend": 1.15,
    }
    assert found["totals"] == {"impressions": 157, "clicks": 5, "conversions": 1, "spend": 1.15}
    assert (await client.get(f"/api/campaigns/{made['id']}"))["metrics"] == found["totals"]


async def test_what_is_printed_adds_up_where_platforms_report_fractions(client: Extranet) -> None:
    made = await client.create(
        channels=["google_ads", "meta"], start_date="2025-06-01", end_date="2025-06-03"
    )
    for day, channel, conversions in (
        ("2025-06-01", "google_ads", "0.4"), ("2025-06-02", "google_ads", "2.4"), ("2025-06-03", "google_ads", "0.4"),
        ("2025-06-01", "meta", "1.5"), ("2025-06-02", "meta", "0.5"),
    ):  # fmt: skip
        await metric(client, made["id"], day, channel, conversions=Decimal(conversions))
    found = await client.get(f"/api/campaigns/{made['id']}/metrics")
    printed = {
        entry["channel"]: [point["conversions"] for point in entry["series"] if point["conversions"]]
        for entry in found["channels"]
    }
    # Halves are rounded up.
    assert printed == {"google_ads": [2], "meta": [2, 1]}
    assert [entry["totals"]["conversions"] for entry in found["channels"]] == [2, 3]
    assert found["totals"]["conversions"] == 5
    assert (await client.get(f"/api/campaigns/{made['id']}"))["metrics"] == found["totals"]


async def test_stores_add_up_to_the_group(client: Extranet) -> None:
    lyon = await groups.store(client.db, client.given.group_id, name="Lyon")
    for beacon, impressions in ((client.given.beacon_key, 10), (lyon.beacon_key, 32)):
        made = await client.create(external_beacon_key=beacon)
        await metric(client, made["id"], "2025-06-01", "google_ads", impressions=impressions)

    async def shown(beacon: str | None) -> int:
        rows = await client.get("/api/campaigns", beacon=beacon)
        details = [await client.get(f"/api/campaigns/{row['id']}", beacon=beacon) for row in rows]
        return sum(int(detail["metrics"]["impressions"]) for detail in details)

    assert await shown(None) == await shown(client.given.beacon_key) + await shown(lyon.beacon_key) == 42


async def test_customer_groups_are_a_list_also_when_there_is_one(client: Extranet) -> None:
    body = (await client.call("GET", "/api/customer-groups")).json()
    assert_documented(body, "LaGriffeCustomerGroupsAnswer")
    assert [group["id"] for group in body["data"]] == [client.given.group_id]


@pytest.mark.parametrize("path", ["/api/campaigns", "/api/campaigns/{id}/metrics", "/api/customer-groups"])
async def test_a_read_is_one_planned_statement_and_says_so(client: Extranet, path: str) -> None:
    made = await client.create()
    path = path.replace("{id}", str(made["id"]))
    body = (await client.call("GET", path, headers={"X-Explain": "1"})).json()
    assert_documented(body, "ExplainedRequest")
    assert body["execution"] == "planned", body["reason"]
    assert body["document"].startswith("query Lg")
    assert "select" in body["sql"].lower()


async def test_a_detail_is_planned_with_its_signed_links(client: Extranet) -> None:
    made = await client.create()
    body = (await client.call("GET", f"/api/campaigns/{made['id']}", headers={"X-Explain": "1"})).json()
    assert_documented(body, "ExplainedRequest")
    assert body["execution"] == "planned"
    assert "sha256" in body["sql"]


async def test_explaining_a_creation_creates_nothing(client: Extranet) -> None:
    response = await client.call(
        "POST",
        "/api/campaigns",
        data={**client.order(channels=...), "channels[]": "tv"},
        files=[("files[]", ("brief.pdf", b"%PDF-", "application/pdf"))],
        headers={"X-Explain": "1"},
    )
    body = response.json()
    assert body["variables"]["files"] == [{"name": "brief.pdf", "contentType": "application/pdf", "size": 5}]
    assert await client.count("campaign") == 0


async def test_unknown_routes_and_methods_are_refused_in_the_same_words(client: Extranet) -> None:
    assert_refused(await client.call("GET", "/api"), 404)
    assert_refused(await client.call("GET", "/api/campaigns/1/nothing"), 404)
    response = await client.call("DELETE", "/api/campaigns")
    assert "GET" in assert_refused(response, 405)
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_is_a_get_without_a_body(client: Extranet) -> None:
    got = await client.call("GET", "/api/campaigns")
    head = await client.call("HEAD", "/api/campaigns")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
    options = await client.call("OPTIONS", "/api/campaigns")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
