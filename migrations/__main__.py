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

    from app.db.migrating import config, newest
    from app.serving.running import bring_up_to_date, database
    from app.settings import read_settings
    from app.tables.all import metadata

    with database(read_settings()) as settings:
        asyncio.run(bring_up_to_date(settings))
        url = settings.database_migrate_url or settings.database_url
        assert url is not None
        command.revision(
            config(url, declared=metadata),
            message=sys.argv[1],
            rev_id=f"{int(newest()) + 1:04}",
            autogenerate=True,
        )


main()
