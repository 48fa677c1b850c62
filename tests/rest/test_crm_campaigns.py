"""Listing, paging and creating campaigns through the Marketing & CRM API."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.segments.limits import MAX_SEGMENT
from app.rest.crm.schemas import NEW_CAMPAIGN
from app.tables.campaigns import CampaignStatus, CampaignType
from app.values.instants import show_instant
from tests.given import crm
from tests.rest.conftest import Marketer
from tests.rest.test_lagriffe_reading import assert_documented

SEGMENT = "seg_all_customers"
LINK = re.compile(r'<([^>]+)>; rel="(\w+)"')


@pytest.fixture
async def client(marketer: Marketer) -> Marketer:
    """A client whose group has the segment that the document's campaign is for."""
    await crm.segment(marketer.db, marketer.given.group_id, external_id=SEGMENT, size=3)
    return marketer


def order(**fields: Any) -> dict[str, Any]:
    """The documented body without its promo, with these changes; a field of `...` is left out."""
    made = {name: value for name, value in NEW_CAMPAIGN.items() if not name.startswith("promo_")} | fields
    return {name: value for name, value in made.items() if value is not ...}


async def names(client: Marketer, **query: Any) -> list[str]:
    return [row["name"] for row in (await client.get("/campaigns", **query))["data"]]


async def test_an_empty_list_is_a_list(client: Marketer) -> None:
    response = await client.call("GET", "/campaigns")
    assert response.content == b'{"data":[]}'
    assert response.headers["x-total-count"] == "0"


async def test_status_and_type_filter(client: Marketer) -> None:
    now = datetime.now(UTC)
    for status in CampaignStatus:
        made = await crm.campaign(client.db, client.given.scope, now=now, name=status.value)
        async with client.db.transaction(client.given.scope) as tx:
            await tx.execute("UPDATE campaign SET status = $2 WHERE id = $1", made, status)
    for kind in CampaignType:
        await client.post("/campaigns", order(name=kind.value, type=kind.value, schedule=...))
    assert len(CampaignStatus) == 5
    assert len(CampaignType) == 6
    for status in CampaignStatus:
        rows = (await client.get("/campaigns", status=status.value))["data"]
        assert {row["status"] for row in rows} == {status.value}
        assert status.value in [row["name"] for row in rows]
    for kind in CampaignType:
        rows = (await client.get("/campaigns", type=kind.value))["data"]
        assert {row["type"] for row in rows} == {kind.value}
        assert kind.value in [row["name"] for row in rows]
    assert await names(client, status="draft", type="loyalty") == ["loyalty"]
    assert len(await names(client, status="", type="")) == 11


async def test_start_date_keeps_what_starts_on_or_after_it(client: Marketer) -> None:
    for day in ("2026-06-01", "2026-06-02", "2026-06-03"):
        schedule = {"start_date": f"{day}T00:00:00Z"}
        await client.post("/campaigns", order(name=day, schedule=schedule))
    await client.post("/campaigns", order(name="never", schedule=...))
    assert await names(client, start_date="2026-06-02") == ["2026-06-03", "2026-06-02"]
    assert await names(client, start_date="2026-06-02T00:00:01Z") == ["2026-06-03"]
    assert await names(client, start_date="2027-01-01") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "open"}, "status"),
        ({"status": "ACTIVE"}, "status"),
        ({"type": "spam"}, "type"),
        ({"start_date": "01/06/2026"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"page": "0"}, "page"),
        ({"page": "-1"}, "page"),
        ({"page": "one"}, "page"),
        ({"page": "٣"}, "page"),
        ({"page": "99999999999999999999"}, "page"),
        ({"page": "6000"}, "page"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1.5"}, "limit"),
    ],
)
async def test_a_wrong_parameter_says_what_would_be_right(client: Marketer, query: Any, field: str) -> None:
    error = await client.refused("GET", "/campaigns", 400, "validation_error", params=query)
    assert f"`{field}`" in error["message"]
    assert [one["field"] for one in error["details"]] == [field]


