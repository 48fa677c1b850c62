"""Who may come in, at which addresses, and how the API says no."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.auth.keys import create_api_key
from app.main import running
from app.rest.webmarketer.routes import FACADE, ROUTES
from app.serving.journal import Journal
from app.settings import Settings
from tests.given import groups
from tests.webmarketer.conftest import Analyst

SOME_ID = "0" * 23 + "7"
SOME_EVENT = "bbee1c25-8718-4c95-b720-b00567113233"
CLOSED = [route for route in ROUTES if not route.open and "{projectId}" in route.path]
"""Routes that need a token, of a project."""


def address(path: str, project: str) -> str:
    """A path with something in place of each parameter."""
    values = {"projectId": project, "wmktId": "ab12cd", "reference": "order", "storageKey": "turnover"}
    for name in ("id", "parentCampaignId", "outlayId"):
        values[name] = SOME_EVENT if "events/{id}" in path else SOME_ID
    return "/api/v1" + path.format(**values)


def body_of(route: Any) -> dict[str, Any]:
    """What the call sends, if anything."""
    return {} if route.takes is None else {"json": dict(route.takes.example)}


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
async def test_a_call_without_a_good_token_is_unauthorized(analyst: Analyst, route: Any) -> None:
    for token in (None, "nonsense", analyst.token + "x" if analyst.token else ""):
        client = replace(analyst, token=token)
        response = await client.call(route.method, address(route.path, analyst.project), **body_of(route))
        assert response.status_code == 401
        assert response.content == b'{"statusCode":401,"message":"Unauthorized"}'
        assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
async def test_a_project_id_has_the_documented_form_on_every_route(analyst: Analyst, route: Any) -> None:
    for wrong in ("ab", "a" * 65, "A-shop", "a--b", "-ab", "ab-", "a_b"):
        message = await analyst.refused(route.method, address(route.path, wrong), 400, **body_of(route))
        assert message.startswith("`projectId` must be 3 to 64 small letters, digits")


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
async def test_a_project_out_of_reach_looks_like_one_that_is_not_there(
    analysts: Callable[..., Any], route: Any
) -> None:
    stranger = await analysts()
    mine = await analysts()
    other = await analysts(given=mine.given)
    store = await groups.store(mine.db, mine.given.group_id)
    narrow = await analysts(given=mine.given, project=mine.project, project_ids=(other.project_id,))
    elsewhere = await analysts(
        given=mine.given, store_id=mine.given.store_id, store_of_project=store.store_id
    )
    cases = [
        (mine, "no-such-project"),
        (mine, stranger.project),
        (narrow, mine.project),
        (elsewhere, elsewhere.project),
    ]
    for client, project in cases:
        response = await client.call(route.method, address(route.path, project), **body_of(route))
        assert response.json() == {
            "statusCode": 404,
            "message": f"There is no project {project} here.",
            "error": "Not Found",
        }


async def test_an_api_key_does_not_open_these_routes(analyst: Analyst) -> None:
    key = await create_api_key(
        analyst.db, group_id=analyst.given.group_id, name="test", access="write", now=datetime.now(UTC)
    )
    client = replace(analyst, token=None)
    await client.refused("GET", "event-types", 401, headers={"X-API-KEY": key.secret})


async def test_a_role_that_may_only_read_does(analysts: Callable[..., Any]) -> None:
    reader = await analysts(roles=("read",))
    assert (await reader.get("event-types"))["total"] == 0
    message = await reader.refused("POST", "event-types", 403, json={"reference": "order", "name": "Order"})
    assert "roles" in message


@pytest.mark.parametrize("prefix", ["/api/v1", "/api", ""])
async def test_every_route_is_there_three_times(analyst: Analyst, prefix: str) -> None:
    assert (await analyst.ok("GET", f"{prefix}/projects/{analyst.project}/event-types"))["total"] == 0
    assert await analyst.refused("GET", f"{prefix}/projects/{analyst.project}/nothing", 404)
    assert len(FACADE.routes) == 3 * len(ROUTES)


async def test_other_apis_keep_their_addresses(analyst: Analyst) -> None:
    marketing = await analyst.call("GET", "/api/v1/marketing/campaigns")
    assert (marketing.status_code, list(marketing.json())) == (200, ["data"])
    extranet = await analyst.call("GET", "/api/campaigns")
    assert (extranet.status_code, extranet.json()) == (401, {"message": "Unauthorized"})
    rewards = await analyst.call("GET", "/campaigns")
    assert (rewards.status_code, list(rewards.json())) == (200, ["campaigns"])


async def test_other_ways_to_be_wrong_keep_the_form(analyst: Analyst) -> None:
    await analyst.refused("PUT", "event-types", 405)
    await analyst.refused(
        "POST", "event-types", 400, content=b"{", headers={"Content-Type": "application/json"}
    )
    await analyst.refused("POST", "event-types", 400, json=[1])
    assert (
        await analyst.call("POST", "event-types", content=b"a=b", headers={"Content-Type": "a/b"})
    ).json() == {
        "statusCode": 415,
        "message": "Send the body as application/json, not as a/b.",
        "error": "Unsupported Media Type",
    }


async def test_unknown_query_keys_and_a_bare_question_mark_are_ignored(analyst: Analyst) -> None:
    plain = await analyst.get("event-types")
    assert await analyst.ok("GET", "event-types?") == plain
    assert await analyst.ok("GET", "event-types?sideways=1&limit=&offset=") == plain


@pytest.mark.parametrize(
    "route", [route for route in CLOSED if not route.writes], ids=lambda route: f"{route.method} {route.path}"
)
async def test_every_read_is_one_statement(analyst: Analyst, route: Any) -> None:
    told = await analyst.ok(
        route.method, address(route.path, analyst.project), headers={"X-Explain": "1"}, **body_of(route)
    )
    assert (told["execution"], told["document"]) == ("planned", route.document)
    assert told["sql"]


@pytest.mark.parametrize("prefix", ["/api/v1", "/api", ""])
@pytest.mark.parametrize("path", ["/events", "/events/sync"])
async def test_pages_of_any_origin_may_send_events(analyst: Analyst, prefix: str, path: str) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = {
        **origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    preflight = await analyst.call("OPTIONS", prefix + path, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert preflight.headers["access-control-allow-headers"].lower() == "content-type"
    body = {"projectId": analyst.project, "eventType": "x", "nonce": 1, "data": {}}
    sent = await analyst.call("POST", prefix + path, headers=origin, json=body)
    assert sent.headers["access-control-allow-origin"] == "*"


async def test_pages_of_other_origins_get_nothing_else(analyst: Analyst) -> None:
    origin = {"Origin": "https://shop.example"}
    listed = await analyst.call("GET", "event-types", headers=origin)
    assert "access-control-allow-origin" not in listed.headers
    asked = {**origin, "Access-Control-Request-Method": "POST"}
    preflight = await analyst.call("OPTIONS", "event-types", headers=asked)
    assert "access-control-allow-origin" not in preflight.headers


async def test_with_origins_of_our_own_pages_may_still_send_events(settings: Settings) -> None:
    strict = replace(settings, cors_origins=("https://dashboard.example",))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    async with running(strict, journal=Journal()) as gateway:
        transport = httpx.ASGITransport(gateway)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
            for origin in ("https://shop.example", "https://dashboard.example"):
                answer = await http.options("/api/v1/events", headers={**asked, "Origin": origin})
                assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
            refused = await http.options(
                "/api/v1/projects/any/event-types", headers={**asked, "Origin": "https://shop.example"}
            )
            assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("path", ["/events", "/events/sync"])
async def test_an_event_remembers_whether_somebody_vouched_for_it(
    analysts: Callable[..., Any], path: str
) -> None:
    analyst, reader, elsewhere = await analysts(), await analysts(roles=("read",)), await analysts()
    senders = {
        "known": analyst.token,
        "nobody": None,
        "wrong": f"{analyst.token}x",
        "may not write": reader.token,
        "another's": elsewhere.token,
    }
    for name, token in senders.items():
        sent = replace(analyst, token=token)
        body = {"projectId": analyst.project, "eventType": "order", "nonce": name, "data": {"turnover": 1}}
        # An event is taken from anybody: a credential that does not hold takes it from nobody.
        assert (await sent.call("POST", f"/api/v1{path}", json=body)).status_code < 500
    async with analyst.db.transaction(analyst.given.scope) as tx:
        rows = await tx.fetch("SELECT split_part(dedup_key, ':', 2) AS nonce FROM event WHERE is_vouched")
        assert [row["nonce"] for row in rows] == ["known"]
        assert await tx.fetchval("SELECT count(*) FROM event") == len(senders)


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
async def test_a_token_without_a_role_of_ours_may_nothing(analysts: Callable[..., Any], route: Any) -> None:
    nobody = await analysts(roles=())
    message = await nobody.refused(route.method, address(route.path, nobody.project), 403, **body_of(route))
    assert "needs one of the roles" in message


async def test_what_identifies_users_needs_a_role_of_its_own(analysts: Callable[..., Any]) -> None:
    reader = await analysts(roles=("read",))
    for path in (f"raw-events/{SOME_EVENT}", f"events/{SOME_EVENT}", "trashed-events"):
        assert "personal_data" in await reader.refused("GET", path, 403)
    trusted = await analysts(roles=("read", "personal_data"))
    assert (await trusted.get("trashed-events"))["total"] == 0
