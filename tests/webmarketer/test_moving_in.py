"""What Webmarketer prints goes in as it is, in whatever order it comes, and is printed again.

The samples are those of the document, with what it leaves out filled in.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from app.domain.events.processing import process_pending
from app.importing.reading.sources import find_sources
from app.importing.report import Report
from app.importing.running import import_files
from app.moving.kept import Line, written
from tests.webmarketer.conftest import Analyst

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TYPE: dict[str, Any] = {
    "_id": "64ea0e9471360401bc438ef6",
    "createdAt": "2023-07-21T10:57:00.000Z",
    "updatedAt": "2023-08-26T14:35:00.000Z",
    "archivedAt": None,
    "projectId": "?",
    "reference": "order",
    "name": "Order",
    "fields": [
        {"label": "Mail", "entity": "user", "type": "email", "ingestionKey": "mail", "storageKey": "email",
         "optional": False, "discriminant": True},
        {"label": "No", "entity": "event-type", "type": "currency", "ingestionKey": "no", "storageKey": "no",
         "optional": True, "colour": "red"},
        {"label": "Turnover", "entity": "statistic", "type": "number", "ingestionKey": "worth",
         "storageKey": "turnover", "optional": True},
        {"label": "Converted", "entity": "state", "type": "boolean", "ingestionKey": "converted",
         "storageKey": "converted", "optional": True},
    ],
    "metadata": {"by": "us", "n": 1.50},
    "phoneParsingConfig": ["FR"],
    "expirationPolicy": {"days": 30},
}  # fmt: skip
METRIC = {
    "_id": "668fdaae3a8d910335ec5701",
    "type": "statistic",
    "storageKey": "turnover",
    "data": {"value": 4000, "date": "2023-05-04T12:00:00.000Z"},
    "createdAt": "2024-07-11T13:36:53.922Z",
    "updatedAt": "2024-07-11T13:36:54.000Z",
}
EVENT: dict[str, Any] = {
    "_id": "7a67b6b7-14bc-4a91-aefa-c2cdc6fd4741",
    "projectId": "?",
    "userId": "668fdaae3a8d910335ec56b1",
    "eventDate": "2024-04-16T20:37:02.000Z",
    "eventType": "order",
    "attributable": True,
    "expirationPolicy": {"days": 30},
    "event": {"no": 12.50},
    "user": {"email": "customer@example.com"},
    "metrics": [METRIC],
    "createdAt": "2024-07-11T13:36:53.922Z",
    "updatedAt": "2024-07-12T13:36:53.922Z",
}
RAW: dict[str, Any] = {
    "_id": EVENT["_id"],
    "projectId": "?",
    "nonce": 123456789,
    "eventType": "order",
    "trackerId": "ru1cc7QHeklGu2_3MOzLkLncu3KJAQ",
    "createdAt": "2024-07-11T13:36:53.922Z",
    "data": {"mail": "Customer@example.com", "no": "12,50", "worth": 3999},
    "eventDate": "2024-04-16T20:37:02Z",
    "landingUrl": "https://shop.example/?wmktid=ads-9",
}
TRASHED: dict[str, Any] = {
    **RAW,
    "_id": "e5be5b04-0721-4a6e-87eb-b880f81a12d2",
    "nonce": "e5be5b04",
    "trackerId": None,
    "createdAt": "2024-09-22T14:15:00.123Z",
    "errors": [{"field": {"storageKey": "email"}, "code": "required", "message": "email is required"}],
}
CAMPAIGN: dict[str, Any] = {
    "id": "64ea0e9471360401bc430001",
    "integrationId": "64ea0e9471360401bc430000",
    "projectId": "?",
    "name": "Spring",
    "campaignSlug": "spring",
    "active": True,
    "explicit": True,
    "createdAt": "2019-08-24T14:15:22.000Z",
    "updatedAt": "2019-08-25T14:15:22.000Z",
}
OUTLAY: dict[str, Any] = {
    "_id": "64ea0e9471360401bc430002",
    "projectId": "?",
    "integrationId": CAMPAIGN["integrationId"],
    "campaignId": CAMPAIGN["id"],
    "amount": {"value": 1200.5, "currency": "USD"},
    "startDate": "2019-08-24T14:15:22.000Z",
    "endDate": "2019-09-24T14:15:22.000Z",
    "country": "FR",
    "region": None,
    "deletedAt": None,
    "createdAt": "2019-08-24T14:15:23.000Z",
    "updatedAt": "2019-08-24T14:15:24.000Z",
}


def of(analyst: Analyst, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows as they are of the analyst's project."""
    return [{**row, "projectId": analyst.project} for row in rows]


