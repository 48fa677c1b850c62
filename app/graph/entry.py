"""The one way in for every operation: `/graphql` and the legacy routes both end here."""

from dataclasses import dataclass, field
from typing import Any

from app.graph.context import Context


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL request, before anything was looked at."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    extensions: dict[str, Any] = field(default_factory=dict)
    read_only: bool = False
    """A GET: mutations are refused."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    body: bytes
    """The whole response: `{"data": …, "errors": […]}`."""
    data: bytes | None
    """The JSON text of `data` alone; None where the request was refused before it ran."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    """`{message, path, locations, extensions {code}}`, masked."""
    execution: str = "planned"
    """`planned`, `resolved`, `rerun` (planned, failed, then resolved) or `refused`."""


async def answer(operation: Operation, context: Context) -> Answer:
    """Check, plan, run."""
    raise NotImplementedError(operation, context)
