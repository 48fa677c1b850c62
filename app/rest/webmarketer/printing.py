"""What the bodies of the Webmarketer API have in common: ids, dates, pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.rest.route import RequestParts
from app.rest.webmarketer import parameters
from app.values.instants import read_instant

Node = Mapping[str, Any]


def moment(text: str | None) -> str | None:
    """Milliseconds, always: `2024-04-16T20:37:02.000Z`."""
    if text is None:
        return None
    value = read_instant(text)
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z".rjust(24, "0")


def page(parts: RequestParts, total: int, rows: Sequence[object], *keys: str) -> dict[str, Any]:
    """A page with these keys in this order, and what the vendor's client needs to go on (choice WM-C7)."""
    asked = parameters.page(parts)
    body: dict[str, Any] = {"count": len(rows), "total": total, "data": rows}
    return {**{key: body[key] for key in keys}, "offset": asked["offset"], "limit": asked["first"]}


def show_event_id(ident: str) -> str:
    """`event_<uuid>` → the UUID."""
    return ident.removeprefix("event_")


def show_id_of(node: Node) -> str:
    """A row's id as this API shows it."""
    return str(node["id"]["webmarketer"])