async def bring(analyst: Analyst, folder: Path, *rows: object, what: str = "webmarketer") -> Report:
    """Import them, an object a line."""
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return await import_files(analyst.db, analyst.given.scope, what, find_sources(str(file)), now=NOW)


def done(report: Report) -> dict[str, dict[str, int]]:
    """What became of the records."""
    return {
        concept: {verdict.value: n for verdict, n in counts.items()}
        for concept, counts in report.concepts.items()
    }


async def test_an_event_type_is_printed_again(analyst: Analyst, tmp_path: Path) -> None:
    [told] = of(analyst, TYPE)
    [gone] = of(
        analyst, {**TYPE, "_id": "f" * 24, "reference": "old", "archivedAt": "2024-01-01T00:00:00.000Z"}
    )
    assert done(await bring(analyst, tmp_path, told, gone)) == {"event_types": {"made": 2}}
    assert await analyst.get("event-types/order") == told
    assert (await analyst.get("event-types", archived="true"))["data"] == [gone]
    assert done(await bring(analyst, tmp_path, told, gone)) == {"event_types": {"same": 2}}


ORDERS = list(permutations(("understood", "raw", "metric")))


@pytest.mark.parametrize("order", ORDERS, ids=["-".join(one) for one in ORDERS])
async def test_what_was_sent_and_what_was_understood_meet(
    order: tuple[str, ...], analyst: Analyst, tmp_path: Path
) -> None:
    told, understood, raw = of(analyst, TYPE, EVENT, RAW)
    metric = {**METRIC, "eventId": EVENT["_id"], "userId": EVENT["userId"], "projectId": analyst.project}
    rows = {"understood": understood, "raw": raw, "metric": metric}
    await bring(analyst, tmp_path, told)
    report = await bring(analyst, tmp_path, *(rows[name] for name in order))
    assert report.refused == 0, report.lines()
    assert await analyst.get(f"events/{EVENT['_id']}") == understood
    assert await analyst.get(f"raw-events/{EVENT['_id']}") == raw
    assert (await analyst.get(f"users/{EVENT['userId']}/events"))["data"] == [understood]
    assert (await analyst.get(f"users/{EVENT['userId']}/metrics"))["data"] == [
        {**METRIC, "eventId": EVENT["_id"], "userId": EVENT["userId"], "projectId": analyst.project}
    ]
    body = {
        "since": "2024-01-01T00:00:00Z", "until": "2025-01-01T00:00:00Z", "metrics": ["turnover", "event-count"],
        "groupBy": "project", "interval": "year",
    }  # fmt: skip
    [year, *_] = await analyst.ok("POST", "events/insights", json=body)
    assert (year["turnover"], year["event-count"]) == (4000, 1)
    assert await analyst.count("customer") == 1
    assert await analyst.count("interaction") == 1
    again = await bring(analyst, tmp_path, *(rows[name] for name in order))
    assert done(again) == {"events": {"same": 2}, "event_metrics": {"same": 1}}
    assert await analyst.count("event_metric_change") in (1, 2)


async def test_an_event_of_which_only_the_rest_is_known_was_never_sent(
    analyst: Analyst, tmp_path: Path
) -> None:
    told, understood = of(analyst, TYPE, EVENT)
    await bring(analyst, tmp_path, told, understood)
    assert await analyst.get(f"events/{EVENT['_id']}") == understood
    await analyst.refused("GET", f"raw-events/{EVENT['_id']}", 404)


