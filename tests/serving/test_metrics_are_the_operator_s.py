"""`/metrics` names routes and tenants' operations: the operator sees it, strangers do not."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from app.main import running
from app.serving.addresses import is_loopback
from app.serving.journal import Journal
from app.settings import read_settings

HERE, ELSEWHERE = "127.0.0.1", "203.0.113.7"
CASES = [
    # settings, from where, headers, status
    ({}, HERE, {}, 404),
    ({}, ELSEWHERE, {}, 404),
    ({"DEVELOPMENT": "1"}, HERE, {}, 200),
    ({"DEVELOPMENT": "1"}, ELSEWHERE, {}, 404),
    # Behind a proxy on this machine the client is who the proxy says.
    ({"DEVELOPMENT": "1"}, HERE, {"X-Forwarded-For": ELSEWHERE}, 404),
    ({"METRICS_TOKEN": "s3cret"}, HERE, {}, 401),
    ({"METRICS_TOKEN": "s3cret", "DEVELOPMENT": "1"}, HERE, {}, 401),
    ({"METRICS_TOKEN": "s3cret"}, HERE, {"Authorization": "Bearer s3cre"}, 401),
    ({"METRICS_TOKEN": "s3cret"}, HERE, {"Authorization": "Basic s3cret"}, 401),
    ({"METRICS_TOKEN": "s3cret"}, ELSEWHERE, {"Authorization": "bearer s3cret"}, 200),
]


@pytest.mark.parametrize(("chosen", "address", "headers", "status"), CASES)
async def test_who_may_scrape(
    database_url: str,
    tmp_path: Path,
    chosen: dict[str, str],
    address: str,
    headers: dict[str, Any],
    status: int,
) -> None:
    settings = read_settings(
        {"DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "WORKER_INLINE": "0", **chosen}
    )
    async with running(settings, journal=Journal()) as app:
        transport = httpx.ASGITransport(app, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
            answer = await http.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("gateway_request" in answer.text) == (status == 200)


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("203.0.113.7", False),
        ("", False),
        ("testclient", False),
        ("localhost", False),
    ],
)
def test_what_is_this_machine(address: str, is_here: bool) -> None:
    assert is_loopback(address) == is_here
