"""A path finds its route, and a parameter never hides a literal."""

from typing import Any

import pytest
from starlette.routing import Match, Route

from app.rest.finding import ByHead


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Stands at every route."""


ROUTES = ByHead(
    [
        Route(path, nothing)
        for path in (
            "/a/{rest:path}",
            "/a",
            "/a/things/{id}",
            "/a/things",
            "/a/things/{id}/parts",
            "/a/things/new",
            "/a/{kind}/all",
            "/b/{x}/{y}",
        )
    ]
)


@pytest.mark.parametrize(
    ("path", "route", "params"),
    [
        ("/a", "/a", {}),
        ("/a/things", "/a/things", {}),
        ("/a/things/7", "/a/things/{id}", {"id": "7"}),
        ("/a/things/new", "/a/things/new", {}),
        ("/a/things/7/parts", "/a/things/{id}/parts", {"id": "7"}),
        ("/a/things/7/other", "/a/{rest:path}", {"rest": "things/7/other"}),
        ("/a/", "/a/{rest:path}", {"rest": ""}),
        ("/b/1/2", "/b/{x}/{y}", {"x": "1", "y": "2"}),
    ],
)
def test_a_path_finds_the_most_literal_of_its_routes(path: str, route: str, params: dict[str, str]) -> None:
    match, found = ROUTES.matches({"type": "http", "path": path, "method": "GET"})
    assert match is Match.FULL
    assert (found["route"].path, found["path_params"]) == (route, params)


@pytest.mark.parametrize("path", ["", "/", "//", "/c", "/b/1", "/b/1/2/3", "a", "things"])
def test_other_paths_find_none(path: str) -> None:
    assert ROUTES.matches({"type": "http", "path": path, "method": "GET"}) == (Match.NONE, {})


def test_a_websocket_finds_none() -> None:
    assert ROUTES.matches({"type": "websocket", "path": "/a"}) == (Match.NONE, {})
