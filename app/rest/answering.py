"""One request on a legacy route: who asks, with which variables, the document's answer, its shape.

The way to the data is `app.graph.running.entry.answer`, the same as for `/graphql`.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from starlette.datastructures import QueryParams, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.auth.credentials import Authenticator
from app.auth.principal import WRITERS, Principal
from app.auth.webhooks.deliveries import Deliveries
from app.errors import INTERNAL_MESSAGE, Failure, Forbidden, Invalid, NotFound, Unauthorized, Unavailable
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, answer, check_or_refuse, run
from app.graph.running.explaining import explain
from app.graph.running.idempotency import KeptAnswer, is_done_once, once, read_key
from app.graph.running.known_operations import KnownOperations
from app.graph.running.operations import Operation
from app.rest.bodies import check_address, close_files, read_body, read_kept_json
from app.rest.delivering import delivery_of, text_of, text_of_delivery
from app.rest.failing import (
    INTERNAL,
    METHOD_NOT_ALLOWED,
    OUR_FAULTS,
    PayloadErrors,
    Problem,
    problem_of,
    problems_of,
)
from app.rest.route import Facade, LegacyRoute, PassThrough, RequestParts
from app.serving.addresses import address_of
from app.serving.bodies import DELIVERIES, EVENTS, ClientGone, brings_form
from app.serving.exchange import Exchange, exchange_of
from app.serving.preferences import base_url, stale_ok
from app.serving.strangers import body_of_stranger
from app.values.json_text import write_json

log = logging.getLogger(__name__)
# Documents are shown as they were sent, so their numbers keep their digits.
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

JSON = "application/json"
# Answers belong to a credential, and X-API-KEY does not keep shared caches from storing them.
NO_STORE = {"Cache-Control": "no-store"}
NO_QUERY = QueryParams()
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
"""For routes open to trackers: pages of any origin may send, since no credential of theirs is used."""


class Path:
    """One path of a facade with all its methods, as an ASGI application."""

    def __init__(
        self,
        facade: Facade,
        path: str,
        routes: Sequence[LegacyRoute],
        services: Services,
        authenticator: Authenticator,
        deliveries: Deliveries,
    ) -> None:
        self.facade = facade
        self.path = path
        self.services = services
        self.authenticator = authenticator
        self.deliveries = deliveries
        self.known = KnownOperations()
        self.by_method = {route.method: route for route in routes}
        methods = {*self.by_method, "OPTIONS"} | ({"HEAD"} if "GET" in self.by_method else set())
        self.allow = ", ".join(sorted(methods))
        self.shown_to = ANY_ORIGIN if any(route.tracker for route in routes) else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and report whatever goes wrong in the facade's own words."""
        request = Request(scope, receive, send)
        exchange = exchange_of(scope)
        exchange.route = self.path
        exchange.address = address_of(scope)
        method = request.method
        route = self.by_method.get("GET" if method == "HEAD" else method)
        if method == "OPTIONS":
            response = Response(status_code=204, headers={"Allow": self.allow, **self.preflight()})
        elif route is None:
            message = f"{method:.20} is not possible here; use {self.allow.replace(', OPTIONS', '')}."
            refusal = problem_of(Invalid(message, code=METHOD_NOT_ALLOWED))
            response = failed(self.facade, [refusal], {"Allow": self.allow})
        else:
            response = await self.respond(route, request, exchange)
        if method == "HEAD":
            # The headers of the GET, including its Content-Length, and no body.
            response.body = b""
        if self.shown_to:
            response.headers.update(self.shown_to)
        await response(scope, receive, send)

    def preflight(self) -> dict[str, str]:
        """What a browser asks before it sends JSON to another origin."""
        if not self.shown_to:
            return {}
        methods = ", ".join(sorted(self.by_method))
        return {
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "86400",
        }

    async def respond(self, route: LegacyRoute, request: Request, exchange: Exchange) -> Response:
        """The route's answer, or the failure in its place."""
        try:
            return await self.run(route, request, exchange)
        except Failure as failure:
            return failed(self.facade, [problem_of(failure)])
        except ClientGone:
            raise
        except Exception:
            log.exception("request failed", extra={"request_id": exchange.request_id})
            return failed(self.facade, [Problem(INTERNAL, INTERNAL_MESSAGE)])

    async def run(self, route: LegacyRoute, request: Request, exchange: Exchange) -> Response:
        """Authenticate, read, and run or explain."""
        body, is_form, text = None, False, ""
        exchange.operation = route.name
        check_address(request.scope)
        context: Context | None = None
        if route.delivery:
            context, body = await self.enter_delivery(request, exchange)
        elif route.tracker:
            text = text_of(await body_of_stranger(request.scope, request.receive, EVENTS))
            body = read_kept_json(text)
        else:
            # Before the body is read: strangers get none of our memory for their megabytes.
            context = await self.enter(request, exchange)
            form_comes = route.takes is not None and route.takes.form and brings_form(exchange.headers)
            if form_comes and route.writes:
                context.principal.require(WRITERS)
            turn = exchange.enter(group=context.scope.group_id, form=form_comes)
            if turn is not None:
                await turn
            if route.takes is not None:
                body, is_form = await read_body(request.headers, request.receive, form=route.takes.form)
        handed_on = False
        try:
            parts = RequestParts(
                request.path_params,
                request.query_params if request.scope["query_string"] else NO_QUERY,
                request.headers,
                datetime.now(UTC) if context is None else context.now,
                body,
                is_form,
                base_url(request.scope["scheme"], exchange.headers.get(b"host")) + request.scope["path"],
                text,
            )
            if route.project is not None:
                context = await self.enter_project(
                    route.project(parts), context, request, exchange, parts.now, size=len(text)
                )
            assert context is not None, "an open route says whose it is"
            variables = route.variables(parts)
            operation = Operation(route.document, variables)
            if request.headers.get("x-explain") == "1":
                return explained(operation, context)
            key = request.headers.get("idempotency-key")
            if not route.writes:
                exchange.cancel_with_client()
            if key is None or not route.writes or route.tracker:
                if route.writes:
                    given = await answer(operation, context)
                else:
                    given = await self.read(route, operation, context)
                response = answered(self.facade, route, parts, given, context, exchange)
            else:
                key = read_key(key)
                handed_on = True
                response = await self.once(route, parts, operation, context, exchange, key)
            if context.left is not None:
                response.headers["RateLimit-Remaining"] = str(max(0, context.left.amount))
            return response
        finally:
            if is_form and not handed_on:
                await close_files(body)

    async def read(self, route: LegacyRoute, operation: Operation, context: Context) -> Answer:
        """What a document gives that writes nothing. It is checked anew unless it was called like that before."""
        key = route.name.encode() + b" " + write_json(operation.variables)
        known = self.known.get(key, context.scope)
        if known is not None:
            return await run(known, context)
        asked = check_or_refuse(operation, context)
        if isinstance(asked, Answer):
            return asked
        given = await run(asked, context)
        self.known.keep(key, asked, given)
        return given

    async def enter(self, request: Request, exchange: Exchange) -> Context:
        """The context of whoever asks. Raises Unauthorized or Forbidden."""
        now = datetime.now(UTC)
        principal = await self.identify(request, exchange, now)
        exchange.principal = principal.name
        if self.facade.roles is not None:
            principal.require(self.facade.roles)
        return self.context(principal, request, exchange, now)

    async def identify(
        self, request: Request, exchange: Exchange, now: datetime, *, may_fail: bool = False
    ) -> Principal:
        """Who asks, by the headers that this API documents."""
        shown = self.facade.credentials(request.headers)
        return await self.authenticator.authenticate(
            api_key=shown.api_key,
            beacon_key=shown.beacon_key,
            bearer=shown.bearer,
            group=request.headers.get("x-group-id"),
            now=now,
            address=exchange.address,
            may_fail=may_fail,
        )

    async def enter_delivery(self, request: Request, exchange: Exchange) -> tuple[Context, str]:
        """The context of the connection that a delivery comes through, and the body as text."""
        raw = await body_of_stranger(request.scope, request.receive, DELIVERIES)
        now = datetime.now(UTC)
        delivery = delivery_of(request, raw)
        principal = await self.deliveries.authenticate(delivery, now=now)
        exchange.principal = principal.name
        text = text_of_delivery(raw, is_form=delivery.is_form)
        return self.context(principal, request, exchange, now), text

    async def enter_project(
        self,
        slug: str,
        context: Context | None,
        request: Request,
        exchange: Exchange,
        now: datetime,
        *,
        size: int,
    ) -> Context:
        """The context of whoever asks, narrowed to this project; a tracker's where nobody has been identified."""
        if context is not None:
            context.principal = await self.services.projects.inside(context.principal, slug, now=now)
            return context
        known = await self.known_sender(slug, request, exchange, now)
        if known is not None:
            exchange.principal = known.name
            return self.context(known, request, exchange, now)
        principal = await self.services.projects.tracker(slug, now=now)
        exchange.principal = principal.name
        for project_id in principal.scope.project_ids or ():
            self.services.rates.check(project_id, group_id=principal.scope.group_id, size=size, now=now)
        return self.context(principal, request, exchange, now)

    async def known_sender(
        self, slug: str, request: Request, exchange: Exchange, now: datetime
    ) -> Principal | None:
        """Who sends to an open route with a credential that may write in this project; None: it counts as a stranger.

        The route needs none, so one that does not hold takes no event away.
        """
        try:
            principal = await self.identify(request, exchange, now, may_fail=True)
            principal = await self.services.projects.inside(principal, slug, now=now)
        except (Unauthorized, Forbidden, NotFound):
            return None
        return principal if principal.may(WRITERS) else None

    def context(self, principal: Principal, request: Request, exchange: Exchange, now: datetime) -> Context:
        """What this request's document runs with."""
        return Context(
            services=self.services,
            principal=principal,
            request_id=exchange.request_id,
            base_url=base_url(request.scope["scheme"], exchange.headers.get(b"host")),
            now=now,
            stale_ok=stale_ok(exchange.headers.get(b"prefer")),
            address=exchange.address,
        )

    async def once(
        self,
        route: LegacyRoute,
        parts: RequestParts,
        operation: Operation,
        context: Context,
        exchange: Exchange,
        key: str,
    ) -> Response:
        """Run at most once per key; a repeat gets the kept answer. Closes the body's files."""
        started = False
        response: Response | None = None
        asked = check_or_refuse(operation, context)

        async def work() -> KeptAnswer:
            nonlocal started, response
            started = True
            try:
                assert not isinstance(asked, Answer)
                given = await run(asked, context)
                response = answered(self.facade, route, parts, given, context, exchange)
            finally:
                await close_files(parts.body)
            return KeptAnswer(response.status_code, bytes(response.body), keep=response.status_code < 400)

        try:
            if isinstance(asked, Answer):
                return answered(self.facade, route, parts, asked, context, exchange)
            if not is_done_once(asked, context):
                given = await run(asked, context)
                return answered(self.facade, route, parts, given, context, exchange)
            kept = await once(asked, context, key=key, run=work)
        finally:
            # When the client leaves, the work goes on and still reads the files.
            if not started:
                await close_files(parts.body)
        if response is not None and not kept.replayed:
            return response
        headers = {**NO_STORE, **({"Idempotent-Replayed": "true"} if kept.replayed else {})}
        return Response(kept.body, kept.status, headers, media_type=JSON)


