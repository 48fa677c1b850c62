"""An installation looked over, as far as one gets. Nothing is made or changed, but a file put and taken away again."""

import asyncio
import os
from collections.abc import Iterator

from app.checking.chosen import look_at_choices, look_at_issuer
from app.checking.databases import look_at_database
from app.checking.findings import Finding, wrong
from app.checking.machine import look_at_files, look_at_machine
from app.serving.running import database
from app.settings import Settings, missing_database, read_settings


def look_over() -> Iterator[Finding]:
    """Everything, one after the other, as the environment says it."""
    try:
        settings = read_settings(makes_secrets=False)
    except SystemExit as problem:
        yield wrong("settings", f"{problem} Nothing else was looked at.")
        return
    yield from look_at_choices(os.environ, settings)
    yield asyncio.run(look_at_issuer(settings))
    yield from look_at_machine(settings)
    yield look_at_files(settings)
    missing = missing_database()
    if missing is not None:
        yield wrong("PostgreSQL", missing)
        return
    try:
        with database(settings) as ready:
            yield from asyncio.run(_database(ready, is_embedded=settings.database_url is None))
    except SystemExit as problem:
        yield wrong("PostgreSQL", str(problem))


async def _database(settings: Settings, *, is_embedded: bool) -> list[Finding]:
    return [one async for one in look_at_database(settings, is_embedded=is_embedded)]
