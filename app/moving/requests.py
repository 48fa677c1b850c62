"""What is asked of a host, and what it answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from urllib.parse import parse_qsl, quote, urlencode


@dataclass(frozen=True, slots=True)
class Request:
    """A documented call that reads. `path` begins with a slash and has its query with it, as it is sent."""

    system: str
    route: str
    """The route it belongs to, as `GET /campaigns/{campaign_id}`."""
    method: str
    path: str
    body: str | None = None
    """JSON, for a search by POST."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers that choose what is shown, such as `X-BEACON-KEY`; never credentials."""
    pass_number: int = 0
    """How many times before this walk asked the same: a list that drifted is read once more."""

    @property
    def key(self) -> bytes:
        """Tells requests apart; the same in every process."""
        parts = [self.method, self.path, self.body or "", json.dumps(sorted(self.headers.items()))]
        if self.pass_number:
            parts.append(str(self.pass_number))
        return blake2b("\n".join(parts).encode(), digest_size=16).digest()

    def with_query(self, **more: str) -> "Request":
        """With these parameters set."""
        head, _, query = self.path.partition("?")
        asked = [
            (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in more
        ]
        return replace(self, path=f"{head}?{urlencode([*asked, *more.items()], quote_via=quote)}")

    def __str__(self) -> str:
        shown = [f"{self.method} {self.path}"]
        shown += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            shown.append(self.body)
        return " ".join(shown)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as it came."""

    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes
    at: datetime

    def json(self) -> object:
        """The decoded body; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None
