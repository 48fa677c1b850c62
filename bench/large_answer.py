"""What a large answer costs beyond the driver: 10,000 objects of 4 fields, in one answer of one group.

`python -m bench.large_answer` asks the whole application in-process, once as an ASGI server would and once by
running the planned statement alone through `Database.read`, and compares the process's CPU time (getrusage, user
and system). What is left is the gateway's own: door, credentials, reading, checking, binding, writing.
"""

import asyncio
import json
import resource
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from app.auth.credentials import Authenticator
from app.db.database import connect
from app.domain.assets.storage import AssetStorage
from app.graph.running.checking import check
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from bench.data import FOLDER, Data, filled

REQUESTS = 200
LISTS, EACH = 10, 1_000
BAR_MS = 5.0
_PARTS = [
    f"part{at}: spendEntries(first: {EACH}, offset: {at * EACH}) {{ nodes {{ id day channel source }} }}"
    for at in range(LISTS)
]
QUERY = f"query Large {{ {' '.join(_PARTS)} }}"

Message = MutableMapping[str, Any]


def main() -> None:
    """Measure and say it. Exit status 1 over the bar."""
    with filled() as data:
        said, own_ms = measure_large(data)
    print(said)
    raise SystemExit(own_ms > BAR_MS)


def measure_large(data: Data) -> tuple[str, float]:
    """The sentence for people, and the gateway's own CPU in ms."""
    whole_ms, driver_ms, size = asyncio.run(_measure(data))
    own_ms = whole_ms - driver_ms
    return (
        f"{LISTS * EACH:,} objects of 4 fields in one answer of {size / 1e6:.2f} MB, mean of {REQUESTS} requests:"
        f" {whole_ms:.2f} ms of CPU, {driver_ms:.2f} of them the driver's,"
        f" so {own_ms:.2f} ms are the gateway's (the bar is {BAR_MS:.0f}).",
        own_ms,
    )


async def _measure(data: Data) -> tuple[float, float, int]:
    settings = replace(read_settings({"DATA_DIR": str(FOLDER)}), database_url=data.url, worker_inline=False)
    body = json.dumps({"query": QUERY}).encode()
    headers = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-api-key": data.groups[0].key,
    }
    asked = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    async with running(settings, journal=Journal(BytesIO())) as app:
        answer = await _ask(app, asked, body)
        found = json.loads(answer)
        objects = [node for part in found["data"].values() for node in part["nodes"]]
        if len(objects) != LISTS * EACH or any(len(one) != 4 for one in objects):
            raise SystemExit(f"the answer is not {LISTS * EACH} objects of 4 fields: {answer[:500]!r}")
        whole_ms = await _mean_cpu_ms(lambda: _ask(app, asked, body))
    db = await connect(data.url, readers=4, writers=1)
    try:
        services = Services(settings, db, AssetStorage(settings))
        principal = await Authenticator(settings, db).authenticate(
            api_key=data.groups[0].key, beacon_key=None, bearer=None, group=None, now=datetime.now(UTC)
        )
        context = Context(services, principal)
        checked = check(Operation(QUERY), context)
        statement, bindings = checked.plan.statement, checked.bound(context)
        assert statement is not None, checked.plan.reason
        values = statement.values(bindings)

        async def read() -> bytes:
            shown = await db.read(statement.text, values, bindings.scope)
            assert shown is not None
            return shown

        driver_ms = await _mean_cpu_ms(read)
    finally:
        await db.close()
    return whole_ms, driver_ms, len(answer)


async def _mean_cpu_ms(run: Callable[[], Awaitable[bytes]]) -> float:
    for _ in range(10):
        await run()
    before = _cpu_s()
    for _ in range(REQUESTS):
        await run()
    return (_cpu_s() - before) * 1000 / REQUESTS


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _ask(app: Any, asked: Message, body: bytes) -> bytes:
    """One request as a server hands it over."""
    parts: list[bytes] = []
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        parts.append(message.get("body", b""))

    await app(dict(asked), receive, send)
    return b"".join(parts)


if __name__ == "__main__":
    main()
