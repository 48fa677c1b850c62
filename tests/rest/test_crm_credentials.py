"""Who gets in at the Marketing & CRM API, how far, and that both of its addresses are the same API."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.rest.crm.routes import BASE, FACADE, GATEWAY
from app.rest.crm.schemas import NEW_CAMPAIGN, NEW_PROMO, NEW_SEGMENT
from app.settings import Settings
from tests.given import crm, groups
from tests.rest.conftest import Marketer, error_of

READS = (
    "/campaigns",
    "/campaigns/camp_1",
    "/segments",
    "/webhooks",
    "/funnels?funnel_type=purchase",
    "/promos",
)
WRITES = {"/campaigns": NEW_CAMPAIGN, "/segments": NEW_SEGMENT, "/promos": NEW_PROMO}
CALLS = [*(("GET", path) for path in READS), *(("POST", path) for path in WRITES)]
ROLES = (
    "marketing", "marketing_manager", "manager", "restaurant_manager", "tenant_admin", "platform_admin",
    "system_admin", "super_admin",
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x.y.z", "Basic eDp5", "bearer é"])
async def test_every_request_needs_a_token_that_holds(
    marketer: Marketer, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {b"Authorization": authorization.encode()}
    response = await marketer.http.request(method, BASE + path, headers=headers)
    assert response.status_code == 401
    error_of(response, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_an_expired_token_and_one_signed_otherwise_are_refused(
    marketer: Marketer, settings: Settings
) -> None:
    given: dict[str, Any] = {"subject": "u", "group_id": marketer.given.group_id, "roles": ["marketing"]}
    expired = Tokens(settings).mint(**given, now=datetime(2025, 1, 1, tzinfo=UTC))
    head, body, signature = marketer.token.split(".")
    for token in (expired, f"{head}.{body}.{signature[::-1]}"):
        response = await marketer.call("GET", "/campaigns", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401


async def test_an_api_key_is_no_token_here(marketer: Marketer) -> None:
    made = await create_api_key(
        marketer.db, group_id=marketer.given.group_id, name="k", access="write", now=datetime.now(UTC)
    )
    response = await marketer.http.get(BASE + "/campaigns", headers={"X-API-KEY": made.secret})
    assert response.status_code == 401


@pytest.mark.parametrize("role", ROLES)
async def test_each_documented_role_may_do_everything(marketers: Callable[..., Any], role: str) -> None:
    one = await marketers(roles=(role,))
    await crm.segment(one.db, one.given.group_id, external_id="seg_all_customers")
    await crm.segment(one.db, one.given.group_id, external_id="seg_new_customers")
    created = [await one.post(path, body) for path, body in WRITES.items()]
    for path in READS:
        await one.get(path.replace("camp_1", created[0]["id"]))


@pytest.mark.parametrize("roles", [(), ("read",), ("write",)])
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_any_other_role_is_forbidden(
    marketers: Callable[..., Any], method: str, path: str, roles: tuple[str, ...]
) -> None:
    one = await marketers(roles=roles)
    error = await one.refused(method, path, 403, "forbidden", json=WRITES.get(path))
    assert "marketing" in error["message"]


async def test_the_token_is_asked_for_before_the_body_is_read(marketer: Marketer) -> None:
    response = await marketer.http.post(BASE + "/campaigns", content=b"{")
    assert response.status_code == 401


def test_every_route_is_there_at_both_addresses() -> None:
    documented = {
        ("GET", "/campaigns"), ("POST", "/campaigns"), ("GET", "/campaigns/{campaign_id}"), ("GET", "/segments"),
        ("POST", "/segments"), ("GET", "/webhooks"), ("POST", "/webhooks/{provider}"), ("GET", "/funnels"),
        ("GET", "/promos"), ("POST", "/promos"),
    }  # fmt: skip
    for base in (BASE, GATEWAY):
        there = {
            (r.method, r.path.removeprefix(base)) for r in FACADE.routes if r.path.startswith(base + "/")
        }
        assert documented <= there
    assert {r.path.partition("/marketing")[2] for r in FACADE.routes if r.path.startswith(BASE)} == {
        r.path.partition("/marketing")[2] for r in FACADE.routes if r.path.startswith(GATEWAY)
    }


async def test_the_alias_answers_the_same(marketer: Marketer) -> None:
    await crm.segment(marketer.db, marketer.given.group_id, external_id="seg_all_customers")
    response = await marketer.call("POST", "/campaigns", base=GATEWAY, json=NEW_CAMPAIGN)
    assert response.status_code == 201
    made = response.json()["id"]
    for path in READS:
        path = path.replace("camp_1", made)
        first, second = [await marketer.call("GET", path, base=base) for base in (BASE, GATEWAY)]
        assert first.status_code == second.status_code == 200
        assert first.content == second.content
    missing = await marketer.call("GET", "/nothing", base=GATEWAY)
    assert missing.status_code == 404
    error_of(missing, "not_found")


async def two(marketers: Callable[..., Any]) -> tuple[Marketer, Marketer]:
    """Two groups, each with a segment, campaign and promo whose texts say whose they are."""
    made = []
    for name in ("ours", "theirs"):
        one = await marketers(name=name)
        await crm.segment(one.db, one.given.group_id, name=f"{name} segment", external_id=f"seg_{name}")
        await one.post("/campaigns", {**NEW_CAMPAIGN, "name": f"{name} campaign", "segment_id": f"seg_{name}",
                                      "promo_code": f"{name}-25"})  # fmt: skip
        await one.post("/segments", {**NEW_SEGMENT, "name": f"{name} dynamic"})
        made.append(one)
    return made[0], made[1]


async def test_nothing_of_another_group_in_any_answer(marketers: Callable[..., Any]) -> None:
    ours, theirs = await two(marketers)
    foreign = (await theirs.get("/campaigns"))["data"][0]
    for path in READS:
        response = await ours.call("GET", path.replace("camp_1", foreign["id"]))
        assert "theirs" not in response.text.lower().replace("camp_theirs", "")
    assert len((await ours.get("/campaigns"))["data"]) == 1


async def test_a_foreign_id_answers_like_a_missing_one(marketers: Callable[..., Any]) -> None:
    ours, theirs = await two(marketers)
    foreign = (await theirs.get("/campaigns"))["data"][0]["id"]
    names = (foreign, "camp_999999999", "camp_", "42", "camp_0", "camp_" + "9" * 30, "%00", "camp_٣")
    for name in names:
        error = await ours.refused("GET", f"/campaigns/{name}", 404, "campaign_not_found")
        assert error["message"].startswith("There is no campaign ")
        assert error["details"] == []
    segment = next(s["id"] for s in (await theirs.get("/segments"))["data"] if s["id"] != "seg_theirs")
    for name in ("seg_theirs", segment, "seg_999999999"):
        body = {**NEW_CAMPAIGN, "segment_id": name, "promo_code": "NEW"}
        error = await ours.refused("POST", "/campaigns", 404, "segment_not_found", json=body)
        assert [one["field"] for one in error["details"]] == ["segment_id"]
        body = {**NEW_PROMO, "customer_segment_id": name}
        error = await ours.refused("POST", "/promos", 404, "segment_not_found", json=body)
        assert [one["field"] for one in error["details"]] == ["customer_segment_id"]
    assert await ours.count("campaign") == 1


async def test_two_groups_may_have_the_same_ids_of_old_and_the_same_codes(
    marketers: Callable[..., Any],
) -> None:
    for name in ("a", "b"):
        one = await marketers(name=name)
        await crm.segment(one.db, one.given.group_id, name=name, external_id="seg_all_customers")
        await one.post("/campaigns", NEW_CAMPAIGN)
        assert [s["name"] for s in (await one.get("/segments"))["data"]] == [name]


async def test_a_token_of_one_store_sees_and_makes_its_own_campaigns(marketers: Callable[..., Any]) -> None:
    whole = await marketers(roles=("tenant_admin",))
    lyon = await groups.store(whole.db, whole.given.group_id, name="Lyon")
    one = await marketers(roles=("restaurant_manager",), given=whole.given, store_id=lyon.store_id)
    await crm.segment(whole.db, whole.given.group_id, external_id="seg_all_customers")
    elsewhere = await whole.post(
        "/campaigns", {**NEW_CAMPAIGN, "promo_code": None, "promo_discount_percent": None}
    )
    made = await one.post("/campaigns", NEW_CAMPAIGN)
    assert [row["id"] for row in (await one.get("/campaigns"))["data"]] == [made["id"]]
    assert len((await whole.get("/campaigns"))["data"]) == 2
    await one.refused("GET", f"/campaigns/{elsewhere['id']}", 404, "campaign_not_found")


async def test_platform_roles_enter_the_group_they_name(
    marketers: Callable[..., Any], settings: Settings
) -> None:
    ours, _ = await two(marketers)
    token = Tokens(settings).mint(
        subject="root",
        group_id=None,
        roles=[Role.PLATFORM_ADMIN],
        now=datetime.now(UTC),
    )
    headers = {"Authorization": f"Bearer {token}"}
    unnamed = await ours.http.get(BASE + "/campaigns", headers=headers)
    assert unnamed.status_code == 403
    named = await ours.http.get(
        BASE + "/campaigns", headers={**headers, "X-Group-Id": str(ours.given.group_id)}
    )
    assert [row["name"] for row in named.json()["data"]] == ["ours campaign"]
    other = {**headers, "Authorization": f"Bearer {ours.token}", "X-Group-Id": "999999"}
    assert (await ours.http.get(BASE + "/campaigns", headers=other)).status_code == 403


async def test_reads_are_one_statement(marketer: Marketer) -> None:
    for path in READS:
        response = await marketer.call("GET", path, headers={"X-Explain": "1"})
        told = response.json()
        assert told["execution"] == "planned", (path, told["reason"])
        assert told["sql"].count("convert_to(made.answer") == 1


async def test_what_cannot_be_done_is_said_in_this_apis_words(marketer: Marketer) -> None:
    response = await marketer.call("PATCH", "/campaigns")
    assert response.status_code == 405
    error_of(response, "method_not_allowed")
    assert (await marketer.call("HEAD", "/campaigns")).status_code == 200
    assert isinstance(response, httpx.Response)
