"""A connection with its settings, however they have to be told, that notices when the other machine has vanished."""

import socket
from collections.abc import Mapping
from typing import Any

import asyncpg

KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}
"""Of our end, where the system has them; the server is asked for the same of its own (`database.py`)."""

_poolers: set[str] = set()
"""Where settings cannot be told as a session starts."""


async def connected(url: str, settings: Mapping[str, str], **options: Any) -> Any:
    """A connection with these settings.

    A pooler such as PgBouncer refuses most of them as a session starts. There they are set right after that, which
    takes one message more for each connection, and holds where sessions are ours (pool_mode = session).
    """
    if url not in _poolers:
        try:
            connection = await asyncpg.connect(url, server_settings=dict(settings), **options)
        except asyncpg.PostgresError as problem:
            if "unsupported startup parameter" not in str(problem):
                raise
            _poolers.add(url)
        else:
            _keep_alive(connection)
            return connection
    connection = await asyncpg.connect(url, **options)
    _keep_alive(connection)
    try:
        told = [f"set_config({_quoted(name)}, {_quoted(value)}, false)" for name, value in settings.items()]
        await connection.execute(f"SELECT {', '.join(told)}")
    except BaseException:
        connection.terminate()
        raise
    return connection


def socket_of(connection: Any) -> "socket.socket | None":
    """Our end of a connection."""
    # The driver shows its socket to nobody.
    found: socket.socket | None = connection._transport.get_extra_info("socket")
    return found


def _keep_alive(connection: Any) -> None:
    found = socket_of(connection)
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


__all__ = ["connected", "socket_of"]
