"""Whose trouble a failure is: the database's (then the same work may pass later), or that of the work itself."""

import asyncpg

from app.db.outages import outage
from app.db.preparing import OUTDATED

# By the first characters of SQLSTATE, as PostgreSQL's appendix A lists them; an outage is known by `outages.py`.
_PASSING = (
    "25P02",  # the transaction had failed before this statement
    "26000",  # a prepared statement is gone, with the session behind a pooler
    "55006",  # in use
    "72000",  # the snapshot is too old
    "F0",  # its configuration
    "XX001", "XX002",  # what it keeps is damaged
)  # fmt: skip


def is_the_databases(problem: BaseException) -> bool:
    """Whether it is the database's trouble: away, slow, locked, full, read-only, or somebody cancelled the statement.

    It says nothing against the work that met it: that can be done later as it is.
    """
    if outage(problem) is not None:
        return True
    seen: BaseException | None = problem
    while seen is not None:
        if isinstance(seen, OUTDATED):
            return True
        if isinstance(seen, asyncpg.PostgresError) and (seen.sqlstate or "").startswith(_PASSING):
            return True
        seen = seen.__cause__
    return False


__all__ = ["is_the_databases"]