async def test_the_trash_has_its_reasons(analyst: Analyst, tmp_path: Path) -> None:
    told, trashed = of(analyst, TYPE, TRASHED)
    assert done(await bring(analyst, tmp_path, told, trashed))["events"] == {"made": 1}
    page = await analyst.get("trashed-events")
    assert page["data"] == [trashed]
    announced = {**trashed, "errors": [{**trashed["errors"][0], "field": "email"}]}
    assert done(await bring(analyst, tmp_path, announced)) == {"events": {"same": 1}}
    # Later it was replayed there.
    [understood] = of(analyst, {**EVENT, "_id": TRASHED["_id"], "createdAt": TRASHED["createdAt"]})
    assert done(await bring(analyst, tmp_path, understood)) == {"events": {"changed": 1}}
    assert (await analyst.get("trashed-events"))["total"] == 0
    assert await analyst.get(f"events/{TRASHED['_id']}") == understood


async def test_what_was_only_sent_is_judged_as_when_it_came(analyst: Analyst, tmp_path: Path) -> None:
    [told] = of(analyst, {**TYPE, "archivedAt": "2025-01-01T00:00:00.000Z"})
    raw, bad, strange = of(
        analyst,
        {**RAW, "_id": "64ea0e9471360401bc43000a"},
        {**RAW, "_id": "64ea0e9471360401bc43000b", "nonce": "b", "data": {"mail": "no"}},
        {**RAW, "_id": "64ea0e9471360401bc43000c", "nonce": "c", "eventType": "unknown"},
    )
    await bring(analyst, tmp_path, told)
    assert done(await bring(analyst, tmp_path, raw, bad, strange)) == {"events": {"made": 3}}
    assert await analyst.get(f"raw-events/{raw['_id']}") == raw
    found = await analyst.get(f"events/{raw['_id']}")
    assert (found["event"], found["user"], found["metrics"][0]["data"]["value"]) == (
        {"no": 12.50}, {"email": "customer@example.com"}, 3999,
    )  # fmt: skip
    codes = [one["errors"][0]["code"] for one in (await analyst.get("trashed-events"))["data"]]
    assert sorted(codes) == ["event_type_unknown", "field_invalid"]
    assert done(await bring(analyst, tmp_path, raw, bad, strange)) == {"events": {"same": 3}}


async def test_an_event_that_was_sent_to_both_is_one(analyst: Analyst, tmp_path: Path) -> None:
    [told, raw] = of(analyst, TYPE, RAW)
    await bring(analyst, tmp_path, told)
    sent = {name: value for name, value in raw.items() if name not in ("_id", "createdAt")}
    first = await analyst.ok("POST", "/api/v1/events", json=sent, status=200)
    await process_pending(analyst.db, analyst.given.group_id, now=NOW)
    assert done(await bring(analyst, tmp_path, raw)) == {"events": {"changed": 1}}
    assert await analyst.count("event") == 1
    # And the other way round.
    [other] = of(analyst, {**RAW, "_id": "8a67b6b7-14bc-4a91-aefa-c2cdc6fd4741", "nonce": "late"})
    await bring(analyst, tmp_path, other)
    again = await analyst.ok("POST", "/api/v1/events", json={**sent, "nonce": "late"}, status=200)
    assert again == other["_id"] != first
    assert await analyst.count("event") == 2


