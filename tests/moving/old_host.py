"""An old host that is no gateway: it serves the Marketing & CRM API from a list, and misbehaves as it is told."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

BASE = "/api/v1/marketing"
Said = tuple[int, dict[str, str], bytes]


@dataclass
class OldHost(httpx.AsyncBaseTransport):
    """Campaigns `camp_1` … `camp_n`, newest first; other lists are empty."""

    campaigns: list[dict[str, Any]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    """How often each path was asked."""
    largest_page: int = 100
    total: Callable[[list[dict[str, Any]]], int] | None = len
    """What the host says of how many there are; None: it says nothing."""
    before: Callable[[int, str], Said | None] = lambda count, path: None
    """Is called with the number of requests so far; what it returns is the answer."""

    @classmethod
    def of(cls, count: int, **more: Any) -> "OldHost":
        """A host with so many campaigns."""
        return cls(
            [{"id": f"camp_{n}", "name": f"C {n}", "updated_at": "1"} for n in range(count, 0, -1)], **more
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        status, headers, body = self.answer(request.url.raw_path.decode())
        return httpx.Response(status, headers=headers, content=body)

    def answer(self, path: str) -> Said:
        """Status, headers and body."""
        self.asked[path] += 1
        said = self.before(self.asked.total(), path)
        return said or self.printed(path)

    def printed(self, path: str) -> Said:
        """What is printed when nothing is amiss."""
        url = httpx.URL(path)
        place = url.path.removeprefix(BASE)
        if place == "/campaigns":
            page, limit = int(url.params.get("page", 1)), int(url.params.get("limit", 20))
            size = min(limit, self.largest_page)
            rows = self.campaigns[(page - 1) * size : page * size]
            headers = {} if self.total is None else {"X-Total-Count": str(self.total(self.campaigns))}
            return 200, headers, json.dumps({"data": rows}, indent=2).encode()
        if found := re.fullmatch(r"/campaigns/(\w+)", place):
            row = next((one for one in self.campaigns if one["id"] == found[1]), None)
            if row is None:
                return 404, {}, b'{"error": {"code": "campaign_not_found"}}'
            return (
                200,
                {},
                json.dumps({**row, "content": {"price": 12.50}}).encode().replace(b"12.5", b"12.50"),
            )
        if place == "/webhooks":
            return 200, {}, b'{"providers": []}'
        if place == "/funnels":
            return 200, {}, json.dumps({"funnel_type": url.params["funnel_type"], "stages": []}).encode()
        return 200, {}, b'{"data": []}'
