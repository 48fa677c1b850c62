"""What several bodies of the Webmarketer API have in common: dates and objects, also in the forms PHP gives them.

The vendor's client is written in PHP, which sends a date as an object and an empty object as `[]`.
"""

from collections.abc import Mapping
from typing import Any

from app.errors import Invalid
from app.rest.fields import Fields
from app.values.instants import read_moment, show_given
from app.values.json_text import kind_of


def moment(sent: Fields, name: str) -> str | None:
    """A date-time, as the graph prints it; a day alone as it is.

    A blank one counts as not sent: "leave it blank if not relevant".
    """
    value = sent.values.get(name)
    try:
        return None if value in (None, "") else show_given(read_moment(value))
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None


def needed_moment(sent: Fields, name: str) -> str:
    """The same, where there must be one."""
    return sent.needed(name, moment(sent, name), '"2023-08-01T22:00:00.000Z"')


def object_in(body: Mapping[str, Any], name: str, *, required: bool = False) -> dict[str, Any] | None:
    """An object, as it is; PHP writes an empty one as a list."""
    value = body.get(name)
    if value == []:
        return {}
    if isinstance(value, dict) or (value is None and not required):
        return value
    shown = "" if value is None else f", not {kind_of(value)}"
    raise Invalid(f"`{name}` must be an object{shown}.", path=[name])


NAMES = {
    "startsAt": "startDate",
    "endsAt": "endDate",
    "slug": "campaignSlug",
    "tracking.slug": "campaignSlug",
    "details": "metadata",
    "phoneParsing": "phoneParsingConfig",
    "occurredAt": "date",
}
"""Fields of the graph's inputs in this API's words, where they differ."""
