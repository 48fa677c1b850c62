"""Puts the gateway together: the only file that knows every part."""

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.credentials import Authenticator
from app.db.database import connect
from app.db.migrating import newest
from app.db.pulse import Pulse
from app.db.replica import Replica
from app.domain.assets.storage import AssetStorage
from app.errors import INTERNAL_MESSAGE, Failure, NotFound
from app.graph.http import endpoint as graphql_http
from app.graph.http.endpoint import GraphQLOverHttp
from app.graph.http.ide import STATIC_PATH, static_files
from app.graph.live.sockets import GraphQLOverSockets
from app.graph.live.streams import EventStreams
from app.graph.live.subscriptions import Subscriptions
from app.graph.live.watching import Watches
from app.graph.running.context import Services
from app.importing.checking import check_import
from app.importing.queued import Imports
from app.rest.failing import INTERNAL, Problem, problem_of
from app.rest.mounting import refusal as legacy_refusal
from app.rest.mounting import routes as legacy_routes
from app.rest.mounting import tracker_paths
from app.serving import metrics
from app.serving.asset_links import AssetLinks
from app.serving.bodies import PAGES
from app.serving.door import Door, Refusal
from app.serving.exchange import exchange_of
from app.serving.import_links import ImportLinks
from app.serving.journal import Journal, set_up_logging
from app.serving.readiness import Readiness, check_roles
from app.serving.stopping import STOPPING
from app.serving.token_endpoint import TokenEndpoint
from app.settings import Settings, read_settings
from app.values.shares import OURS, WORKER
from app.worker.loop import Worker
from app.worker.pipeline import Pipeline

OUR_HEADERS = (
    "Authorization", "X-API-KEY", "X-BEACON-KEY", "X-Group-Id", "X-Explain", "X-Request-Id", "Prefer",
    "Idempotency-Key", "GraphQL-Require-Preflight", "X-Requested-With", "Apollo-Require-Preflight",
)  # fmt: skip
SHOWN_HEADERS = (
    "X-Request-Id", "Retry-After", "Preference-Applied", "X-Total-Count", "Link", "Idempotent-Replayed", "Location",
    "RateLimit-Remaining",
)  # fmt: skip
CLOSES_WITHIN_S = 2.0
"""How long each part may take to close."""
JOBS_END_WITHIN_S = 6.0
"""How long the job at hand may take when the gateway stops."""
GARBAGE_AFTER = 10_000
"""New objects between two collections of the youngest generation: what a hundred requests make, not seven."""

SWITCH_AFTER_S = 0.0001
"""How long requests wait for a thread that checks somebody's large document."""

log = logging.getLogger(__name__)


def create() -> ASGIApp:
    """For servers that want a factory: the app as the environment sets it up, with logging."""
    set_up_logging()
    STOPPING.watch_signals()
    STOPPING.watch_parent()
    return build_app(read_settings())


