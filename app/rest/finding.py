"""Finds the route of a path in as many steps as the path has segments, however many routes there are."""

from collections import defaultdict
from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

Found = tuple[Match, Scope]


class ByHead(BaseRoute):
    """Routes by what comes before their first parameter; where several match, the longest comes first.

    Starlette's router tries its routes one after the other, each with a regular expression.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_head: dict[str, list[Route]] = defaultdict(list)
        for route in routes:
            # `/campaigns/{id}` is tried for paths below `/campaigns`.
            literal, _, parameters = route.path.partition("{")
            self._by_head[literal.rpartition("/")[0] if parameters else literal].append(route)

    def matches(self, scope: Scope) -> Found:
        """The route of this path, if one of ours."""
        if scope["type"] == "http":
            head: str = scope["path"]
            while head:
                for route in self._by_head.get(head, ()):
                    match, found = route.matches(scope)
                    if match is Match.FULL:
                        return match, {**found, "route": route}
                head = head.rpartition("/")[0]
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on to the route that was found."""
        await scope["route"].handle(scope, receive, send)
