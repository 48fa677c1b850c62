"""General errors: the same keys as validation errors, under their HTTP status."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.criteo.conftest import BASE, Buyer, change

KEYS = ["traceIdentifier", "type", "code", "instance", "title", "detail"]


def one_error(response: Any, status: int, kind: str) -> dict[str, Any]:
    """The one error of an answer that says no."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["errors", "warnings"]
    (error,) = body["errors"]
    assert list(error) == KEYS
    assert error["type"] == kind
    assert isinstance(error, dict)
    return error


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic YTpi", ""])
async def test_a_bearer_token_is_needed(buyer: Buyer, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await buyer.inner.http.get(f"{BASE}/1", headers=headers)
    one_error(response, 401, "authentication")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_an_api_key_is_no_token(buyer: Buyer) -> None:
    response = await buyer.inner.http.get(f"{BASE}/1", headers={"X-API-KEY": "gw_1"})
    one_error(response, 401, "authentication")


async def test_who_may_only_read_changes_nothing(marketers: Callable[..., Any], buyer: Buyer) -> None:
    await buyer.imported("1")
    reader = Buyer(await marketers(given=buyer.inner.given, roles=("read",)))

    assert (await reader.call("GET", "/1")).status_code == 200
    one_error(await reader.call("PATCH", json={"data": [change("1")]}), 403, "authorization")
    one_error(await reader.call("POST", json=reader.order()), 403, "authorization")


async def test_other_ways_to_go_wrong(buyer: Buyer) -> None:
    one_error(await buyer.call("GET", "/1"), 404, "validation")
    one_error(await buyer.call("GET", "/1/2"), 404, "validation")
    one_error(await buyer.call("PUT", json={}), 405, "validation")
    one_error(
        await buyer.call("POST", content="{", headers={"Content-Type": "application/json"}), 400, "validation"
    )
    one_error(
        await buyer.call("PATCH", content="a=b", headers={"Content-Type": "text/plain"}), 415, "validation"
    )
    too_many = {"data": [change(str(n)) for n in range(1001)]}
    one_error(await buyer.call("PATCH", json=too_many), 413, "validation")


async def test_an_update_repeated_under_its_key_is_answered_again(buyer: Buyer) -> None:
    await buyer.imported("1")
    headers = {"Idempotency-Key": "k-1"}
    body = {"data": [change("1", amount=-1)]}

    first = await buyer.call("PATCH", json=body, headers=headers)
    again = await buyer.call("PATCH", json=body, headers=headers)

    assert again.text == first.text
    assert again.headers["idempotent-replayed"] == "true"


async def test_every_read_is_one_statement(buyer: Buyer) -> None:
    for method, path, body in (
        ("GET", "/1", None),
        ("POST", "/search", {"filters": {"advertiserIds": ["12345"]}}),
    ):
        response = await buyer.call(
            method, path, headers={"X-Explain": "1"}, **({"json": body} if body else {})
        )
        assert response.json()["execution"] == "planned"
