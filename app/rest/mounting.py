"""The legacy surfaces, their OpenAPI document and their page, as Starlette routes for `main.py`."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from app.auth.credentials import Authenticator
from app.auth.webhooks.deliveries import Deliveries
from app.auth.webhooks.sealing import SecretBox
from app.errors import NotFound
from app.graph.running.context import Services
from app.rest import docs, openapi
from app.rest.answering import JSON, Path, failed
from app.rest.facades import FACADES
from app.rest.failing import Problem, problem_of
from app.rest.finding import ByHead
from app.rest.route import Facade, LegacyRoute
from app.serving.bodies import PAGES
from app.serving.exchange import exchange_of
from app.values.json_text import write_json


def routes(services: Services, authenticator: Authenticator) -> list[BaseRoute]:
    """All routes, and the facades' 404s."""
    page = docs.page(FACADES)
    mounted: list[Route] = [
        Route("/openapi.json", _constant(write_json(openapi.document(FACADES)), JSON), name="openapi"),
        Route("/docs", _constant(page.encode(), "text/html", policy=docs.policy(page)), name="docs"),
    ]
    deliveries = Deliveries(SecretBox(services.settings.secret_key), services.db)
    for facade in FACADES:
        by_path: dict[str, list[LegacyRoute]] = defaultdict(list)
        for route in facade.routes:
            by_path[route.path].append(route)
        for path, own in by_path.items():
            app = Path(facade, path, own, services, authenticator, deliveries)
            mounted.append(Route(path, app, name=f"{facade.name}:{path}"))
    for prefix, owner in _prefixes():
        nowhere = Nowhere(owner)
        mounted.append(Route(prefix, nowhere, name=f"{prefix}:404"))
        mounted.append(Route(prefix + "/{rest:path}", nowhere, name=f"{prefix}:404s"))
    return [ByHead(mounted)]


def tracker_paths() -> frozenset[str]:
    """Paths that pages of any origin may send to."""
    return frozenset(route.path for facade in FACADES for route in facade.routes if route.tracker)


def refusal(path: str, problem: Problem) -> Response | None:
    """What the outermost door answers for a legacy path, in its facade's words; None for any other path."""
    for prefix, owner in _prefixes():
        if path == prefix or path.startswith(prefix + "/"):
            return failed(owner, [problem])
    return None


class Nowhere:
    """A path below a facade's prefix that is no route."""

    def __init__(self, facade: Facade) -> None:
        self.facade = facade

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """404, as this facade says it."""
        exchange_of(scope).knock(PAGES)
        response = failed(self.facade, [problem_of(NotFound("route", scope["path"]))])
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)


def _prefixes() -> list[tuple[str, Facade]]:
    """The longest first: one facade's prefix may begin with another's."""
    pairs = [(prefix, facade) for facade in FACADES for prefix in facade.prefixes]
    return sorted(pairs, key=lambda pair: len(pair[0]), reverse=True)


def _constant(body: bytes, media_type: str, *, policy: str = "") -> Callable[[Request], Awaitable[Response]]:
    headers = {"Cache-Control": "no-cache"} | ({"Content-Security-Policy": policy} if policy else {})

    async def endpoint(request: Request) -> Response:
        exchange_of(request.scope).knock(PAGES)
        return Response(body, media_type=media_type, headers=headers)

    return endpoint