async def test_a_page_has_twenty_rows_unless_said_and_a_hundred_at_most(client: Marketer) -> None:
    async with client.db.transaction(client.given.scope) as tx:
        await tx.execute(
            "INSERT INTO campaign (group_id, store_id, name, currency, status, type, objective, is_explicit,"
            " is_template, total_rewards, created_at) SELECT $1, $2, 'c' || n, 'EUR', 'draft', 'promotion',"
            " 'unspecified', true, false, 0, now() + n * interval '1 s' FROM generate_series(1, 130) n",
            client.given.group_id, client.given.store_id,
        )  # fmt: skip
    assert len(await names(client)) == 20
    assert len(await names(client, limit=7)) == 7
    assert len(await names(client, limit=1000)) == 100
    assert await names(client, page=2, limit=50) == [f"c{n}" for n in range(80, 30, -1)]
    assert await names(client, page=4, limit=50) == []
    response = await client.call("GET", "/campaigns", params={"status": "draft", "page": 2, "limit": 50})
    assert response.headers["x-total-count"] == "130"
    links = {rel: address for address, rel in LINK.findall(response.headers["link"])}
    assert links.keys() == {"first", "prev", "next", "last"}
    assert all("/api/v1/marketing/campaigns?status=draft&page=" in address for address in links.values())
    assert links["last"].endswith("page=3&limit=50")


async def walk(client: Marketer, address: str, rel: str, *, between: Callable[[], Any]) -> list[str]:
    """Every name on the way from page to page."""
    seen: list[str] = []
    while address:
        response = await client.call("GET", address)
        rows = [row["name"] for row in response.json()["data"]]
        seen += rows if rel == "next" else reversed(rows)
        address = {to: at for at, to in LINK.findall(response.headers["link"])}.get(rel, "")
        await between()
    return seen


async def test_following_the_links_sees_every_row_once_whatever_happens_meanwhile(client: Marketer) -> None:
    made = [await client.post("/campaigns", order(name=f"c{n}", schedule=...)) for n in range(9)]
    gone = iter([made[8], made[7]])
    added = 0

    async def meanwhile() -> None:
        nonlocal added
        await client.post("/campaigns", order(name=f"new{added}", schedule=...))
        added += 1
        if one := next(gone, None):
            async with client.db.transaction(client.given.scope) as tx:
                await tx.execute(
                    "UPDATE campaign SET deleted_at = now() WHERE id = $1",
                    int(one["id"].removeprefix("camp_")),
                )

    start = "http://gateway.test/api/v1/marketing/campaigns?limit=2"
    seen = await walk(client, start, "next", between=meanwhile)
    assert seen[:9] == [f"c{n}" for n in range(8, -1, -1)]

    async def nothing() -> None:
        pass

    total = int((await client.call("GET", start)).headers["x-total-count"])
    back = await walk(client, f"{start}&page={-(-total // 2)}", "prev", between=nothing)
    assert len(back) == len(set(back)) == total


def moment(**ago: int) -> str:
    return show_instant(datetime.now(UTC).replace(microsecond=0) - timedelta(**ago))


@pytest.mark.parametrize(
    ("schedule", "status"),
    [
        (lambda: ..., "draft"),
        (lambda: {}, "draft"),
        (lambda: {"end_date": moment(days=-3)}, "draft"),
        (lambda: {"start_date": moment(days=-1)}, "scheduled"),
        (lambda: {"start_date": moment(days=1)}, "active"),
        (lambda: {"start_date": moment(days=1), "end_date": moment(days=-1)}, "active"),
        (lambda: {"start_date": moment(days=2), "end_date": moment(days=1)}, "completed"),
    ],
)
async def test_the_schedule_says_where_a_new_campaign_stands(
    client: Marketer, schedule: Callable[[], Any], status: str
) -> None:
    made = await client.post("/campaigns", order(schedule=schedule()))
    assert made["status"] == status
    (row,) = (await client.get("/campaigns"))["data"]
    assert (row["status"], row["start_date"], row["end_date"]) == (
        status,
        made["start_date"],
        made["end_date"],
    )


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "sent",
    [("2026-12-15", "2026-12-31"), ("2026-12-15T00:00:00Z", "2026-12-31T23:59:59Z"), ("2026-12-15 00:00:00",
     "2026-12-31T23:59:59.999+00:00")],
)  # fmt: skip
async def test_a_schedule_in_days_ends_with_its_last_second(
    client: Marketer, zone: str, sent: tuple[str, str]
) -> None:
    """They are printed as the samples print them, and read back as the same days, wherever the store is."""
    async with client.db.transaction(client.given.scope) as tx:
        await tx.execute("UPDATE store SET time_zone = $1 WHERE id = $2", zone, client.given.store_id)
    made = await client.post("/campaigns", order(schedule={"start_date": sent[0], "end_date": sent[1]}))
    assert (made["start_date"], made["end_date"]) == ("2026-12-15T00:00:00Z", "2026-12-31T23:59:59Z")
    async with client.db.transaction(client.given.scope) as tx:
        stored = await tx.fetchrow(
            "SELECT starts_on::text, ends_on::text, (starts_at AT TIME ZONE $2)::text AS first,"
            " (ends_at AT TIME ZONE $2)::text AS last FROM campaign WHERE id = $1",
            int(made["id"].removeprefix("camp_")), zone,
        )  # fmt: skip
    assert stored is not None
    assert tuple(stored) == ("2026-12-15", "2026-12-31", "2026-12-15 00:00:00", "2027-01-01 00:00:00")
    for day, listed in [
        ("2026-12-15", True), ("2026-12-15T00:00:00Z", True), ("2026-12-14", True), ("2026-12-16", False),
    ]:  # fmt: skip
        found = (await client.get("/campaigns", start_date=day))["data"]
        assert [row["start_date"] for row in found] == ["2026-12-15T00:00:00Z"] * listed, day


