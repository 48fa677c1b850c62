"""Alembic's entry: migrations run on an async connection of the owner.

Revisions see nothing of the tables as they are declared today. Only who compares the two (a draft of the next revision,
a test) gives the declarations along, as `config(url, declared=…)`.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, MetaData, pool
from sqlalchemy.ext.asyncio import create_async_engine


def _run(connection: Connection) -> None:
    declared: MetaData | None = context.config.attributes.get("declared")
    context.configure(
        connection=connection, target_metadata=declared, compare_type=True, compare_server_default=False
    )
    with context.begin_transaction():
        # Whoever waits for a table makes all wait who come after: not for long, and then it is tried again.
        limit_ms = context.config.attributes.get("lock_timeout_ms")
        if limit_ms is not None:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(limit_ms)}")
        context.run_migrations()


async def _online() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(_online())
