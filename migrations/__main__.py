"""`python -m migrations "what changes"`: a draft of the next revision, from how tables and database differ.

Alembic sees tables, columns, indexes, uniques and foreign keys. CHECKs, policies and grants are written by hand.
"""

import asyncio
import sys
import warnings


def main() -> None:
    """Bring the database to the newest revision, then write down what the tables have beside it."""
    if len(sys.argv) != 2:
        raise SystemExit('Say what changes: python -m migrations "outlays have a note"')
    # The embedded server's package says this on import wherever nobody is logged in; it has its fallback.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from alembic import command

    from app.db.migrating import config, create_database, migrate, newest
    from app.serving.running import database
    from app.settings import read_settings
    from app.tables.all import metadata

    async def _made_newest(url: str) -> None:
        await create_database(url)
        await migrate(url)

    with database(read_settings()) as settings:
        url = settings.database_migrate_url or settings.database_url
        assert url is not None
        # Not by the way that serves: that one refuses a database which lacks what the tables declare.
        asyncio.run(_made_newest(url))
        command.revision(
            config(url, declared=metadata),
            message=sys.argv[1],
            rev_id=f"{int(newest()) + 1:04}",
            autogenerate=True,
        )


main()