async def test_a_moment_with_another_time_stays_one(client: Marketer) -> None:
    sent = {"start_date": "2026-12-15T00:00:00+01:00", "end_date": "2026-12-31T23:59:00Z"}
    made = await client.post("/campaigns", order(schedule=sent))
    assert (made["start_date"], made["end_date"]) == ("2026-12-14T23:00:00Z", "2026-12-31T23:59:00Z")


async def test_three_views_of_one_row(client: Marketer) -> None:
    """Nested on write, flat in the list, the segment as an object in detail (CRM-C2)."""
    made = await client.post("/campaigns", order())
    (row,) = (await client.get("/campaigns"))["data"]
    assert_documented(row, "CrmCampaign")
    assert row["segment_id"] == made["segment"]["id"] == SEGMENT
    same = ("id", "name", "type", "status", "channels", "start_date", "end_date")
    assert {name: row[name] for name in same} == {name: made[name] for name in same}


async def test_what_is_not_there_is_null_where_the_samples_always_show_it(client: Marketer) -> None:
    made = await crm.campaign(client.db, client.given.scope, now=datetime.now(UTC), name="bare")
    (row,) = (await client.get("/campaigns"))["data"]
    assert (row["segment_id"], row["start_date"], row["end_date"], row["channels"]) == (None, None, None, [])
    shown = await client.get(f"/campaigns/camp_{made}")
    assert_documented(shown, "CrmCampaignDetail")
    assert (shown["segment"], shown["content"]) == (None, {})


async def test_an_imported_campaign_is_found_by_both_its_ids(client: Marketer) -> None:
    now = datetime.now(UTC)
    made = await crm.campaign(client.db, client.given.scope, now=now, name="old", external_id="camp_001")
    by_old, by_new = [await client.get(f"/campaigns/{name}") for name in ("camp_001", f"camp_{made}")]
    assert by_old == by_new
    assert by_old["id"] == "camp_001"
    # Another one was imported with what is this one's id here: the imported id is what is meant.
    await crm.campaign(client.db, client.given.scope, now=now, name="other", external_id=f"camp_{made}")
    assert (await client.get(f"/campaigns/camp_{made}"))["name"] == "other"


async def test_channels_are_open_and_keep_their_order(client: Marketer) -> None:
    channels = ["push", "carrier pigeon", "email"]
    assert (await client.post("/campaigns", order(channels=channels)))["channels"] == channels


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ...}, "name"),
        ({"name": 7}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"type": ...}, "type"),
        ({"type": "spam"}, "type"),
        ({"channels": ...}, "channels"),
        ({"channels": []}, "channels"),
        ({"channels": "email"}, "channels"),
        ({"channels": [1]}, "channels.0"),
        ({"segment_id": ...}, "segment_id"),
        ({"segment_id": 3}, "segment_id"),
        ({"content": "Hello"}, "content"),
        ({"content": {"subject": 1}}, "content.subject"),
        ({"content": {"cta_url": "javascript:alert(1)"}}, "content.cta_url"),
        ({"schedule": []}, "schedule"),
        ({"schedule": {"start_date": "soon"}}, "schedule.start_date"),
        ({"schedule": {"start_date": "2026-06-02", "end_date": "2026-06-01"}}, "schedule.end_date"),
        (
            {"schedule": {"start_date": "2026-06-02T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"}},
            "schedule.end_date",
        ),
        ({"promo_code": "NEW", "promo_discount_percent": 101}, "promo_discount_percent"),
        ({"promo_code": "NEW", "promo_discount_percent": -1}, "promo_discount_percent"),
        ({"promo_code": "NEW", "promo_discount_percent": "25"}, "promo_discount_percent"),
        ({"promo_code": "NEW", "promo_discount_percent": 0.00001}, "promo_discount_percent"),
        ({"schedule": {"start_date": "0001-01-01T00:00:00Z"}}, "schedule.start_date"),
        ({"promo_code": "NEW"}, "promo_discount_percent"),
        ({"promo_discount_percent": 25}, "promo_code"),
    ],
)
async def test_bad_input_names_the_field_and_stores_nothing(
    client: Marketer, fields: Any, field: str
) -> None:
    error = await client.refused("POST", "/campaigns", 400, "validation_error", json=order(**fields))
    assert [one["field"] for one in error["details"]] == [field]
    assert not re.search(r"`[a-z]+[A-Z]", error["message"]), error
    assert await client.count("campaign") == await client.count("promo") == 0


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"7", b"[]", b'"x"', b"\xff", b'{"a":"\\u0000"}'])
async def test_a_body_that_is_no_object_is_malformed(client: Marketer, body: bytes) -> None:
    for path in ("/campaigns", "/segments", "/promos"):
        await client.refused("POST", path, 400, "malformed_body", content=body)


