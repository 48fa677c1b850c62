"""Paths and queries of the Webmarketer API, read one by one. An empty query value counts as not sent.

Ids are 24 hexadecimal digits: what cannot be an id is not found, like an unknown id.
"""

import re
from datetime import timedelta
from typing import Any

from app.errors import Invalid, NotFound
from app.plan.checking import MAX_FIRST, MAX_OFFSET
from app.rest.failing import MALFORMED_BODY
from app.rest.route import RequestParts
from app.values.ids import read_uuid
from app.values.instants import DayAlone, read_instant, show_given, show_instant
from app.values.json_text import kind_of
from app.values.systems import WEBMARKETER

LIMIT = 50
"""How many rows a page has unless the request says. The document names no number."""
_PROJECT = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def project(parts: RequestParts) -> str:
    """The project of the path."""
    return _slug(parts.path["projectId"])


def project_of_body(parts: RequestParts) -> str:
    """The project an event is sent to."""
    if not isinstance(parts.body, dict):
        raise Invalid(f"The body must be a JSON object, not {kind_of(parts.body)}.", code=MALFORMED_BODY)
    value = parts.body.get("projectId")
    if not isinstance(value, str):
        raise Invalid("`projectId` is required: the project's id, a text.", path=["projectId"])
    return _slug(value)


def object_id(text: str, kind: str) -> str:
    """24 hexadecimal digits → `webmarketer:…`."""
    if _OBJECT_ID.fullmatch(text) is None:
        raise NotFound(kind, text)
    return f"{WEBMARKETER}:{text.lower()}"


def event_id(parts: RequestParts) -> str:
    """The event of the path: our UUID, or the id it had before it was brought here."""
    text = parts.path["id"]
    if read_uuid("event", f"event_{text}") is not None:
        return f"event_{text}"
    return object_id(text, "event")


def page(parts: RequestParts) -> dict[str, Any]:
    """Which rows of a list. A `limit` too large is refused: clients that count pages by it would skip rows."""
    return {"first": count(parts, "limit", LIMIT, MAX_FIRST), "offset": count(parts, "offset", 0, MAX_OFFSET)}


def count(parts: RequestParts, name: str, default: int, most: int) -> int:
    """A whole number from 0 on."""
    text = _text(parts, name)
    if text is None:
        return default
    value = int(text) if _COUNT.fullmatch(text) else most + 1
    if value > most:
        raise Invalid(f"`{name}` must be a whole number from 0 to {most}, not {text[:40]!r}.", path=[name])
    return value


def flag(parts: RequestParts, name: str) -> bool | None:
    """`true`, `false`, or as PHP writes them: `1`, `0`."""
    text = _text(parts, name)
    if text is None:
        return None
    if text.lower() not in _FLAGS:
        raise Invalid(f"`{name}` must be true or false, not {text[:40]!r}.", path=[name])
    return _FLAGS[text.lower()]


def text(parts: RequestParts, name: str) -> str | None:
    """A text as it is."""
    return parts.query.get(name) or None


def instant(parts: RequestParts, name: str) -> str | None:
    """A date-time, as the graph prints it; a day alone as it is."""
    text = _text(parts, name)
    try:
        # A plus sign that was not escaped arrives as a space.
        return None if text is None else show_given(read_instant(_UNESCAPED.sub(r"+\1", text)))
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None


def until(parts: RequestParts) -> str | None:
    """The end of a period, inclusive."""
    return whole_millisecond(instant(parts, "until"))


def whole_millisecond(text: str | None) -> str | None:
    """The last microsecond of a moment printed to the millisecond, so that periods meet without a gap.

    A day alone stays one: to the graph it is all of that day.
    """
    if text is None:
        return None
    value = read_instant(text)
    if isinstance(value, DayAlone):
        return text
    return text if value.microsecond % 1000 else show_instant(value + timedelta(microseconds=999))


_UNESCAPED = re.compile(r" (\d\d:?\d\d)$", re.ASCII)


def choice(parts: RequestParts, name: str, known: dict[str, str]) -> str | None:
    """One of these values, in the graph's words."""
    text = _text(parts, name)
    return None if text is None else chosen(text, name, known)


def chosen(value: str, name: str, known: dict[str, str]) -> str:
    """What the graph calls this value; Invalid names the values there are."""
    if value not in known:
        raise Invalid(f"`{name}` must be one of {', '.join(known)}, not {value[:40]!r}.", path=[name])
    return known[value]


def order(parts: RequestParts, fields: dict[str, str]) -> list[dict[str, str]] | None:
    """`sort=name&order=DESC`."""
    field = choice(parts, "sort", fields)
    direction = choice(parts, "order", {"ASC": "ASC", "DESC": "DESC", "asc": "ASC", "desc": "DESC"})
    return None if field is None else [{"field": field, "direction": direction or "ASC"}]


def orders(parts: RequestParts, fields: dict[str, str]) -> list[dict[str, str]] | None:
    """`sort=name,-createdAt`."""
    names = [one.strip() for one in (_text(parts, "sort") or "").split(",") if one.strip()]
    return [
        {
            "field": chosen(name.removeprefix("-"), "sort", fields),
            "direction": "DESC" if name.startswith("-") else "ASC",
        }
        for name in names
    ] or None


def present(**values: Any) -> dict[str, Any]:
    """The object, without what was not sent."""
    return {name: value for name, value in values.items() if value is not None}


def _slug(text: str) -> str:
    if not (3 <= len(text) <= 64 and _PROJECT.fullmatch(text)):
        raise Invalid(
            f"`projectId` must be 3 to 64 small letters, digits and single hyphens between them, not {text[:70]!r}.",
            path=["projectId"],
        )
    return text


def _text(parts: RequestParts, name: str) -> str | None:
    return (parts.query.get(name) or "").strip() or None
