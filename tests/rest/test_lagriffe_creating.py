"""Creating campaigns through the La Griffe API, as JSON and as a form with files."""

from typing import Any

import httpx
import pytest

from app.serving.bodies import MAX_BODY, MAX_FILE
from tests.given import groups
from tests.rest.conftest import Extranet
from tests.rest.test_lagriffe_credentials import assert_refused
from tests.rest.test_lagriffe_reading import assert_documented

PDF = ("brief.pdf", b"%PDF-1.7 brief", "application/pdf")
JPG = ("banner.jpg", b"\xff\xd8\xff\xe0 banner", "image/jpeg")


def form(client: Extranet, **fields: Any) -> dict[str, Any]:
    """The documented form: texts, and `channels[]` repeated."""
    order = client.order(**fields)
    channels = order.pop("channels", None)
    made = {name: str(value) for name, value in order.items()}
    return made if channels is None else {**made, "channels[]": channels}


async def assert_nothing_stored(client: Extranet) -> None:
    for table in ("campaign", "project", "asset"):
        assert await client.count(table) == 0


async def test_the_documented_json_makes_a_campaign(client: Extranet) -> None:
    response = await client.call("POST", "/api/campaigns", json=client.order())
    assert response.status_code == 201
    assert_documented(response.json(), "LaGriffeCampaignAnswer")
    made = response.json()["data"]
    sent = client.order()
    assert {name: made[name] for name in sent} == sent
    assert b'"budget_total":1200,' in response.content
    assert "Google Ads – June".encode() in response.content
    assert [row["id"] for row in await client.get("/api/campaigns")] == [made["id"]]


async def test_the_documented_form_makes_a_campaign_with_its_files(client: Extranet) -> None:
    response = await client.call(
        "POST",
        "/api/campaigns",
        data=form(client, start_date=..., end_date=...),
        files=[("files[]", PDF), ("files[]", JPG)],
    )
    assert response.status_code == 201, response.text
    assert_documented(response.json(), "LaGriffeCampaignAnswer")
    made = response.json()["data"]
    assert made["label"] == "Google Ads – June"
    assert made["budget_total"] == 1200
    assert [(asset["name"], asset["content_type"], asset["size"]) for asset in made["assets"]] == [
        (name, kind, len(content)) for name, content, kind in (PDF, JPG)
    ]
    detail = await client.get(f"/api/campaigns/{made['id']}")
    # Links are signed anew for each answer, with the second they end in.
    links = [asset.pop("url") for asset in made["assets"]]
    assert [asset.pop("url").partition("?")[0] for asset in detail["assets"]] == [
        link.partition("?")[0] for link in links
    ]
    assert detail == made
    for link, (_, content, kind) in zip(links, (PDF, JPG), strict=True):
        fetched = await client.http.get(link)
        assert (fetched.status_code, fetched.content) == (200, content)
        assert fetched.headers["content-type"] == kind


async def test_json_and_form_make_the_same_campaign(client: Extranet) -> None:
    by_json = await client.create()
    response = await client.call(
        "POST", "/api/campaigns", data=form(client), files=[("unused", ("", b"", ""))]
    )
    by_form = response.json()["data"]
    different = {"id", "project", "created_at", "updated_at"}
    assert {n: v for n, v in by_form.items() if n not in different} == {
        n: v for n, v in by_json.items() if n not in different
    }


async def test_an_internal_project_is_made_with_the_campaign(client: Extranet) -> None:
    made = await client.create()
    async with client.db.transaction(client.given.scope) as tx:
        project = await tx.fetchrow("SELECT * FROM project")
    assert project is not None
    assert (project["id"], project["is_internal"]) == (made["project"]["id"], True)
    assert project["store_id"] == made["customer"]["id"]


async def test_the_campaign_belongs_to_the_store_the_beacon_names(client: Extranet) -> None:
    lyon = await groups.store(
        client.db, client.given.group_id, name="Lyon", beacon_key="xxxxxxxx-15-characters"
    )
    made = await client.create(external_beacon_key=lyon.beacon_key)
    assert made["customer"] == {"id": lyon.store_id, "name": "Lyon", "external_beacon_key": lyon.beacon_key}


async def test_beacons_are_compared_exactly(client: Extranet) -> None:
    for wrong in (client.given.beacon_key.upper(), client.given.beacon_key + " ", "nobody"):
        response = await client.call("POST", "/api/campaigns", json=client.order(external_beacon_key=wrong))
        assert "`external_beacon_key`" in assert_refused(response, 422)
    await assert_nothing_stored(client)


@pytest.mark.parametrize("channels", [["google_ads"], ["tv", "google_ads", "a channel of next year"]])
async def test_channels_keep_their_order_and_may_be_new(client: Extranet, channels: list[str]) -> None:
    assert (await client.create(channels=channels))["channels"] == channels
    response = await client.call(
        "POST", "/api/campaigns", data=form(client, channels=channels), files=[("files[]", PDF)]
    )
    assert response.json()["data"]["channels"] == channels


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("1_month", "2025-06-01", "2025-06-30"),
        ("1_month", "2025-01-31", "2025-02-27"),
        ("2_weeks", "2025-06-01", "2025-06-14"),
        ("10_days", "2025-06-25", "2025-07-04"),
        ("1_year", "2024-02-29", "2025-02-27"),
    ],
)
async def test_a_period_gives_the_last_day(client: Extranet, period: str, start: str, end: str) -> None:
    made = await client.create(period_type=period, start_date=start, end_date=...)
    assert (made["period_type"], made["start_date"], made["end_date"]) == (period, start, end)