async def test_a_form_is_not_what_is_asked_for(client: Marketer) -> None:
    await client.refused("POST", "/campaigns", 415, "unsupported_media_type", data={"name": "x"})


async def test_a_promo_of_the_same_discount_is_linked_and_of_another_refused(client: Marketer) -> None:
    first = order(promo_code="flash25", promo_discount_percent=25)
    await client.post("/campaigns", first)
    await client.post("/campaigns", {**first, "name": "again", "promo_code": "FLASH25"})
    await client.post("/campaigns", {**first, "name": "unsaid", "promo_discount_percent": None})
    assert [promo["code"] for promo in (await client.get("/promos"))["data"]] == ["FLASH25"]
    error = await client.refused(
        "POST", "/campaigns", 409, "promo_code_exists", json={**first, "promo_discount_percent": 30}
    )
    assert [one["field"] for one in error["details"]] == ["promo_code"]
    assert await client.count("campaign") == 3


async def test_a_promo_has_the_window_of_the_campaign_that_covers_its_time(client: Marketer) -> None:
    def of(code: str, start: str, end: str) -> dict[str, Any]:
        schedule = {"start_date": start, "end_date": end}
        return order(promo_code=code, promo_discount_percent=25, schedule=schedule)

    await client.post("/campaigns", of("WEEKLY25", "2020-01-01", "2020-01-07"))
    (promo,) = (await client.get("/promos"))["data"]
    assert (promo["valid_from"], promo["valid_until"]) == ("2020-01-01T00:00:00Z", "2020-01-07T23:59:59Z")
    await client.post("/campaigns", of("weekly25", "2999-01-01", "2999-01-07"))
    (promo,) = (await client.get("/promos"))["data"]
    assert (promo["valid_from"], promo["valid_until"]) == ("2999-01-01T00:00:00Z", "2999-01-07T23:59:59Z")


async def test_a_malformed_promo_code_is_refused_with_the_campaign(client: Marketer) -> None:
    for code in ("x", "-AB", "A B C", "É\u200b25", "A" * 33):
        body = order(promo_code=code, promo_discount_percent=5)
        await client.refused("POST", "/campaigns", 400, "invalid_promo_code", json=body)
    assert await client.count("campaign") == 0


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_a_segment_too_large_for_a_channel_is_refused(client: Marketer, channel: str) -> None:
    most = MAX_SEGMENT[channel]
    for name, size in (("seg_full", most), ("seg_over", most + 1)):
        await crm.segment(client.db, client.given.group_id, external_id=name, size=size)
    await client.post("/campaigns", order(segment_id="seg_full", channels=[channel]))
    body = order(segment_id="seg_over", channels=["billboard", channel])
    error = await client.refused("POST", "/campaigns", 422, "segment_too_large", json=body)
    assert channel in error["message"]
    assert [one["field"] for one in error["details"]] == ["segment_id"]
    await client.post("/campaigns", order(segment_id="seg_over", channels=["billboard"]))


async def test_the_same_key_makes_one_campaign(client: Marketer) -> None:
    first, again = [
        await client.call("POST", "/campaigns", json=NEW_CAMPAIGN, headers={"Idempotency-Key": "k-1"})
        for _ in range(2)
    ]
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await client.count("campaign") == 1
