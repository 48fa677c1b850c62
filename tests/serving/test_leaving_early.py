"""A client that leaves takes its query along, down to the database."""

import asyncio
import json
import socket

import asyncpg
import uvicorn
from starlette.types import ASGIApp

from app.serving.connections import BoundedConnection
from tests.serving.conftest import Caller

WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%campaign%'
"""


async def test_the_running_statement_is_cancelled(
    gateway: ASGIApp, caller: Caller, database_url: str
) -> None:
    async def waiting() -> int:
        return int(await watching.fetchval(WAITING))

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        gateway, http=BoundedConnection, lifespan="off", log_config=None, loop="none", ws="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    locking, watching = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    body = json.dumps({"query": "{ campaigns(first: 1) { nodes { name } } }"}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: here\r\nX-API-KEY: {caller.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    try:
        async with locking.transaction():
            await locking.execute("LOCK TABLE campaign IN ACCESS EXCLUSIVE MODE")
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(head.encode() + body)
            async with asyncio.timeout(10):
                while await waiting() == 0:  # noqa: ASYNC110  # another process is watched
                    await asyncio.sleep(0.02)
                writer.close()
                while await waiting():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        answer = await caller.post({"query": "{ campaigns(first: 1) { totalCount } }"})
        assert answer.json() == {"data": {"campaigns": {"totalCount": 0}}}
    finally:
        await locking.close()
        await watching.close()
        server.should_exit = True
        await serving
