"""Asking a host politely: paced, few at a time, again where that may help, and no longer than somebody waits for it."""

import asyncio
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from app.errors import Failure
from app.moving.requests import Answer, Request

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same question may get an answer."""
AGENT = "campaign-gateway"
MAX_FILE = 1 << 30
FILE_WITHIN_S = 3600.0
"""How long a file may take."""
MAX_ANSWER = 1 << 28
"""Bytes of an answer, unpacked; no page of a list has as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a host is asked."""

    rate: float = 10.0
    """Requests a second, at most."""
    at_once: int = 4
    timeout_s: float = 60.0
    attempts: int = 6
    first_wait_s: float = 1.0
    """Before the second attempt; it doubles for each further one, up to a minute, and is scattered."""
    patience_s: float = 900.0
    """A host that asks for more time than this is left alone."""


class Unreachable(Failure):
    """A host gives no answer, or none in time. What was kept is there; the same command goes on."""

    code = "UNREACHABLE"


class Refused(Failure):
    """A host does not take the credential."""

    code = "REFUSED"


class _Busy(Exception):
    """Not now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


class Host:
    """One API of one host. Use it as a context manager."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str],
        pace: Pace,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base = base
        self.asked = 0
        """How many requests were sent."""
        self._pace = pace
        self._places = asyncio.Semaphore(pace.at_once)
        self._next_turn = 0.0
        self._client = httpx.AsyncClient(
            headers={"User-Agent": AGENT, "Accept": "application/json", **headers},
            timeout=httpx.Timeout(pace.timeout_s, connect=min(pace.timeout_s, 15.0)),
            limits=httpx.Limits(max_connections=pace.at_once),
            transport=transport,
            # A redirect could lead the credential elsewhere; it is an answer like any other.
            follow_redirects=False,
            trust_env=transport is None,
        )
        # Files may be anywhere: what shows who we are goes to the host alone.
        self._files = httpx.AsyncClient(
            headers={"User-Agent": AGENT}, timeout=pace.timeout_s, transport=transport, follow_redirects=True,
            trust_env=transport is None,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        await self._files.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._files.__aexit__(kind, error, trace)
        await self._client.__aexit__(kind, error, trace)

    async def ask(self, request: Request, *, conditions: Mapping[str, str] | None = None) -> Answer:
        """The answer, also one that says no. `conditions` are headers such as If-None-Match.

        Raises Unreachable where none came after all attempts, or where the host wants to be left alone for long.
        """
        retrying = AsyncRetrying(
            stop=self._stop,
            wait=self._wait,
            retry=retry_if_exception_type((httpx.RequestError, _Busy)),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    return await self._once(request, conditions or {})
        except _Busy as busy:
            return busy.answer
        except (httpx.RequestError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise Unreachable(f"{self.base} gives no answer to {request}: {why}.") from None
        raise AssertionError("it ends by an answer or an error")

    async def download(self, url: str, into: Path) -> str:
        """Fetch a file that the host leads to, without its credential; empty, or why it could not be done."""
        try:
            scheme = urlsplit(url).scheme
        except ValueError:
            scheme = ""
        if scheme not in ("https", urlsplit(self.base).scheme):
            return f"its address is {url[:100]!r}"
        into.parent.mkdir(parents=True, exist_ok=True)
        part = into.with_name(f"{into.name}.part")
        try:
            async with self._places, asyncio.timeout(FILE_WITHIN_S):
                await self._turn()
                async with self._files.stream("GET", url) as response:
                    if response.status_code != 200:
                        return f"status {response.status_code}"
                    size = 0
                    with part.open("wb") as file:
                        async for piece in response.aiter_bytes():
                            size += len(piece)
                            if size > MAX_FILE:
                                return f"it has more than {MAX_FILE:,} bytes"
                            file.write(piece)
            part.replace(into)
        except TimeoutError:
            return f"it did not come within {FILE_WITHIN_S:,.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return str(error) or type(error).__name__
        finally:
            part.unlink(missing_ok=True)
        return ""

    async def _once(self, request: Request, conditions: Mapping[str, str]) -> Answer:
        # Values may be what a host printed, such as the key of a beacon.
        headers = {name.encode(): value.encode() for name, value in {**request.headers, **conditions}.items()}
        if request.body is not None:
            headers[b"Content-Type"] = b"application/json"
        async with self._places:
            await self._turn()
            self.asked += 1
            answer = await self._read(request, headers)
        if answer.status in AGAIN:
            wait_s = retry_after_s(answer)
            if wait_s is not None:
                if wait_s > self._pace.patience_s:
                    raise Unreachable(
                        f"{self.base} answers {answer.status} and asks to be left alone for {wait_s:.0f} s."
                    )
                # The whole host is meant, not this request alone.
                self._next_turn = max(self._next_turn, time.monotonic() + wait_s)
            raise _Busy(answer)
        return answer

    async def _read(self, request: Request, headers: Mapping[bytes, bytes]) -> Answer:
        """An answer of a size and in a time that can be waited for, whatever the host sends."""
        address, body = self.base + request.path, bytearray()
        try:
            # The client's own limits hold for each piece, and a host could send them for ever.
            async with (
                asyncio.timeout(self._pace.timeout_s),
                self._client.stream(
                    request.method, address, headers=headers, content=request.body
                ) as response,
            ):
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER:
                        raise Unreachable(
                            f"{self.base} answers {request} with more than {MAX_ANSWER:,} bytes, which is no answer."
                        )
        except TimeoutError:
            raise httpx.ReadTimeout(f"not all of it came within {self._pace.timeout_s:g} s") from None
        given = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, given, bytes(body), datetime.now(UTC))

    async def _turn(self) -> None:
        """Wait until the rate and the host's own wishes allow one more."""
        while True:
            now = time.monotonic()
            if now >= self._next_turn:
                self._next_turn = now + 1 / self._pace.rate
                return
            await asyncio.sleep(self._next_turn - now)

    def _stop(self, state: RetryCallState) -> bool:
        """A host that says when to come again is believed for as long as the patience lasts."""
        error = state.outcome.exception() if state.outcome else None
        if (
            isinstance(error, _Busy)
            and error.answer.status == 429
            and retry_after_s(error.answer) is not None
        ):
            return (state.seconds_since_start or 0.0) > self._pace.patience_s
        return state.attempt_number >= self._pace.attempts

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt. What Retry-After says is kept by `_turn`."""
        error = state.outcome.exception() if state.outcome else None
        logging.getLogger(__name__).info("asked again after %s", error)
        if isinstance(error, _Busy) and retry_after_s(error.answer):
            return 0.0
        # Also where the time that was asked for has passed already.
        longest = min(self._pace.first_wait_s * 2 ** (state.attempt_number - 1), 60.0)
        return float(longest) * random.uniform(0.5, 1.0)  # noqa: S311 - not for secrets


def retry_after_s(answer: Answer) -> float | None:
    """How long the host asks to be left alone: seconds, or a date (RFC 9110 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - answer.at).total_seconds())