async def test_an_event_that_was_sent_to_both_is_one_whatever_came_first(
    analyst: Analyst, tmp_path: Path
) -> None:
    told, understood, raw = of(analyst, TYPE, EVENT, RAW)
    await bring(analyst, tmp_path, told)
    sent = {name: value for name, value in raw.items() if name not in ("_id", "createdAt")}
    ours = await analyst.ok("POST", "/api/v1/events", json=sent, status=200)
    await process_pending(analyst.db, analyst.given.group_id, now=NOW)
    # Nothing says yet that these are the same.
    assert done(await bring(analyst, tmp_path, understood)) == {"events": {"made": 1}}
    assert done(await bring(analyst, tmp_path, raw)) == {"events": {"changed": 1}}
    assert await analyst.count("event") == 1
    assert await analyst.count("event_metric") == 1
    body = {
        "since": "2024-01-01T00:00:00Z", "until": "2025-01-01T00:00:00Z", "metrics": ["turnover", "event-count"],
        "groupBy": "project", "interval": "year",
    }  # fmt: skip
    [year, *_] = await analyst.ok("POST", "events/insights", json=body)
    assert (year["turnover"], year["event-count"]) == (3999, 1)
    assert done(await bring(analyst, tmp_path, understood, raw)) == {"events": {"changed": 1, "same": 1}}
    assert (await analyst.get(f"raw-events/{ours}"))["_id"] == EVENT["_id"]
    [year, *_] = await analyst.ok("POST", "events/insights", json=body)
    assert (year["turnover"], year["event-count"]) == (4000, 1)


async def test_a_dry_run_writes_nothing(analyst: Analyst, tmp_path: Path) -> None:
    await bring(analyst, tmp_path, *of(analyst, TYPE))
    file = tmp_path / "dry.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in of(analyst, EVENT, RAW, TRASHED)))
    report = await import_files(
        analyst.db, analyst.given.scope, "webmarketer", find_sources(str(file)), now=NOW, dry=True
    )
    assert done(report) == {"events": {"made": 2, "changed": 1}}
    assert [await analyst.count(table) for table in ("event", "customer", "event_rollup")] == [0, 0, 0]


async def test_campaigns_and_outlays_of_a_pulled_folder(analyst: Analyst, tmp_path: Path) -> None:
    campaign, outlay = of(analyst, CAMPAIGN, OUTLAY)
    place = tmp_path / "webmarketer"
    place.mkdir()
    (place / "manifest.json").write_text('{"form": 1, "state": "complete", "routes": {}}')
    home = f"/api/v1/projects/{analyst.project}/custom-ads/ads-9/campaigns"
    lists = {
        "GET-api-v1-projects-projectId-custom-ads-wmktId-campaigns.jsonl": (home, campaign),
        "GET-api-v1-projects-projectId-custom-ads-wmktId-campaigns-parentCampaignId-outlays.jsonl": (
            f"{home}/{campaign['id']}/outlays", outlay,
        ),
    }  # fmt: skip
    for name, (request, row) in lists.items():
        answer = json.dumps({"data": [row], "count": 1, "total": 1}).encode()
        (place / name).write_bytes(written(Line(request, 200, "2026-11-30T10:00:00Z", 1), answer))
    sources = find_sources(str(tmp_path))
    report = await import_files(analyst.db, analyst.given.scope, "webmarketer", sources, now=NOW)
    assert report.refused == 0, report.lines()
    assert (await analyst.get("custom-ads/ads-9/campaigns"))["data"] == [campaign]
    assert (await analyst.get(f"custom-ads/ads-9/campaigns/{campaign['id']}/outlays"))["data"] == [outlay]
    again = await import_files(analyst.db, analyst.given.scope, "webmarketer", sources, now=NOW)
    assert {verdict for counts in done(again).values() for verdict in counts} == {"same"}


async def test_an_unknown_integration_is_refused_and_says_how_to_mend_it(
    analyst: Analyst, tmp_path: Path
) -> None:
    report = await bring(analyst, tmp_path, *of(analyst, CAMPAIGN))
    assert report.refused == 1
    assert any("wmktId" in reason.message for reason in report.reasons.values())
    assert await analyst.count("campaign") == 0


