"""A host is asked politely, and no more often than helps."""

import asyncio
import gzip
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.errors import Invalid
from app.moving import hosts
from app.moving.credentials import address_of, by_system, headers_of
from app.moving.hosts import Host, Pace, Unreachable, retry_after_s
from app.moving.requests import Answer, Request
from app.moving.walks.all import WALKS

REQUEST = Request("benji", "GET /campaigns", "GET", "/campaigns")
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def host(answer: Any, **pace: Any) -> Host:
    """A host that answers so."""
    chosen: dict[str, Any] = {"rate": 1e6, "attempts": 4, "first_wait_s": 0.001, **pace}
    return Host(
        "http://old.test/gw",
        headers={"X-A": "b"},
        pace=Pace(**chosen),
        transport=httpx.MockTransport(answer),
    )


async def test_no_answer_is_tried_again_so_often_and_no_more() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        raise httpx.ConnectError("refused", request=request)

    async with host(answer) as old:
        with pytest.raises(Unreachable, match="refused"):
            await old.ask(REQUEST)
    assert asked == ["http://old.test/gw/campaigns"] * 4


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_busy_host_is_asked_again(status: int) -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(status if asked < 4 else 200, json={})

    async with host(answer) as old:
        assert (await old.ask(REQUEST)).status == 200
    assert asked == 4


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 500])
async def test_other_answers_are_final(status: int) -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(status, json={})

    async with host(answer) as old:
        assert (await old.ask(REQUEST)).status == status
    assert asked == 1


async def test_a_time_that_has_passed_does_not_make_it_hurry() -> None:
    times: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        times.append(time.monotonic())
        past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
        return httpx.Response(429 if len(times) < 3 else 200, headers={"Retry-After": past}, json={})

    async with host(answer, first_wait_s=0.2) as old:
        assert (await old.ask(REQUEST)).status == 200
    assert times[1] - times[0] >= 0.1
    assert times[2] - times[1] >= 0.2


async def test_the_rate_is_kept() -> None:
    async with host(lambda request: httpx.Response(200, json={}), rate=50) as old:
        started = time.monotonic()
        for _ in range(11):
            await old.ask(REQUEST)
        assert time.monotonic() - started >= 10 / 50


async def test_a_body_that_cannot_be_read_is_no_answer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))

    async with host(answer, attempts=2) as old:
        with pytest.raises(Unreachable):
            await old.ask(REQUEST)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-1", None),
        ("0", 0.0),
        ("120", 120.0),
        ("Mon, 30 Nov 2026 00:01:00 GMT", 60.0),
        ("Sun, 29 Nov 2026 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s(Answer(429, {"retry-after": text} if text else {}, b"", NOW)) == seconds


def test_credentials_are_said_in_several_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_TOKEN", "from-env")
    secret = tmp_path / "key"
    secret.write_text("from-file\n")
    lagriffe, crm = WALKS["lagriffe"], WALKS["crm"]
    assert headers_of(crm, ["abc"]) == {"Authorization": "Bearer abc"}
    assert headers_of(crm, ["Bearer abc"]) == {"Authorization": "Bearer abc"}
    assert headers_of(crm, ["env:OLD_TOKEN"]) == {"Authorization": "Bearer from-env"}
    assert headers_of(crm, ["Cookie: session=1"]) == {"Cookie": "session=1"}
    assert headers_of(lagriffe, [f"@{secret}", "X-BEACON-KEY: b"]) == {
        "X-API-KEY": "from-file",
        "X-BEACON-KEY": "b",
    }
    for wrong in ("", "a\nb", "env:NOT_THERE_AT_ALL", f"@{tmp_path / 'missing'}", "é"):
        with pytest.raises(Invalid):
            headers_of(crm, [wrong])


def test_one_system_may_have_another_host_and_credential() -> None:
    said = by_system(["https://a.test/", "crm=https://b.test"], ["crm", "benji"], option="--from")
    assert {name: address_of(values, option="--from") for name, values in said.items()} == {
        "crm": "https://b.test",
        "benji": "https://a.test",
    }
    # A value may hold the sign that separates.
    assert by_system(["a=b=="], ["crm"], option="--credential") == {"crm": ["a=b=="]}
    for wrong in ("ftp://a.test", "https://", "https://me:secret@a.test", "https://a.test?x=1"):
        with pytest.raises(Invalid) as refused:
            address_of([wrong], option="--from")
        assert "secret" not in str(refused.value)
    with pytest.raises(Invalid, match="benji"):
        by_system(["crm=x"], ["benji"], option="--from")


async def test_an_answer_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MAX_ANSWER", 1_000_000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 100_000

    async with host(lambda _: httpx.Response(200, content=endless())) as old:
        with pytest.raises(Unreachable, match="with more than 1,000,000 bytes"):
            await old.ask(REQUEST)
    assert sent < 20


async def test_an_answer_that_unpacks_to_much_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MAX_ANSWER", 1_000_000)
    packed = gzip.compress(b" " * 20_000_000)
    async with host(
        lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=packed)
    ) as old:
        with pytest.raises(Unreachable, match="with more than"):
            await old.ask(REQUEST)


async def test_an_answer_in_drops_is_waited_for_no_longer_than_said() -> None:
    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    started = time.monotonic()
    async with host(lambda _: httpx.Response(200, content=drops()), timeout_s=0.2, attempts=2) as old:
        with pytest.raises(Unreachable, match=r"not all of it came within 0\.2 s"):
            await old.ask(REQUEST)
    assert time.monotonic() - started < 3


async def test_what_a_host_printed_is_sent_in_a_header_whatever_it_is() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.extend(value for name, value in request.headers.raw if name.lower() == b"x-beacon-key")
        return httpx.Response(200, json={})

    async with host(answer) as old:
        await old.ask(replace(REQUEST, headers={"X-BEACON-KEY": "magasin d'été"}))
    assert sent == ["magasin d'été".encode()]


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://old.test/\ud800", "file:///etc/passwd", "\x00", "http://"]
)
async def test_a_file_whose_address_is_none_is_told(url: str, tmp_path: Path) -> None:
    async with host(lambda _: httpx.Response(404)) as old:
        assert await old.download(url, tmp_path / "file")
    assert os.listdir(tmp_path) == []
