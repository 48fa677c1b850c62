"""Who gets in at the La Griffe API, and how far."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.auth.keys import find_api_key, revoke_api_key
from tests.given import groups
from tests.rest.conftest import Extranet

READS = ("/api/campaigns", "/api/campaigns/42", "/api/campaigns/42/metrics", "/api/customer-groups")
CALLS = [*(("GET", path) for path in READS), ("POST", "/api/campaigns")]


def assert_refused(response: httpx.Response, status: int) -> str:
    """An error has a message and nothing else."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["message"]
    assert isinstance(body["message"], str)
    return body["message"]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("key", [None, "", "unknown", "clé", "x" * 5_000])
async def test_every_request_needs_a_key_that_holds(
    client: Extranet, method: str, path: str, key: str | None
) -> None:
    headers = {} if key is None else {b"X-API-KEY": key.encode()}
    response = await client.http.request(method, path, headers=headers)
    assert assert_refused(response, 401) == "Unauthorized"
    assert "www-authenticate" in response.headers


async def test_a_revoked_key_is_refused(client: Extranet) -> None:
    found = await find_api_key(client.db, secret=client.api_key)
    assert found is not None
    await revoke_api_key(client.db, key_id=found.id, group_id=None, now=datetime.now(UTC))
    assert assert_refused(await client.call("GET", "/api/campaigns"), 401) == "Unauthorized"


async def test_a_bearer_token_is_no_key_here(client: Extranet) -> None:
    response = await client.http.get("/api/campaigns", headers={"Authorization": "Bearer x"})
    assert assert_refused(response, 401) == "Unauthorized"


async def test_the_key_is_asked_for_before_the_body_is_read(client: Extranet) -> None:
    response = await client.http.post("/api/campaigns", content=b"{", headers={"X-API-KEY": "no"})
    assert_refused(response, 401)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", None])
async def test_every_answer_is_json_whatever_is_accepted(client: Extranet, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    for path, status in (("/api/campaigns", 200), ("/api/campaigns/9", 404), ("/api/nothing", 404)):
        response = await client.call("GET", path, headers=headers)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/json"
        assert response.json()


async def test_a_beacon_narrows_reads_and_writes_to_its_store(client: Extranet) -> None:
    lyon = await groups.store(client.db, client.given.group_id, name="Lyon")
    here = await client.create(label="default store")
    there = await client.create(label="Lyon", external_beacon_key=lyon.beacon_key)

    assert {c["id"] for c in await client.get("/api/campaigns")} == {here["id"], there["id"]}
    assert [c["id"] for c in await client.get("/api/campaigns", beacon=lyon.beacon_key)] == [there["id"]]
    assert [c["id"] for c in await client.get("/api/campaigns", beacon=client.given.beacon_key)] == [
        here["id"]
    ]

    for path in (f"/api/campaigns/{here['id']}", f"/api/campaigns/{here['id']}/metrics"):
        assert_refused(await client.call("GET", path, beacon=lyon.beacon_key), 404)
        assert (await client.call("GET", path, beacon=client.given.beacon_key)).status_code == 200

    made = await client.create(beacon=lyon.beacon_key, external_beacon_key=lyon.beacon_key)
    assert made["customer"]["external_beacon_key"] == lyon.beacon_key


async def test_a_beacon_in_the_body_must_be_the_one_in_the_header(client: Extranet) -> None:
    lyon = await groups.store(client.db, client.given.group_id, name="Lyon")
    response = await client.call("POST", "/api/campaigns", beacon=lyon.beacon_key, json=client.order())
    assert_refused(response, 403)
    assert await client.count("campaign") == 0
    assert await client.count("project") == 0


@pytest.mark.parametrize("beacon", ["", "unknown", "x" * 65, "clé"])
async def test_an_unknown_beacon_never_falls_back_to_the_group(client: Extranet, beacon: str) -> None:
    for path in READS:
        headers: Any = {"X-BEACON-KEY": beacon.encode()}
        response = await client.call("GET", path, headers=headers)
        assert_refused(response, 403)
    response = await client.call(
        "POST", "/api/campaigns", json=client.order(), headers={"X-BEACON-KEY": "unknown"}
    )
    assert_refused(response, 403)
    assert await client.count("campaign") == 0


async def test_a_beacon_of_another_group_is_as_good_as_unknown(
    client: Extranet, extranet: Callable[..., Any]
) -> None:
    other: Extranet = await extranet(name="B")
    foreign = await client.call("GET", "/api/campaigns", beacon=other.given.beacon_key)
    unknown = await client.call("GET", "/api/campaigns", beacon="unknown")
    assert assert_refused(foreign, 403) == assert_refused(unknown, 403)


async def test_nothing_a_client_sends_reaches_another_group(
    client: Extranet, extranet: Callable[..., Any]
) -> None:
    other: Extranet = await extranet(name="B")
    theirs = await other.create(label="their secret")
    await client.create(label="ours")
    for path in READS:
        for query in (
            f"?group_id={other.given.group_id}",
            f"?customer_group_id={other.given.group_id}&scope=all",
        ):
            assert "their secret" not in (await client.call("GET", path + query)).text
    for path in (f"/api/campaigns/{theirs['id']}", f"/api/campaigns/{theirs['id']}/metrics"):
        foreign = assert_refused(await client.call("GET", path), 404)
        missing = assert_refused(await client.call("GET", path.replace(str(theirs["id"]), "999999999")), 404)
        assert foreign == missing
    response = await client.call("GET", "/api/campaigns", headers={"X-Group-Id": str(other.given.group_id)})
    assert_refused(response, 403)
    before = await other.count("campaign")
    order = client.order(external_beacon_key=other.given.beacon_key)
    assert_refused(await client.call("POST", "/api/campaigns", json=order), 422)
    assert await other.count("campaign") == before
    assert await client.count("campaign") == 1
    assert await client.count("project") == 1


async def test_a_reading_key_cannot_create(extranet: Callable[..., Any]) -> None:
    reader: Extranet = await extranet(access="read")
    assert await reader.get("/api/campaigns") == []
    assert_refused(await reader.call("POST", "/api/campaigns", json=reader.order()), 403)
    assert await reader.count("campaign") == 0


async def test_a_key_of_several_groups_lists_them_all_and_works_in_one(
    client: Extranet, extranet: Callable[..., Any]
) -> None:
    both: Extranet = await extranet(name="B", further=(client.given.group_id,))
    await client.create(label="in A")
    listed = await both.get("/api/customer-groups")
    assert {group["id"] for group in listed} == {client.given.group_id, both.given.group_id}
    assert await both.get("/api/campaigns") == []
    named = await both.call("GET", "/api/campaigns", headers={"X-Group-Id": str(client.given.group_id)})
    assert [c["label"] for c in named.json()["data"]] == ["in A"]
