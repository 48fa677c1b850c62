"""How a command comes to a database and to the files."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.db.database import Database
    from app.domain.assets.storage import AssetStorage
    from app.settings import Settings


def with_database(work: "Callable[[Database, Settings], Awaitable[None]]") -> None:
    """Run something on a database that is up to date: the operator's, or the embedded one that is there already.

    None is made here, or whoever forgot DATABASE_URL would be answered from an empty one.
    """
    from app.serving.running import bring_up_to_date, database, refuse_unless_current
    from app.settings import read_settings

    refuse_without_database()
    chosen = read_settings()

    async def run(settings: "Settings") -> None:
        await (refuse_unless_current if chosen.database_url else bring_up_to_date)(settings)
        async with connected(settings) as db:
            await work(db, settings)

    with database(chosen) as settings:
        asyncio.run(run(settings))


def with_group(group_id: int | None, work: "Callable[[Database, Settings], Awaitable[None]]") -> None:
    """The same, after a look whether there is such a customer group; None: it is about all of them."""
    from app.auth.minting import require_group

    async def run(db: "Database", settings: "Settings") -> None:
        if group_id is not None:
            await require_group(db, group_id)
        await work(db, settings)

    with_database(run)


def refuse_without_database() -> None:
    """SystemExit where DATABASE_URL is not set and DATA_DIR has no database yet."""
    from app.settings import missing_database

    if (missing := missing_database()) is not None:
        raise SystemExit(missing)


@asynccontextmanager
async def connected(settings: "Settings") -> "AsyncIterator[Database]":
    from app.db.database import connect

    assert settings.database_url is not None
    db = await connect(settings.database_url, readers=2, writers=4)
    try:
        yield db
    finally:
        await db.close()


def storage_of(settings: "Settings") -> "AssetStorage":
    """Where files are; SystemExit where ASSETS_URL names nothing that can be opened, before anything starts."""
    from app.domain.assets.storage import AssetStorage, NoStorage

    try:
        return AssetStorage(settings)
    except NoStorage as problem:
        raise SystemExit(str(problem)) from None
