"""How the walk over an API is declared: which routes there are, and where the ids that they need are printed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

NAME = re.compile(r"\{(\w+)(?::(\w+))?\}")
"""`{event}`, or `{event:id}` where the document calls this part of the path `id`."""
RUN_NAMES = frozenset({"today", "tomorrow", "month_ago", "year_ago", "since_last_run"})
"""Names that the run itself fills in: days, as `2026-11-30`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How a list is read to its end. The end is a page that brings nothing new; a total only tells of progress."""

    by: Literal["page", "offset"]
    size: int
    limit: str = "limit"
    """The parameter that asks for pages of `size`."""
    bare_first: bool = False
    """Whether the first page is asked for without parameters, as documented; only further ones name a place."""
    echo: str = ""
    """Where the answer repeats the limit. A page shorter than that, with the total reached, is then the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A documented call that reads. Names in braces are filled with what earlier answers printed.

    A step is taken once for each combination of values that its names take.
    """

    path: str
    """Below the API's base path."""
    method: Literal["GET", "POST"] = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: str | None = None
    """Where in the answer its rows are, with dots between keys; empty: it is a list. None: the answer is one row."""
    key: str = "id"
    """What tells rows of a page apart."""
    gives: Mapping[str, str] = field(default_factory=dict)
    """Names, and where in a row their values are."""
    pages: Pages | None = None
    compared_only: bool = False
    """Whether pulling leaves it out, since another step prints all of it."""
    most: int | None = None
    """For how many combinations of values it is taken, at most."""
    never_changes: bool = False
    """What was pulled once is not asked for again."""
    stamp: tuple[str, str] | None = None
    """Where the row it was found in and where its own answer print the moment of the last change; the same moment on
    both sides says that it need not be asked for again."""

    files: str = ""
    """Where the answer lists files, each with `id`, `url` and perhaps `size`."""

    unless_below: str = ""
    """Pulling leaves it out where this name is known: the list that told it printed the same."""

    @property
    def needs(self) -> frozenset[str]:
        """The names that must be known before it can be asked."""
        texts = [self.path, *self.query.values(), *self.headers.values(), *_texts(self.body)]
        return frozenset(found[1] for text in texts for found in NAME.finditer(text)) - RUN_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """All of an API that can be read."""

    system: str
    bases: tuple[str, ...]
    """Where its routes are mounted. The first one names them; all are understood in recorded requests."""
    steps: tuple[Step, ...]
    key_header: str = ""
    """The header a credential is sent in; a bearer token where this is empty."""

    at: str | None = None
    """At which of them the host is asked; the first, unless said."""

    @property
    def base(self) -> str:
        """Where the host is asked."""
        return self.bases[0] if self.at is None else self.at

    def route(self, step: Step, *, base: str | None = None) -> str:
        """As the route table calls it: `GET /api/campaigns/{id}`; at the first base path unless said."""
        path = NAME.sub(lambda found: f"{{{found[2] or found[1]}}}", step.path)
        return f"{step.method} {self.bases[0] if base is None else base}{path}"


def value_at(value: object, path: str) -> object:
    """What is there, by keys with dots between; None where there is nothing."""
    for key in path.split(".") if path else ():
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def values_at(value: object, path: str) -> list[object]:
    """The same, where `[]` after a key goes into each entry of a list."""
    found = [value]
    for key in path.split(".") if path else ():
        name = key.removesuffix("[]")
        found = [one.get(name) for one in found if isinstance(one, dict)]
        if key.endswith("[]"):
            found = [entry for one in found if isinstance(one, list) for entry in one]
    return found


def filled(template: str, names: Mapping[str, str]) -> str:
    """The text with its names replaced."""
    return NAME.sub(lambda found: names.get(found[1], found[0]), template)


def filled_in(template: object, names: Mapping[str, str]) -> object:
    """The same for all texts inside a JSON value."""
    if isinstance(template, str):
        return filled(template, names)
    if isinstance(template, Mapping):
        return {key: filled_in(value, names) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled_in(value, names) for value in template]
    return template


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return []