async def test_refused_rows_of_a_folder_go_in_again_as_they_are(
    analysts: Callable[..., Any], tmp_path: Path
) -> None:
    analyst = await analysts()
    place = tmp_path / "webmarketer"
    place.mkdir()
    (place / "manifest.json").write_text('{"form": 1, "state": "complete", "routes": {}}')
    [understood] = of(analyst, EVENT)
    request = f"/api/v1/projects/{analyst.project}/events/{EVENT['_id']}"
    (place / "GET-api-v1-projects-projectId-events-id.jsonl").write_bytes(
        written(Line(request, 200, "2026-11-30T10:00:00Z", 1), json.dumps(understood).encode())
    )
    report = await import_files(
        analyst.db, analyst.given.scope, "webmarketer", find_sources(str(place)), now=NOW
    )
    assert report.refused == 1
    await bring(analyst, tmp_path, *of(analyst, TYPE))
    refused = tmp_path / "webmarketer.refused.jsonl"
    again = await import_files(
        analyst.db, analyst.given.scope, "webmarketer", find_sources(str(refused)), now=NOW
    )
    assert done(again) == {"events": {"made": 1}}
    assert await analyst.get(f"events/{EVENT['_id']}") == understood


async def test_a_customer_whose_number_is_a_users_id_there_stays_another_one(
    analyst: Analyst, tmp_path: Path
) -> None:
    async with analyst.db.transaction(analyst.given.scope) as tx:
        mine = await tx.fetchval(
            "INSERT INTO customer (group_id, store_id, name, email, email_key)"
            " VALUES ($1, $2, 'Ada', 'ada@x.org', 'ada@x.org') RETURNING id",
            analyst.given.group_id, analyst.given.store_id,
        )  # fmt: skip
    told, understood = of(analyst, TYPE, {**EVENT, "userId": f"{mine:024x}"})
    report = await bring(analyst, tmp_path, told, understood)
    assert report.refused == 0, report.lines()
    assert (await analyst.get(f"users/{mine:024x}/events"))["data"] == [understood]
    async with analyst.db.transaction(analyst.given.scope) as tx:
        owner = await tx.fetchval("SELECT customer_id FROM event")
    assert owner != mine


async def test_a_customer_of_the_same_email_is_the_user(analyst: Analyst, tmp_path: Path) -> None:
    async with analyst.db.transaction(analyst.given.scope) as tx:
        mine = await tx.fetchval(
            "INSERT INTO customer (group_id, store_id, name, email, email_key)"
            " VALUES ($1, $2, 'C', 'Customer@example.com', 'customer@example.com')"
            " RETURNING id",
            analyst.given.group_id, analyst.given.store_id,
        )  # fmt: skip
    told, understood = of(analyst, TYPE, EVENT)
    await bring(analyst, tmp_path, told, understood)
    async with analyst.db.transaction(analyst.given.scope) as tx:
        assert await tx.fetchval("SELECT customer_id FROM event") == mine
    assert await analyst.get(f"events/{EVENT['_id']}") == understood


async def test_events_of_a_table(analyst: Analyst, tmp_path: Path) -> None:
    await bring(analyst, tmp_path, *of(analyst, TYPE))
    file = tmp_path / "events.csv"
    file.write_text(
        "id;project;event_type;nonce;date;created_at;tracker_id;data.mail;data.worth\n"
        f"e1;{analyst.project};order;n1;2024-01-02T03:04:05Z;2024-01-02T03:04:06Z;t1;a@x.org;12.5\n"
        f"e2;{analyst.project};order;n2;2024-01-03T03:04:05Z;;t1;a@x.org;7\n"
        f";{analyst.project};order;;2024-01-03T03:04:05Z;;t1;a@x.org;7\n"
    )
    report = await import_files(analyst.db, analyst.given.scope, "events", find_sources(str(file)), now=NOW)
    assert done(report) == {"events": {"made": 2, "refused": 1}}
    body = {
        "since": "2024-01-01T00:00:00Z", "until": "2025-01-01T00:00:00Z", "metrics": ["turnover", "event-count"],
        "groupBy": "project", "interval": "year",
    }  # fmt: skip
    [year, *_] = await analyst.ok("POST", "events/insights", json=body)
    assert (year["turnover"], year["event-count"]) == (19.5, 2)
    assert await analyst.count("customer") == 1