def answered(
    facade: Facade,
    route: LegacyRoute,
    parts: RequestParts,
    given: Answer,
    context: Context,
    exchange: Exchange,
) -> Response:
    """What the document answered, in the route's shape."""
    exchange.execution = given.execution
    if given.errors or given.data is None:
        if given.execution == "refused" and any(_code(error) in OUR_FAULTS for error in given.errors):
            log.error("a stored document was refused", extra=_about(context, route, given.errors[0]))
        if given.retry_after_s is not None:
            message = str(given.errors[0]["message"])
            problem = Problem(
                Unavailable.code,
                message,
                str(_code(given.errors[0]) or ""),
                retry_after_s=given.retry_after_s,
            )
            return failed(facade, [problem])
        return failed(facade, problems_of(given.errors) or [Problem(INTERNAL, INTERNAL_MESSAGE)])
    common = {**NO_STORE, "Preference-Applied": "stale-ok"} if context.is_stale else NO_STORE
    if isinstance(route.shape, PassThrough):
        return Response(route.shape.wrap(given.data), route.status, common, media_type=JSON)
    data = _DECODER.decode(given.data)
    try:
        body = write_json(route.shape(data, parts))
    except Failure as failure:
        return failed(facade, [problem_of(failure)])
    except PayloadErrors as refused:
        return failed(facade, refused.problems)
    return Response(body, route.status, {**common, **route.headers(data, parts)}, media_type=JSON)


