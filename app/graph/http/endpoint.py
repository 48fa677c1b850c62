"""`/graphql` over HTTP: who asks, what they ask, and the answer in the form they want.

A plain ASGI application that touches no more of a request than it needs: this is the hot path.

Cross-site requests: the gateway uses no cookies, and every credential is a header that a foreign page can
neither read nor make a browser send. So a GET needs no further proof, and neither does a JSON POST, which
browsers send across origins only after a preflight. A form is sent without one; therefore it needs a header
of its own.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeGuard

import msgspec
from graphql import OperationType
from starlette.types import Receive, Scope, Send

from app.auth.credentials import name_of_headers
from app.auth.principal import WRITERS, Principal
from app.auth.refusals import TOO_MANY_REFUSALS
from app.errors import INTERNAL_MESSAGE, Failure, Invalid, Unavailable
from app.graph.http.data_sets import DataSets
from app.graph.http.ide import page_response
from app.graph.http.negotiation import DATA_SETS, Form, negotiate
from app.graph.http.requests import (
    NO_FILES,
    PREFLIGHT_REQUIRED,
    close_files,
    read_get,
    read_post,
)
from app.graph.live.streams import HEADERS as STREAM_HEADERS
from app.graph.live.streams import EventStreams, events_of
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, check_aside_or_refuse, run
from app.graph.running.idempotency import read_key, run_once
from app.graph.running.known_operations import KnownOperations, remember
from app.graph.running.operations import read_json_body
from app.graph.running.spending import BUDGET_EXCEEDED
from app.serving.addresses import address_of
from app.serving.bodies import METHOD_NOT_ALLOWED, PAGES, UNSUPPORTED_MEDIA_TYPE, brings_form, read_body
from app.serving.door import Refusal
from app.serving.exchange import WHOLE, Again, Exchange, exchange_of
from app.serving.preferences import STALE, base_url, stale_ok

if TYPE_CHECKING:
    from app.auth.credentials import Authenticator

NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
INTERNAL = "INTERNAL"

STATUSES = {
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "INVALID": 400,
    "CONFLICT": 409,
    "TOO_LARGE": 413,
    "UNAVAILABLE": 503,
    TOO_MANY_REFUSALS: 429,
    METHOD_NOT_ALLOWED: 405,
    NOT_ACCEPTABLE: 406,
    UNSUPPORTED_MEDIA_TYPE: 415,
    PREFLIGHT_REQUIRED: 403,
    BUDGET_EXCEEDED: 429,
    INTERNAL: 500,
}
"""By the precise code, else by the code of its class; all other codes are a 400."""

_CONTENT_TYPE = {
    form: (b"content-type", f"{form.value}; charset=utf-8".encode()) for form in (Form.JSON, Form.RESPONSE)
}
# Answers belong to a credential, and X-API-KEY does not keep shared caches from storing them.
_NO_STORE = (b"cache-control", b"no-store")


class GraphQLOverHttp:
    """The ASGI application at `/graphql` for HTTP."""

    def __init__(self, services: Services, authenticator: "Authenticator", streams: EventStreams) -> None:
        self.services = services
        self.authenticator = authenticator
        self.streams = streams
        self.data_sets = DataSets(streams.watches)
        self.known = KnownOperations()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = exchange_of(scope)
        exchange.route = "/graphql"
        exchange.address = address_of(scope)
        form = _form(exchange.headers.get(b"accept"), page=scope["method"] == "GET")
        if form is Form.PAGE:
            exchange.knock(PAGES)
            answered: Refusal | None = page_response(scope, exchange, self.services.settings)
        else:
            try:
                answered = await self._run(scope, receive, send, exchange, form)
            except Failure as failure:
                answered = refusal(failure, form)
        if answered is None:
            return
        status, headers, body = answered
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _run(
        self, scope: Scope, receive: Receive, send: Send, exchange: Exchange, form: Form | None
    ) -> Refusal | None:
        """The answer; None where it has been sent already, bit by bit."""
        method = scope["method"]
        if method != "POST" and method != "GET":
            raise Invalid(f"{method:.20} is not possible here: use POST, or GET.", code=METHOD_NOT_ALLOWED)
        if form is None:
            raise Invalid(
                f"Answers come as {Form.RESPONSE.value}, {Form.JSON.value} or {Form.STREAM.value}, and data"
                f" sets as {Form.JSON_LINES.value} or {Form.CSV.value}: accept one of them.",
                code=NOT_ACCEPTABLE,
            )
        headers = exchange.headers
        # Before the body is read: strangers get none of our memory for their megabytes.
        now = datetime.now(UTC)
        principal = self.authenticator.recall(headers, now=now, address=exchange.address)
        if principal is None:
            principal = await self.authenticator.by_headers(headers, now=now, address=exchange.address)
        exchange.principal = principal.name
        form_comes = method == "POST" and brings_form(headers)
        if form_comes:
            # Files are for mutations: whoever may write nothing need not send them.
            principal.require(WRITERS)
        turn = exchange.enter(group=principal.scope.group_id, form=form_comes)
        if turn is not None:
            await turn
        context = Context(
            self.services,
            principal,
            exchange.request_id,
            base_url(scope["scheme"], headers.get(b"host")),
            now,
            stale_ok(headers.get(b"prefer")),
            address=exchange.address,
        )
        body, files, known = b"", NO_FILES, None
        if method == "GET":
            operation = read_get(scope["query_string"])
        elif headers.get(b"content-type") == b"application/json":
            body = await read_body(receive)
            known = self.known.get(body, context.scope)
            operation = read_json_body(body) if known is None else known.operation
        else:
            operation, files = await read_post(
                headers, receive, max_import=self.services.settings.import_max_bytes
            )
        if operation.name:
            exchange.operation = operation.name[:64]
        if operation.read_only or "mutation" not in operation.query:
            exchange.cancel_with_client()
        key, replayed = headers.get(b"idempotency-key"), False
        if form in DATA_SETS:
            await close_files(files)
            exchange.cancel_with_client()
            instead = await self.data_sets.answer(operation, context, exchange, form, send)
            return None if instead is None else self._refused(instead)
        try:
            live = form is Form.STREAM and not files  # No subscription takes files.
            asked = known or await check_aside_or_refuse(operation, context, live=live)
            if live and _is_subscription(asked, principal):
                await self.streams.answer(asked, context, exchange, send)
                return None
            once = None if key is None else read_key(key.decode("latin-1"))
            if isinstance(asked, Answer):
                given = asked
            elif once is None:
                given = await run(asked, context)
            else:
                given, replayed = await run_once(asked, context, key=once)
        finally:
            if files:
                await close_files(files)
        exchange.execution = given.execution
        if form is Form.STREAM:
            # Errors in an operation are sent in the stream as well: a browser shows nothing else of the answer.
            return 200, list(STREAM_HEADERS), events_of(given.body)
        more: list[tuple[bytes, bytes]] = []
        if context.left is not None:
            more.append((b"ratelimit-remaining", b"%d" % max(0, context.left.amount)))
            if operation.extensions.get("budget"):
                told = msgspec.json.encode({"budget": {"left": context.left.amount}})
                given = replace(given, body=given.body[:-1] + b',"extensions":' + told + b"}")
        length = (b"content-length", b"%d" % len(given.body))
        if given.execution == "planned":
            if known is not None:
                if WHOLE in scope and not more:
                    exchange.again = self._again(known, context, name_of_headers(headers))
            elif body and isinstance(asked, CheckedOperation):
                self.known.keep(body, asked, given)
            if context.is_stale:
                more.append(STALE)
            return 200, [_CONTENT_TYPE[form], length, _NO_STORE, *more], given.body
        status, further = _status_of(given, form)
        more += further
        if replayed:
            more.append((b"idempotent-replayed", b"true"))
        return status, [_CONTENT_TYPE[form], length, _NO_STORE, *more], given.body

    def _refused(self, given: Answer) -> Refusal:
        """What is sent instead of a data set."""
        status, headers = _status_of(given, Form.RESPONSE)
        if status == 200:
            # Whoever saves what comes shall not take the reason for the rows.
            status = STATUSES.get(str(given.errors[0].get("extensions", {}).get("code", "")), 400)
        length = (b"content-length", b"%d" % len(given.body))
        return status, [_CONTENT_TYPE[Form.RESPONSE], length, _NO_STORE, *headers], given.body

    def _again(self, checked: CheckedOperation, asked: Context, name: bytes) -> Again:
        """How to answer a planned query again, for whoever still proves to own that credential."""
        base, stale, called = asked.base_url, asked.stale_ok, (checked.operation.name or "")[:64]
        remembered, shape, was_stale = remember(checked), checked.scope_shape, asked.is_stale

        async def again(exchange: Exchange) -> bytes | None:
            now = datetime.now(UTC)
            principal = self.authenticator.recall_by(name, now=now)
            if principal is None or principal.scope.shape != shape:
                return None
            known = remembered.recall()
            if known is None:
                return None
            exchange.principal = principal.name
            exchange.operation = called
            exchange.cancel_with_client()
            context = Context(self.services, principal, exchange.request_id, base, now, stale)
            given = await run(known, context)
            exchange.execution = given.execution
            # The head of its answer is known: where somebody else answered it has to be written anew.
            same = given.execution == "planned" and context.is_stale == was_stale
            return given.body if same else None

        return again


def _is_subscription(asked: CheckedOperation | Answer, principal: Principal) -> TypeGuard[CheckedOperation]:
    """Whether it is one that can run."""
    return (
        isinstance(asked, CheckedOperation)
        and asked.kind is OperationType.SUBSCRIPTION
        and not asked.faults
        and not asked.forbidden(principal)
    )


@lru_cache(256)
def _form(accept: bytes | None, *, page: bool) -> Form | None:
    return negotiate(None if accept is None else accept.decode("latin-1"), page=page)


def refusal(failure: Failure | None, form: Form | None = Form.JSON) -> Refusal:
    """A failure in GraphQL's form: status, headers, body. None is a fault of ours."""
    code = INTERNAL if failure is None else failure.reason
    status = STATUSES.get(code) or STATUSES.get(failure.code if failure else INTERNAL, 400)
    error = {
        "message": failure.message if failure else INTERNAL_MESSAGE,
        "extensions": {"code": code},
    }
    body = msgspec.json.encode({"errors": [error]})
    headers = [
        _CONTENT_TYPE.get(form or Form.JSON, _CONTENT_TYPE[Form.JSON]),
        (b"content-length", b"%d" % len(body)),
        _NO_STORE,
    ]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="campaign-gateway"'))
    elif status == 405:
        headers.append((b"allow", b"GET, POST"))
    elif isinstance(failure, Unavailable):
        headers.append((b"retry-after", b"%d" % failure.retry_after_s))
    return status, headers, body


def _status_of(given: Answer, form: Form) -> tuple[int, list[tuple[bytes, bytes]]]:
    """200 unless the operation was refused before it ran.

    Then plain JSON keeps to 200, which is what its clients know, and the GraphQL media type says 4xx; a
    mutation by GET is a 405 and a busy or failed gateway a 5xx in both.
    """
    if given.retry_after_s is not None:
        code = str(given.errors[0].get("extensions", {}).get("code", "")) if given.errors else ""
        status = 429 if code == BUDGET_EXCEEDED else 503
        return status, [(b"retry-after", b"%d" % given.retry_after_s)]
    if given.data is not None or not given.errors:
        return 200, []
    code = str(given.errors[0].get("extensions", {}).get("code", ""))
    status = STATUSES.get(code, 400)
    if status == 405:
        return 405, [(b"allow", b"POST")]
    if status == 503:
        return 503, [(b"retry-after", b"1")]
    if status < 500 and (form is Form.JSON or status == 404):
        return (200 if form is Form.JSON else 400), []
    return status, []
