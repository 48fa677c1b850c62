"""The ways a request can fail, in our words. Each surface translates them at its own door.

Failure
 ├─ Unauthorized      no credential, or one that does not hold
 ├─ Forbidden         a good credential that may not do this
 ├─ NotFound          no such thing in this scope (a foreign id looks exactly the same)
 ├─ Invalid           an argument is wrong; the message says what would be right
 ├─ Conflict          it clashes with what is stored
 ├─ TooLarge          a body, file or document over its bound
 └─ Unavailable       try again later (`retry_after_s`)
"""

from collections.abc import Sequence
from typing import ClassVar

OUR_FAULT = "Something went wrong on our side"
"""All that a client is told of a fault of ours; what it was stays in the log."""
INTERNAL_MESSAGE = f"{OUR_FAULT}. The request id helps us to find out what."
BUSY = "The gateway is busy. Please try again shortly."
"""What is said to those for whom there is no place just now."""
MAX_TOLD = 100
"""How many failures of one call are reported."""


class Failure(Exception):
    """A request that cannot be answered as asked. `path` leads to the offending input, outermost first."""

    code: ClassVar[str] = "FAILURE"

    def __init__(self, message: str, *, path: Sequence[str | int] = (), code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = list(path)
        self.reason = code or self.code
        """The precise code, e.g. `END_BEFORE_START`; `code` of the class where nothing is more precise."""


class Unauthorized(Failure):
    code = "UNAUTHORIZED"

    def __init__(self, message: str = "Unauthorized") -> None:
        super().__init__(message)


class Forbidden(Failure):
    code = "FORBIDDEN"


class NotFound(Failure):
    code = "NOT_FOUND"

    def __init__(
        self, kind: str, ident: object = None, *, path: Sequence[str | int] = (), more: str = ""
    ) -> None:
        shown = "" if ident is None else f" {ident!s:.80}"
        super().__init__(f"There is no {kind}{shown} here{more}.", path=path)
        self.kind = kind


class Invalid(Failure):
    code = "INVALID"


class Several(Invalid):
    """More than one thing is wrong with a call. Its own message, path and code are those of the first."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        first = failures[0]
        super().__init__(first.message, path=first.path, code=first.reason)
        self.failures = list(failures)


class Conflict(Failure):
    code = "CONFLICT"


class TooLarge(Failure):
    code = "TOO_LARGE"


class AnswerTooLarge(TooLarge):
    """What was asked for is more than an answer may hold."""

    def __init__(self) -> None:
        super().__init__(
            "The answer is larger than this server sends (MAX_ANSWER_BYTES). Ask for fewer rows (`first`), and page"
            " through them with `after`; or for fewer fields, above all those that hold whole documents."
        )


class Unavailable(Failure):
    code = "UNAVAILABLE"

    def __init__(self, message: str, *, retry_after_s: int = 1, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s
