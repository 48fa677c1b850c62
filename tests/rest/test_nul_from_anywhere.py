"""NUL in the address, the body or a form of any legacy route: a 4xx in the shape of that API."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app.rest.facades import FACADES
from tests.rest.conftest import BASE, Extranet, Marketer

CALLS = [(facade.name, route.method, route.path) for facade in FACADES for route in facade.routes]


def address(path: str, value: str) -> str:
    """The path with this in place of each parameter."""
    parts = [value if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def bodies() -> Iterator[dict[str, Any]]:
    """What may be sent with it."""
    for text in ('{"name": "a\\u0000b"}', '{"a\\u0000": 1}', '{"data": [{"id": "\\u0000"}]}', '["\\u0000"]'):
        yield {"content": text, "headers": {"Content-Type": "application/json"}}
        yield {
            "content": json.dumps({"data": json.loads(text)}),
            "headers": {"Content-Type": "application/json"},
        }
    yield {"content": b'{"name": "\xed\xa0\x80"}', "headers": {"Content-Type": "application/json"}}
    yield {"content": b'{"name": "\\ud800"}', "headers": {"Content-Type": "application/json"}}
    yield {"data": {"name": "a\0b"}, "files": {"file": ("x.txt", b"x")}}
    yield {"data": {"n\0": "b"}, "files": {"file": ("a\0b.txt", b"x")}}
    yield {"data": {"name": "a\0b"}}


@pytest.mark.parametrize(("facade", "method", "path"), CALLS)
async def test_every_route(
    client: Extranet, marketer: Marketer, gateway: ASGIApp, facade: str, method: str, path: str
) -> None:
    headers = (
        {"X-API-KEY": client.api_key}
        if facade == "lagriffe"
        else {"Authorization": f"Bearer {marketer.token}"}
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway), base_url=BASE, headers=headers
    ) as http:
        for where in (
            address(path, "%00") + ("" if "{" in path else "?x=%00"),
            address(path, "1") + "?name=%00&page=%00",
            address(path, "1") + "?%00=1",
            address(path, "1") + "?limit=a%00b",
        ):
            given = await http.request(method, where)
            assert 400 <= given.status_code < 500, (where, given.status_code, given.text)
            assert given.json(), "in the shape of the API"
        for sent in bodies() if method != "GET" else ():
            given = await http.request(method, address(path, "1"), **sent)
            assert 400 <= given.status_code < 500, (sent, given.status_code, given.text)


async def test_the_token_endpoint(gateway: ASGIApp) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url=BASE) as http:
        for fields in (
            "client_id=%00&client_secret=a",
            "client_id=a&client_secret=%00",
            "%00=1",
            "scope=%00",
            "grant_type=%00",
        ):
            for path in ("/oauth2/token", "/oauth2/revoke"):
                given = await http.post(
                    path,
                    content="grant_type=client_credentials&" + fields,
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                )
                assert given.status_code in (400, 401), (path, fields, given.text)


async def test_other_addresses(gateway: ASGIApp) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url=BASE) as http:
        for path in (
            "/assets/%00",
            "/assets/1?group=%00&expires=1&signature=%00",
            "/%00",
            "/docs/%00",
            "/graphql/%00",
        ):
            given = await http.get(path)
            assert 400 <= given.status_code < 500, (path, given.status_code)
