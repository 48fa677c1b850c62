"""The raw limit: a bare ASGI application and one hand-written statement per query, nothing else.

What is left when there is no GraphQL, no routing, no logging, no limits and no second lock: the key is looked up
in a dict read at the start, the statement's bytes go out. Run by uvicorn with httptools and uvloop, on an asyncpg
pool set up as the gateway's. Nobody should serve customers with this; it shows what the gateway is measured against.
"""

import hashlib
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from app.values.money import NO_DIGITS, THREE_DIGITS

HERE = Path(__file__).parent
_DIGITS = re.compile(r"\bdigits\((\w+\.currency)\)")


class Variables(msgspec.Struct):
    """All a request can say."""

    id: str = ""


class Body(msgspec.Struct):
    """The JSON a client posts."""

    variables: Variables = msgspec.field(default_factory=Variables)


def statement(name: str) -> str:
    """A statement, with `digits(currency)` written out: how many decimals the currency has."""
    none, three = ("('" + "', '".join(sorted(codes)) + "')" for codes in (NO_DIGITS, THREE_DIGITS))
    shown = rf"CASE WHEN \1 IN {none} THEN 0 WHEN \1 IN {three} THEN 3 ELSE 2 END"
    return _DIGITS.sub(shown, (HERE / f"{name}.sql").read_text())


STATEMENTS = {f"/{file.stem}": statement(file.stem) for file in HERE.glob("*.sql")}
_HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}


class RawLimit:
    """`POST /list`, `/deep`, `/detail`, …"""

    pool: "asyncpg.Pool[asyncpg.Record]"
    groups: dict[bytes, int]

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        key = next((value for name, value in scope["headers"] if name == b"x-api-key"), b"")
        group = self.groups[hashlib.sha256(key).digest()]
        message = await receive()
        path = scope["path"]
        more = [int(_read(message["body"]).variables.id[5:])] if path == "/detail" else []
        body = await self.pool.fetchval(STATEMENTS[path], group, *more)
        headers = [*_HEAD["headers"], (b"content-length", b"%d" % len(body))]  # type: ignore[misc]
        await send({**_HEAD, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(
        self,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        await receive()
        self.groups = _groups()
        self.pool = await asyncpg.create_pool(
            os.environ["DATABASE_URL"],
            min_size=4,
            max_size=4,
            reset=_no_reset,
            statement_cache_size=1_000,
            max_cacheable_statement_size=0,
            max_cached_statement_lifetime=0,
            server_settings={
                "role": "gateway_reader",
                "timezone": "UTC",
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",
            },
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})


def _groups() -> dict[bytes, int]:
    keys = json.loads(Path(os.environ["BENCH_KEYS"]).read_text())
    return {hashlib.sha256(key.encode()).digest(): group for group, key in keys}


async def _no_reset(_: object) -> None:
    """A reset would cost a round trip."""


_read = msgspec.json.Decoder(Body).decode
app = RawLimit()