def build_app(settings: Settings, *, journal: Journal | None = None) -> ASGIApp:
    """The whole gateway as an ASGI application; the lifespan opens and closes what it needs."""
    app: ASGIApp | None = None

    def gateway(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return live(receive, send)
        assert app is not None, "the server must run the lifespan first"
        return app(scope, receive, send)

    async def live(receive: Receive, send: Send) -> None:
        nonlocal app
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            try:
                app = await stack.enter_async_context(running(settings, journal=journal or Journal()))
            except Exception as problem:
                log.exception("the gateway cannot start")
                await send({"type": "lifespan.startup.failed", "message": str(problem)})
                return
            # What start-up made is kept for good: the collector would only walk it again and again, 60 ms each time.
            gc.collect()
            gc.freeze()
            gc.set_threshold(GARBAGE_AFTER)
            sys.setswitchinterval(SWITCH_AFTER_S)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return gateway


@contextlib.asynccontextmanager
async def running(settings: Settings, *, journal: Journal) -> AsyncIterator[ASGIApp]:
    """Everything opened; closed in reverse when the server has answered its last request."""
    assert settings.database_url, "serve finds or starts a database before it builds the app"
    async with contextlib.AsyncExitStack() as stack:
        db = await connect(
            settings.database_url,
            read_url=settings.database_read_url,
            guarded=settings.read_rls,
            statement_timeout_ms=settings.statement_timeout_ms,
            replica_max_lag_ms=settings.replica_max_lag_ms,
        )
        stack.push_async_callback(_within, db.close, CLOSES_WITHIN_S)
        db.pulses[0].on_look = _tell_of_database
        if db.replica is not None:
            db.replica.on_look = _tell_of_replica
            await db.replica.look()
        await check_roles(db)
        services = Services(settings, db, AssetStorage(settings), check_import)
        if settings.worker_inline:
            working = db.at_cost_of(WORKER)
            pipeline = Pipeline(working, gives_way=services.events.is_pressed)
            services.events.on_accepted = pipeline.hint
            imports = Imports(
                working, services.assets, settings, others_are_about=services.turns.others_are_about
            )
            worker = Worker(working, assets=services.assets)
            await stack.enter_async_context(_working(worker, pipeline, imports))
        stack.push_async_callback(_within, services.close, CLOSES_WITHIN_S)
        stack.callback(journal.flush)
        authenticator = Authenticator(settings, db.at_cost_of(OURS))
        stack.push_async_callback(authenticator.close)
        subscriptions, watches = Subscriptions(), Watches(authenticator)
        stack.push_async_callback(_within, subscriptions.close, CLOSES_WITHIN_S)
        stack.push_async_callback(watches.close)
        app = _mounted(services, authenticator, subscriptions, watches)
        if settings.cors_origins:
            app = _for_origins(app, settings.cors_origins)
        door = Door(
            app,
            journal=journal,
            refuse=refuse,
            max_in_flight=settings.max_in_flight,
            max_strangers=settings.max_strangers,
            trusted_proxies=settings.trusted_proxies,
        )
        yield door


def refuse(path: str, failure: Failure | None) -> Refusal:
    """A failure that no surface answered, worded as the surface it belongs to would."""
    if path.startswith("/graphql"):
        return graphql_http.refusal(failure)
    problem = problem_of(failure) if failure else Problem(INTERNAL, INTERNAL_MESSAGE)
    response = legacy_refusal(path, problem)
    if response is None:
        status = graphql_http.refusal(failure)[0]
        response = JSONResponse({"message": problem.message}, status)
        if problem.retry_after_s is not None:
            response.headers["Retry-After"] = str(problem.retry_after_s)
    return response.status_code, response.raw_headers, bytes(response.body)


def _mounted(
    services: Services, authenticator: Authenticator, subscriptions: Subscriptions, watches: Watches
) -> ASGIApp:
    graphql = GraphQLOverHttp(services, authenticator, EventStreams(subscriptions, watches))
    sockets = GraphQLOverSockets(services, authenticator, subscriptions, watches)
    readiness = Readiness(
        services.db,
        revision=newest(),
        metrics_token=services.settings.metrics_token,
        development=services.settings.development,
    )
    tokens = TokenEndpoint(services.db, authenticator.tokens, authenticator.refusals)
    routes: list[BaseRoute] = [
        # First, since one look-up finds theirs; the other routes are tried one after the other.
        *legacy_routes(services, authenticator),
        Route("/", _home),
        Route("/healthz", readiness.alive),
        Route("/readyz", readiness.ready),
        Route("/metrics", readiness.metrics),
        Route("/oauth2/token", tokens.answer, methods=["POST"]),
        Route("/oauth2/revoke", tokens.revoke, methods=["POST"]),
        Route("/assets/{id}", AssetLinks(services.db, services.assets).answer),
        Route("/imports/{id}/{part}", ImportLinks(services.db, services.assets).answer),
        Mount(STATIC_PATH, static_files()),
    ]
    router = Router(routes, default=_nowhere, redirect_slashes=False)

    def by_path(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Tried before the router: nine requests in ten go there.
        if scope["path"] == "/graphql":
            return (graphql if scope["type"] == "http" else sockets)(scope, receive, send)
        return router(scope, receive, send)

    return by_path


def _for_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Pages of these origins may read answers. Events come from pages of any origin; their routes say so themselves."""
    guarded = CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=OUR_HEADERS,
        expose_headers=SHOWN_HEADERS,
    )
    of_trackers = tracker_paths()

    def by_path(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        to = app if scope["type"] == "http" and scope["path"] in of_trackers else guarded
        return to(scope, receive, send)

    return by_path


async def _home(request: Request) -> Response:
    exchange_of(request.scope).knock(PAGES)
    return RedirectResponse("/docs")


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 4404, "reason": "There is no such route."})
        return
    exchange_of(scope).knock(PAGES)
    raise NotFound("route", scope["path"])


@contextlib.asynccontextmanager
async def _working(*workers: Worker | Pipeline | Imports) -> AsyncIterator[None]:
    """Workers beside the surfaces. At shutdown they finish the job at hand, or it is undone."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
    for task in tasks:
        task.add_done_callback(partial(_tell, log))
    try:
        yield
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=JOBS_END_WITHIN_S)
        for task in late:
            log.warning("background work takes too long to stop, and is cancelled")
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)


async def _within(close: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Close something, or leave it when that hangs, as it may with a database that does."""
    try:
        async with asyncio.timeout(seconds):
            await close()
    except TimeoutError:
        log.warning("%s takes too long and is left", getattr(close, "__qualname__", "closing"))


def _tell_of_database(pulse: Pulse) -> None:
    metrics.database_seen(*pulse.connections, is_away=pulse.is_away)


def _tell_of_replica(replica: Replica) -> None:
    metrics.replica_seen(lag_s=replica.lag_s, is_asked=not replica.reason)


def _tell(to: logging.Logger, task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        to.error("the worker ended", exc_info=problem)
