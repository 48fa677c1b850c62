"""A bare ASGI application that says recorded transactions again, one per request: no GraphQL, no checks, no log.

`POST /KIND/N` runs the N-th recorded transaction of a kind on one of 16 asyncpg connections with the writing role and
answers with what its last statement answered. `POST /KIND/FROM/TO` runs that stretch with 16 at a time without HTTP
in between, and answers with the seconds it took. Nobody should serve customers with this.
"""

import asyncio
import json
import os
import pickle
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from app.db.database import APP_ROLE
from bench.recording import Recorded, say_again
from bench.sending import CONNECTIONS

Message = dict[str, Any]
SETTINGS = {
    "role": APP_ROLE,
    "timezone": "UTC",
    "datestyle": "ISO",
    "jit": "off",
    "statement_timeout": "15000",
}


class Replay:
    """By kind, its transactions in order."""

    recorded: dict[str, list[Recorded]]
    idle: list[Any]

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Start, or run what the path says."""
        if scope["type"] == "lifespan":
            await receive()
            self.recorded = _recorded()
            self.idle = [await _connect() for _ in range(CONNECTIONS)]
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        while (await receive()).get("more_body"):
            pass
        _, kind, first, *until = scope["path"].split("/")
        if until:
            body = json.dumps(await self._stretch(self.recorded[kind][int(first) : int(until[0])]))
        else:
            # The client has no more connections than there are here.
            connection = self.idle.pop()
            body = await say_again(connection, self.recorded[kind][int(first)])
            self.idle.append(connection)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body.encode()))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    async def _stretch(self, stretch: list[Recorded]) -> float:
        left: Iterator[Recorded] = iter(stretch)

        async def work(connection: Any) -> None:
            for one in left:
                await say_again(connection, one)

        started = time.perf_counter()
        await asyncio.gather(*(work(connection) for connection in self.idle))
        return time.perf_counter() - started


def _recorded() -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = pickle.loads(Path(os.environ["BENCH_RECORDED"]).read_bytes())
    return found


async def _connect() -> Any:
    return await asyncpg.connect(
        os.environ["DATABASE_URL"], statement_cache_size=200, server_settings=SETTINGS
    )


app = Replay()
