"""What a printed statement is bound to: the scope, the clock, and what else the request brings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from app.values.scope import Scope


@dataclass(frozen=True, slots=True)
class NewsWindow:
    """Which rows are news at one moment."""

    by_move: bool
    """Whether they are told when they are settled, not when they are written."""
    oldest: int
    """No transaction before this one has written any."""
    since: str
    """The snapshot that had been seen."""
    until: str | None
    """The snapshot to stop at; None: the statement's own."""
    last_at: datetime
    last_id: UUID
    """Of the rows between the two only those behind this one."""
    is_past: bool = False
    """Instead of news: the last rows of the snapshot `until`."""


class LinkParts(Protocol):
    """What a statement makes signed links of."""

    @property
    def base_url(self) -> str: ...
    @property
    def group_id(self) -> int: ...
    @property
    def expires(self) -> int: ...
    @property
    def inner(self) -> bytes: ...
    @property
    def outer(self) -> bytes: ...


def _no_links() -> LinkParts:
    raise LookupError("this request signs no links")


class RequestFacts(NamedTuple):
    """What a request knows besides its scope."""

    caller: str = ""
    """The credential's name, as the log says it."""
    roles: Sequence[str] = ()
    links: Callable[[], LinkParts] = _no_links
    """Called only where a link is selected: signing costs."""
    news: NewsWindow | None = None
    """Set while news are asked for."""
    written: int | UUID | list[int] | None = None
    """The ids of the rows a mutation wrote, while its payload is printed."""
    max_bytes: int = 32 * 1024 * 1024
    """How large the answer may be."""


NO_FACTS = RequestFacts()


class Bindings(NamedTuple):
    """The values of one request."""

    scope: Scope
    now: datetime
    args: Sequence[dict[str, Any]] = ()
    """Coerced arguments of the fields that use variables, by slot."""
    facts: RequestFacts = NO_FACTS