async def test_dates_win_over_the_period_and_any_period_is_kept(client: Extranet) -> None:
    made = await client.create(period_type="high season")
    assert (made["period_type"], made["end_date"]) == ("high season", "2025-06-30")
    made = await client.create(period_type="1_week")
    assert made["end_date"] == "2025-06-30"


async def test_days_are_the_calendars_whatever_the_zone(client: Extranet) -> None:
    far = await groups.store(client.db, client.given.group_id, name="Nouméa", time_zone="Pacific/Noumea")
    made = await client.create(external_beacon_key=far.beacon_key)
    assert (made["start_date"], made["end_date"]) == ("2025-06-01", "2025-06-30")


@pytest.mark.parametrize("budget", [1200, "1200", 1200.0, "1200.00", 0, 0.1, "99999999999999.99"])
async def test_a_budget_may_be_a_number_or_its_text(client: Extranet, budget: object) -> None:
    made = await client.create(budget_total=budget)
    assert made["budget_total"] == float(str(budget))


WRONG: list[tuple[str, object]] = [
    ("external_beacon_key", ...),
    ("external_beacon_key", ""),
    ("external_beacon_key", 7),
    ("external_beacon_key", "x" * 65),
    ("label", ...),
    ("label", ""),
    ("label", "   "),
    ("label", "x" * 256),
    ("channels", ...),
    ("channels", []),
    ("channels", "google_ads"),
    ("channels", [None]),
    ("channels", [""]),
    ("channels", ["x" * 65]),
    ("period_type", 1),
    ("budget_total", ...),
    ("budget_total", "lots"),
    ("budget_total", -1),
    ("budget_total", 0.00001),
    ("budget_total", 1200.555),
    ("currency", "USD"),
    ("budget_total", 1e15),
    ("budget_total", True),
    ("start_date", "01/06/2025"),
    ("start_date", "2025-06-31"),
    ("start_date", "2025-06-01T00:00:00Z"),
    ("end_date", "2025-05-31"),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{f}={str(v)[:20]}" for f, v in WRONG])
async def test_bad_input_says_what_would_be_right_and_stores_nothing(
    client: Extranet, field: str, value: object
) -> None:
    response = await client.call("POST", "/api/campaigns", json=client.order(**{field: value}))
    assert f"`{field}" in assert_refused(response, 422)
    await assert_nothing_stored(client)


async def test_without_dates_and_without_a_period_there_is_no_window(client: Extranet) -> None:
    for period in (..., "forever"):
        order = client.order(period_type=period, start_date=..., end_date=...)
        assert_refused(await client.call("POST", "/api/campaigns", json=order), 422)
    await assert_nothing_stored(client)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"7", b'"x"', b"[]", b"{", b"{'label': 1}", b"\xff\xfe", b'{"label": "\\u0000"}',
        b'{"label": "\\ud800"}', b'{"budget_total": 9223372036854775808}', b'{"budget_total": NaN}',
        b'{"budget_total": 1e999999999}', b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)  # fmt: skip
async def test_a_body_that_is_no_json_object_is_a_400(client: Extranet, body: bytes) -> None:
    response = await client.call(
        "POST", "/api/campaigns", content=body, headers={"Content-Type": "application/json"}
    )
    assert assert_refused(response, 400)
    await assert_nothing_stored(client)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
async def test_another_content_type_is_a_415(client: Extranet, kind: str) -> None:
    response = await client.call("POST", "/api/campaigns", content=b"{}", headers={"Content-Type": kind})
    assert "multipart/form-data" in assert_refused(response, 415)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no form",
        b"--x\r\n\r\nno name\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="label"\r\n\r\n\xff\r\n--x--\r\n',
    ],
)
async def test_a_broken_form_is_refused(client: Extranet, content: bytes) -> None:
    response = await client.call(
        "POST", "/api/campaigns", content=content, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert response.status_code in {400, 422}
    assert list(response.json()) == ["message"]
    await assert_nothing_stored(client)


async def test_too_much_is_a_413_and_stores_nothing(client: Extranet) -> None:
    padded = client.order(padding="x" * MAX_BODY)
    assert_refused(await client.call("POST", "/api/campaigns", json=padded), 413)

    async def upload(files: list[tuple[str, Any]]) -> httpx.Response:
        return await client.call("POST", "/api/campaigns", data=form(client), files=files)

    big = ("files[]", ("big.pdf", b"x" * (MAX_FILE + 1), "application/pdf"))
    assert "big.pdf" in assert_refused(await upload([("files[]", PDF), big]), 413)
    assert_refused(await upload([("files[]", PDF)] * 21), 413)
    await assert_nothing_stored(client)


async def test_a_refused_campaign_leaves_no_file_behind(client: Extranet) -> None:
    response = await client.call(
        "POST", "/api/campaigns", data=form(client, end_date="2025-05-31"), files=[("files[]", PDF)]
    )
    assert_refused(response, 422)
    await assert_nothing_stored(client)


async def test_files_cannot_be_sent_as_json(client: Extranet) -> None:
    response = await client.call("POST", "/api/campaigns", json=client.order(files=["brief.pdf"]))
    assert "multipart/form-data" in assert_refused(response, 422)


async def test_a_repeat_with_the_same_key_is_not_a_second_campaign(client: Extranet) -> None:
    async def send(key: str, **fields: Any) -> httpx.Response:
        return await client.call(
            "POST",
            "/api/campaigns",
            data=form(client, **fields),
            files=[("files[]", PDF)],
            headers={"Idempotency-Key": key},
        )

    first, again = await send("k-1"), await send("k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "new key" in assert_refused(await send("k-1", label="another"), 422)
    assert (await send("k-2")).json()["data"]["id"] != first.json()["data"]["id"]
    assert await client.count("campaign") == 2
