"""Every page and every answer, refusals too, says that it is to be taken for nothing else, framed by nobody."""

import httpx
import pytest
from starlette.types import ASGIApp

from app.serving.security import GUARD_LINES
from tests.serving.conftest import Caller
from tests.serving.test_coming_again import Counter
from tests.serving.wire import get, wire

JSON = {"Content-Type": "application/json"}
ASKED = [
    ("GET", "/", {}, b""),
    ("GET", "/docs", {}, b""),
    ("GET", "/openapi.json", {}, b""),
    ("GET", "/healthz", {}, b""),
    ("GET", "/readyz", {}, b""),
    ("GET", "/metrics", {}, b""),
    ("GET", "/nowhere", {}, b""),
    ("GET", "/graphql", {"Accept": "text/html"}, b""),
    ("GET", "/graphql/static/no-such-file", {}, b""),
    ("GET", "/assets/1", {}, b""),
    ("POST", "/graphql", JSON, b'{"query":"{viewer{name}}"}'),
    ("POST", "/graphql", JSON, b"{"),
    ("DELETE", "/graphql", {}, b""),
    ("POST", "/graphql", {**JSON, "Content-Encoding": "gzip"}, b"{}"),
    ("POST", "/graphql", JSON, b" " * 1_200_000),
    ("POST", "/oauth2/token", {"Content-Type": "application/x-www-form-urlencoded"}, b"grant_type=x"),
    ("POST", "/oauth2/revoke", {"Content-Type": "application/x-www-form-urlencoded"}, b"token=x"),
    ("GET", "/api/campaigns", {}, b""),
    ("PUT", "/api/campaigns", {}, b""),
    ("GET", "/api/v1/nowhere", {}, b""),
    (
        "OPTIONS",
        "/graphql",
        {"Origin": "https://dashboard.example", "Access-Control-Request-Method": "POST"},
        b"",
    ),
]


@pytest.mark.parametrize("known", [True, False], ids=["known", "stranger"])
@pytest.mark.parametrize(("method", "path", "headers", "body"), ASKED)
async def test_every_answer(
    caller: Caller, method: str, path: str, headers: dict[str, str], body: bytes, known: bool
) -> None:
    sent = {**headers, **({"X-API-KEY": caller.api_key} if known else {})}
    answer = await caller.http.request(method, path, headers=sent, content=body)
    check(answer)


def check(answer: httpx.Response) -> None:
    """Each of them once."""
    for name in ("x-content-type-options", "referrer-policy", "content-security-policy"):
        assert len(answer.headers.get_list(name)) == 1, (name, answer.status_code)
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


async def test_the_documentation_draws_itself_by_its_own_style_alone(gateway: ASGIApp) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway), base_url="http://gateway.test"
    ) as http:
        policy = (await http.get("/docs")).headers["content-security-policy"]
    assert "style-src 'sha256-" in policy
    assert "script-src" not in policy


def test_what_the_server_says_by_itself_has_them_too() -> None:
    assert b"nosniff" in GUARD_LINES
    assert b"frame-ancestors" in GUARD_LINES


async def test_a_request_that_comes_again_gets_them_each_time() -> None:
    app = Counter()
    async with wire(app) as served:
        reader, writer = await served.connect()
        for _ in range(4):
            writer.write(get("/", close=False))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            for name in (b"x-content-type-options", b"referrer-policy", b"content-security-policy"):
                assert head.count(name + b":") == 1, head
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()
