"""Which form of answer a client wants on `/graphql`."""

import functools
from enum import Enum


class Form(Enum):
    """The forms we can answer in, by media type."""

    JSON = "application/json"
    """Every well-formed request is answered 200, as clients from before the specification expect."""
    RESPONSE = "application/graphql-response+json"
    """A request that was refused before it ran is answered 4xx."""
    STREAM = "text/event-stream"
    """Server-sent events: one result after the other."""
    JSON_LINES = "application/jsonl"
    """The rows of a connection, all of them, a JSON object a line."""
    NDJSON = "application/x-ndjson"
    """The same under its other name."""
    CSV = "text/csv"
    """The same as a sheet."""
    PAGE = "text/html"
    """GraphiQL, for a browser's GET."""


DATA_SETS = (Form.JSON_LINES, Form.NDJSON, Form.CSV)
"""Forms that hold every row there is, not one answer."""
_OTHERS = {form.value: form for form in (Form.RESPONSE, Form.STREAM, *DATA_SETS)}


@functools.lru_cache(maxsize=256)
def negotiate(accept: str | None, *, page: bool) -> Form | None:
    """The acceptable form the client likes best (of equals the first named); None is a 406.

    Without the header, or with `*/*`, that is plain JSON. `page` says whether GraphiQL is available.
    """
    if not accept:
        return Form.JSON
    best, best_weight = None, 0.0
    for part in accept[:1000].split(","):
        media_type, _, parameters = part.partition(";")
        weight = _weight(parameters)
        form = _form(media_type.strip().lower(), page=page)
        if form is not None and weight > best_weight:
            best, best_weight = form, weight
    return best


def _form(media_type: str, *, page: bool) -> Form | None:
    if media_type in ("*/*", "application/*", Form.JSON.value):
        return Form.JSON
    if media_type in _OTHERS:
        return _OTHERS[media_type]
    return Form.PAGE if page and media_type == Form.PAGE.value else None


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
        if name.lower() == "charset" and value.strip('" ').lower() not in ("utf-8", "utf8"):
            return 0.0
    return 1.0
