"""Pages of the lists: `page` and `limit` in, `X-Total-Count` and `Link` out.

A page number is a place in the list as it is now: rows added in front move the others back. The addresses in `Link`
carry a cursor too, so clients that follow them see every row once, whatever is added or deleted meanwhile.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.errors import Invalid
from app.plan.checking import MAX_OFFSET
from app.rest.route import RequestParts
from app.values.ids import read_whole

LIMIT = 20
MAX_LIMIT = 100
WHOLE = 100
"""The default for lists that are documented without pages."""
OURS = ("page", "limit", "after", "before")


def page_variables(parts: RequestParts, *, limit: int = LIMIT) -> dict[str, Any]:
    """Which rows: counted from the start, or from a cursor of `Link`."""
    page, size = page_and_limit(parts, limit)
    after, before = parts.query.get("after"), parts.query.get("before")
    if after:
        return {"first": size, "after": after}
    if before:
        return {"last": size, "before": before}
    offset = (page - 1) * size
    if offset > MAX_OFFSET:
        raise Invalid(
            f"`page` reaches {MAX_OFFSET} rows; go further by the addresses in the header Link.",
            path=["page"],
        )
    return {"first": size, "offset": offset}


def page_headers(connection: Mapping[str, Any], parts: RequestParts, *, limit: int = LIMIT) -> dict[str, str]:
    """How many rows there are in all, and where the other pages are (RFC 8288)."""
    page, size = page_and_limit(parts, limit)
    total = int(connection["totalCount"])
    last = max(1, -(-total // size))
    pages: dict[str, tuple[int, dict[str, str | None]]] = {"first": (1, {}), "last": (last, {})}
    if page > 1:
        pages["prev"] = (min(page - 1, last), {"before": connection["pageInfo"]["startCursor"]})
    if page < last:
        pages["next"] = (page + 1, {"after": connection["pageInfo"]["endCursor"]})
    links = [f'<{_address(parts, number, size, more)}>; rel="{rel}"' for rel, (number, more) in pages.items()]
    return {"X-Total-Count": str(total), "Link": ", ".join(links)}


def page_and_limit(parts: RequestParts, limit: int) -> tuple[int, int]:
    """Which page, and how many rows it has; more than `MAX_LIMIT` counts as `MAX_LIMIT`."""
    return _count(parts, "page", 1), min(_count(parts, "limit", limit), MAX_LIMIT)


def _count(parts: RequestParts, name: str, default: int) -> int:
    text = parts.query.get(name) or ""
    if not text.strip():
        return default
    value = read_whole(text.strip())
    if value is None:
        raise Invalid(f"`{name}` must be a whole number from 1 on, not {text[:40]!r}.", path=[name])
    return value


def _address(parts: RequestParts, page: int, size: int, more: Mapping[str, str | None]) -> str:
    asked = [(name, value) for name, value in parts.query.multi_items() if name not in OURS]
    asked += [("page", str(page)), ("limit", str(size))]
    asked += [(name, value) for name, value in more.items() if value]
    return f"{parts.address}?{urlencode(asked)}"
