"""What the driver's errors mean, as failures of ours: the database is slow, gone, full or overloaded, or a text cannot
be stored.

Two tables decide: `_BY_STATE` for what the server says (SQLSTATE), and `_GONE` for what the driver and the network do.
What is in neither is about the statement: a fault of ours, or a constraint (`constraints.py`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

import asyncpg

from app.errors import Failure, Invalid, Unavailable

_AWAY = "The database cannot be reached just now."
_READ_ONLY = "The database can only be read just now."
_FULL = "The database has no room or no resources left just now."
_BUSY = "Somebody else is changing the same just now. Please try again."
_SLOW = "The query took too long. Ask for less, or narrow it down."


class Away(Unavailable):
    """The database gave no connection, or ended one, or does not answer."""

    def __init__(self, message: str = _AWAY, *, code: str | None = None) -> None:
        super().__init__(message, code=code)


class ReadOnly(Away):
    """It can be read only: a primary that became a replica, or was made so."""

    def __init__(self) -> None:
        super().__init__(_READ_ONLY)


class Unknown(Away):
    """COMMIT was sent, and its answer was lost: it is done, or it is not."""

    def __init__(self) -> None:
        super().__init__(
            "The connection to the database broke at the last moment: whether this was done is not known. Look before"
            " you send it again; with an Idempotency-Key it can be sent again as it is.",
            code="OUTCOME_UNKNOWN",
        )


class Full(Unavailable):
    """It has no room on its disk, no memory, or cannot read or write its files."""

    def __init__(self) -> None:
        super().__init__(_FULL, retry_after_s=5)


class Busy(Unavailable):
    """A lock was not to be had, or two transactions stood in each other's way: the same again may do."""

    def __init__(self) -> None:
        super().__init__(_BUSY)


class TookTooLong(Unavailable):
    """A statement ran into its time limit, or a request as a whole."""

    def __init__(self, message: str = _SLOW) -> None:
        super().__init__(message)


# By the whole SQLSTATE, else by its class.
_BY_STATE: dict[str, Callable[[], Unavailable]] = {
    "08": Away,  # connection exceptions
    "25006": ReadOnly,  # read_only_sql_transaction
    "25P03": Away,  # idle_in_transaction_session_timeout: it has ended the session
    "25P04": TookTooLong,  # transaction_timeout
    "40": Busy,  # serialization failures, deadlocks, conflicts with a replica's recovery
    "53": Full,  # disk full, out of memory, a limit of the configuration
    "53300": Away,  # too_many_connections
    "55P03": Busy,  # lock_not_available
    "57": Away,  # it stops, has crashed, or is not up yet; idle_session_timeout; its database was dropped
    "57014": TookTooLong,  # query_canceled: statement_timeout
    "58": Full,  # system errors: input and output, files that are not there
}

_GONE = (
    OSError,
    # The server has announced its end, and the connection has not been closed yet.
    asyncpg.InternalClientError,
)


def outage(error: BaseException) -> Unavailable | None:
    """The failure behind a driver's error; None where the error is our own."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Unavailable):
            return seen
        if isinstance(seen, asyncpg.PostgresError):
            state = seen.sqlstate or ""
            kind = _BY_STATE.get(state) or _BY_STATE.get(state[:2])
            if kind is not None:
                return kind()
        elif isinstance(seen, asyncpg.OutdatedSchemaCacheError):
            return None
        elif isinstance(seen, _GONE) or _is_closed(seen):
            return Away()
        seen = seen.__cause__
    return None


def doubts(error: BaseException) -> bool:
    """Whether this, in place of COMMIT's answer, leaves open what became of it."""
    if isinstance(error, asyncpg.PostgresError):
        # Its last words, or ours about a connection that was lost; any other error undid the transaction.
        return (error.sqlstate or "")[:2] in ("08", "57")
    return isinstance(error, OSError)


def unfit(error: BaseException) -> Invalid | None:
    """The failure behind a text that PostgreSQL cannot hold. Each way in refuses NUL and halves of characters before
    that (`values/texts.py`, `values/json_text.py`, `graph/documents/limits.py`); this is for what they overlook."""
    if isinstance(error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return Invalid("A text holds the character NUL (U+0000), which cannot be stored.")
    if isinstance(error, asyncpg.DataError) and isinstance(error.__cause__, UnicodeEncodeError):
        return Invalid("A text holds half of a surrogate pair, which is not a character.")
    return None


class _Told:
    """Without anything of its own, and so the same for all: a generator would cost as much as the rest of a look-up."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        if problem is None or isinstance(problem, Failure) or not isinstance(problem, Exception):
            return
        failure = outage(problem) or unfit(problem)
        if failure is not None:
            raise failure from problem


_TOLD = _Told()


def told() -> AbstractContextManager[None]:
    """Raises the driver's errors as failures of ours where they are. All ways to the database go through here."""
    return _TOLD


def _is_closed(error: BaseException) -> bool:
    """Whether the error is that the connection has ended.

    ROLLBACK on such a connection fails as well, and that error hides the one that ended it. The driver raises its
    class for misuse, and the event loop has no class for it, so we have to go by the message.
    """
    if isinstance(error, asyncpg.InterfaceError):
        return "connection is closed" in str(error)
    return isinstance(error, RuntimeError) and "the handler is closed" in str(error)


__all__ = ["Away", "Busy", "Full", "ReadOnly", "TookTooLong", "Unknown", "doubts", "outage", "told"]
