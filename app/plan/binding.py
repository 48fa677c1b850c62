"""What a printed statement is bound to: the scope, the clock, and the request's coerced arguments."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.values.scope import Scope


@dataclass(frozen=True, slots=True)
class Bindings:
    """The values of one request."""

    scope: Scope
    now: datetime
    args: Sequence[dict[str, Any]] = ()
    """Coerced arguments of the fields that use variables, by slot."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the request knows beside its scope: the caller's name, its roles, links to sign."""
