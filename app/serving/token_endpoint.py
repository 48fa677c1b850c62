"""`POST /oauth2/token`: the HTTP around `app/auth/oauth.py`."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.auth.oauth import NO_STORE, issue_token
from app.auth.tokens import Tokens
from app.db.database import Database
from app.serving.bodies import read_body

FORM = "application/x-www-form-urlencoded"


class TokenEndpoint:
    """RFC 6749, client credentials."""

    def __init__(self, db: Database, tokens: Tokens) -> None:
        self._db = db
        self._tokens = tokens

    async def answer(self, request: Request) -> Response:
        """A token, or the error RFC 6749 gives it."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await read_body(request.receive)
        try:
            if kind != FORM:
                raise ValueError(f"send the parameters as {FORM}")
            fields = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50
            )
        except ValueError as error:
            # Its text may quote what was sent, perhaps a secret; ours does not.
            reason = str(error) if kind != FORM else "the form cannot be read"
            answer = {"error": "invalid_request", "error_description": reason}
            return JSONResponse(answer, 400, NO_STORE)
        given = await issue_token(
            self._db,
            self._tokens,
            fields=fields,
            authorization=request.headers.get("authorization"),
            now=datetime.now(UTC),
        )
        return JSONResponse(given.body, given.status, given.headers)