def explained(operation: Operation, context: Context) -> Response:
    """What would run, instead of running it: document and variables for whoever may call the route, the SQL for who may
    see plans.
    """
    explanation = explain(operation, context)
    body = {
        "document": operation.query,
        "variables": _shown(operation.variables),
        "execution": explanation.execution,
        "reason": explanation.reason or None,
        "cost": explanation.cost,
        "work": explanation.work,
        "sql": (explanation.sql or None) if context.may_see_plans else None,
    }
    return Response(write_json(body), headers=NO_STORE, media_type=JSON)


def failed(facade: Facade, problems: Sequence[Problem], headers: Mapping[str, str] | None = None) -> Response:
    """The facade's refusal; the first problem decides the status."""
    status = facade.failures.status_of(problems[0])
    more = {**NO_STORE, **(headers or {})}
    if status == 503 or problems[0].retry_after_s is not None:
        more["Retry-After"] = str(problems[0].retry_after_s or 1)
    if status == 401:
        more["WWW-Authenticate"] = f'{facade.challenge} realm="{facade.title}"'
    body = write_json(facade.failures.body(status, problems))
    return Response(body, status, more, media_type=JSON)


def _code(error: Mapping[str, Any]) -> object:
    return (error.get("extensions") or {}).get("code")


def _about(context: Context, route: LegacyRoute, error: Mapping[str, Any]) -> dict[str, str]:
    return {"request_id": context.request_id, "operation": route.name, "error": str(error.get("message"))}


def _shown(value: object) -> object:
    """Variables as JSON can show them: an upload as its name, type and size."""
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    if isinstance(value, UploadFile):
        return {"name": value.filename, "contentType": value.content_type, "size": value.size}
    return value
