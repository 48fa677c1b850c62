"""The raw limit: a bare ASGI application and one hand-written statement per query, nothing else.

What is left when there is no GraphQL, no routing, no logging, no limits and no second lock: the key is looked up
in a dict read at the start, the statement's bytes go out. Run by uvicorn with httptools and uvloop, on as many
asyncpg connections as the gateway has, each with its statements prepared, without a pool. Nobody should serve
customers with this; it shows what the gateway is measured against.
"""

import asyncio
import hashlib
import json
import os
import re
from collections import deque
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
CONNECTIONS = 4

Prepared = dict[str, Any]
"""One connection's statements, by path."""
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RawLimit:
    """`POST /list`, `/deep`, `/detail`, …"""

    groups: dict[bytes, int]

    def __init__(self) -> None:
        self.connections: list[asyncpg.Connection[asyncpg.Record]] = []
        self.idle: list[Prepared] = []
        self.waiting: deque[asyncio.Future[Prepared]] = deque()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        key = next((value for name, value in scope["headers"] if name == b"x-api-key"), b"")
        group = self.groups[hashlib.sha256(key).digest()]
        message = await receive()
        path = scope["path"]
        more = [int(_read(message["body"]).variables.id[5:])] if path == "/detail" else []
        if self.idle:
            prepared = self.idle.pop()
        else:
            turn: asyncio.Future[Prepared] = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            prepared = await turn
        body = await prepared[path].fetchval(group, *more)
        if self.waiting:
            self.waiting.popleft().set_result(prepared)
        else:
            self.idle.append(prepared)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self.groups = _groups()
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(
                os.environ["DATABASE_URL"],
                server_settings={
                    "role": "gateway_reader",
                    "timezone": "UTC",
                    "jit": "off",
                    "plan_cache_mode": "force_generic_plan",
                },
            )
            self.connections.append(connection)
            self.idle.append({path: await connection.prepare(sql) for path, sql in STATEMENTS.items()})
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for connection in self.connections:
            await connection.close()
        await send({"type": "lifespan.shutdown.complete"})


def _groups() -> dict[bytes, int]:
    keys = json.loads(Path(os.environ["BENCH_KEYS"]).read_text())
    return {hashlib.sha256(key.encode()).digest(): group for group, key in keys}


_read = msgspec.json.Decoder(Body).decode
app = RawLimit()
