"""Which documented route a method and path are of, at any of the addresses where it is mounted."""

import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import unquote

from app.moving.walks.steps import NAME, Step, Walk


def step_of(walk: Walk, method: str, path: str) -> tuple[Step, Mapping[str, str]] | None:
    """The first step of this route and what the path names; `path` has no query."""
    for base in walk.bases:
        for step in walk.steps:
            if step.method == method and (found := _pattern(base + step.path).fullmatch(path)):
                return step, {name: unquote(value) for name, value in found.groupdict().items()}
    return None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    text, end = "", 0
    for found in NAME.finditer(path):
        text += f"{re.escape(path[end : found.start()])}(?P<{found[1]}>[^/]+)"
        end = found.end()
    return re.compile(f"{text}{re.escape(path[end:])}/?")
