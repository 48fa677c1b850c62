"""`POST /oauth2/token` and `POST /oauth2/revoke`: the HTTP around `app/auth/oauth.py`.

Whoever comes here is a stranger: the body is a few kB, and of another type it is not read at all.
"""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.auth.oauth import NO_STORE, TokenAnswer, give_token_back, issue_token
from app.auth.refusals import Refusals
from app.auth.tokens import Tokens
from app.db.database import Database
from app.errors import TooLarge
from app.serving.addresses import address_of
from app.serving.bodies import TOKENS
from app.serving.exchange import exchange_of
from app.serving.strangers import body_of_stranger

FORM = "application/x-www-form-urlencoded"
LOOKUPS = 4
"""How many clients are looked up at once: a flood of wrong ones leaves connections for the rest."""


class TokenEndpoint:
    """RFC 6749, client credentials, and RFC 7009."""

    def __init__(self, db: Database, tokens: Tokens, refusals: Refusals) -> None:
        self._refusals = refusals
        self._db = db
        self._tokens = tokens
        self._turns = asyncio.Semaphore(LOOKUPS)

    async def answer(self, request: Request) -> Response:
        """A token, or the error RFC 6749 gives it."""
        asked = await _read(request)
        if isinstance(asked, Response):
            return asked
        async with self._turns:
            given = await issue_token(self._db, self._tokens, **asked._asdict())
        return self._answered(request, given, now=asked.now)

    async def revoke(self, request: Request) -> Response:
        """A token is ended; nothing is said, or the error that RFC 7009 gives it."""
        asked = await _read(request)
        if isinstance(asked, Response):
            return asked
        address = address_of(request.scope)
        async with self._turns:
            given = await give_token_back(self._db, self._tokens, address=address, **asked._asdict())
        return self._answered(request, given, now=asked.now)

    def _answered(self, request: Request, given: TokenAnswer, *, now: datetime) -> Response:
        slowed = self._slowed(request, given, now=now)
        if slowed is not None or given.body:
            return slowed or JSONResponse(given.body, given.status, given.headers)
        return Response(status_code=given.status, headers=given.headers)

    def _slowed(self, request: Request, given: TokenAnswer, *, now: datetime) -> Response | None:
        """What is said in place of a refusal where there were many. Right credentials get their tokens all the same."""
        if given.status != 401:
            return None
        address = address_of(request.scope)
        wait_s = self._refusals.wait_s(address, now=now)
        self._refusals.count(address, now=now)
        if not wait_s:
            return None
        answer = {
            "error": "invalid_client",
            "error_description": "Too many clients from your address were refused. Please try again shortly.",
        }
        return JSONResponse(answer, 429, {**NO_STORE, "Retry-After": str(wait_s)})


class _Asked(NamedTuple):
    """What the client sent, and when."""

    fields: list[tuple[str, str]]
    authorization: str | None
    now: datetime


async def _read(request: Request) -> _Asked | Response:
    """The form, or why there is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        exchange_of(request.scope).closes = True  # Nobody waits for the rest of it.
        return _refused(f"send the parameters as {FORM}")
    try:
        body = await body_of_stranger(request.scope, request.receive, TOKENS)
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except TooLarge as failure:
        return _refused(failure.message, status=413)
    except ValueError:
        # Its text may quote what was sent, perhaps a secret; ours does not.
        return _refused("the form cannot be read")
    return _Asked(fields, request.headers.get("authorization"), datetime.now(UTC))


def _refused(reason: str, *, status: int = 400) -> Response:
    answer = {"error": "invalid_request", "error_description": reason}
    return JSONResponse(answer, status, NO_STORE)
