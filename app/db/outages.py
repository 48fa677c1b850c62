"""What the database says when it is slow, gone or overloaded, in our words."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.errors import Unavailable

_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    OSError,
    # The server has said goodbye, and the connection's end has not come yet.
    asyncpg.InternalClientError,
)


def outage(error: BaseException) -> Unavailable | None:
    """The failure behind a driver's error; None where it is an error of ours."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, asyncpg.QueryCanceledError):
            return Unavailable("The query took too long. Ask for less, or narrow it down.")
        if isinstance(seen, _GONE) or _is_closed(seen):
            return Unavailable("The database cannot be reached just now.")
        if isinstance(seen, NoConnection):
            return Unavailable("All connections to the database are in use. Please try again shortly.")
        seen = seen.orig if isinstance(seen, DBAPIError) and seen.orig is not None else seen.__cause__
    return None


def _is_closed(error: BaseException) -> bool:
    """Whether it was asked of a connection that has ended.

    ROLLBACK on such a connection fails as well, and is what is heard of in place of the failure that ended it. The
    driver says it by the class of its own misuse, so the words tell.
    """
    return isinstance(error, asyncpg.InterfaceError) and "connection is closed" in str(error)
