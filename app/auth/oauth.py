"""The token endpoint's rules: client credentials in, bearer token out (RFC 6749, sections 2.3.1, 4.4 and 5), and a
token that is given back (RFC 7009).

Criteo's SDK posts its form here; it reads `access_token`, `expires_in`, `token_type` and `refresh_token`.
"""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from app.auth.clients import ClientRecord, prove_client
from app.auth.principal import Role
from app.auth.revoking import end_token
from app.auth.tokens import LIFE_S, Tokens
from app.db.auditing import Actor, record
from app.db.database import Database
from app.errors import Invalid
from app.values.scope import Scope

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="campaign-gateway", charset="UTF-8"'}


class TokenAnswer(NamedTuple):
    """What to send back, as JSON; an empty body is sent as nothing at all."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


class Refusal(Exception):
    """An error answer of RFC 6749, section 5.2; stays inside this module."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.answer = TokenAnswer(
            status,
            {"error": error, "error_description": description},
            {**NO_STORE, **(CHALLENGE if status == 401 else {})},
        )


async def issue_token(
    db: Database,
    tokens: Tokens,
    *,
    fields: Iterable[tuple[str, str]],
    authorization: str | None,
    now: datetime,
) -> TokenAnswer:
    """Answer a token request: `fields` are the form's, in order and with repeats, `authorization` the header.

    Credentials come by HTTP Basic or in the form. `scope` names roles of the client's, with blanks between them: the
    token has just those. Without it, all of them.
    """
    try:
        form = _read_form(fields)
        grant = form.get("grant_type")
        if grant is None:
            raise Refusal("invalid_request", "grant_type is missing: send grant_type=client_credentials.")
        if grant != "client_credentials":
            raise Refusal("unsupported_grant_type", "Only grant_type=client_credentials is offered.")
        client = await _prove(db, form, authorization)
        roles = _narrow(client, form.get("scope"))
    except Refusal as refusal:
        return refusal.answer
    token = tokens.mint(
        subject=client.client_id,
        client_id=client.client_id,
        group_id=client.group_id,
        store_id=client.store_id,
        roles=roles,
        now=now,
    )
    body = {"access_token": token, "token_type": "Bearer", "expires_in": LIFE_S, "refresh_token": None}
    body["scope"] = " ".join(sorted(roles))
    return TokenAnswer(200, body, dict(NO_STORE))


async def give_token_back(
    db: Database,
    tokens: Tokens,
    *,
    fields: Iterable[tuple[str, str]],
    authorization: str | None,
    address: str | None,
    now: datetime,
) -> TokenAnswer:
    """Answer a request to end a token (RFC 7009), by the client that got it; parameters as for `issue_token`.

    `token_type_hint` is passed over: there is one type. What is no token of ours, or holds no longer, is answered as
    if it had been ended; one of ours that is somebody else's is refused, and goes on.
    """
    try:
        form = _read_form(fields)
        client = await _prove(db, form, authorization)
        token = form.get("token")
        if token is None:
            raise Refusal("invalid_request", "token is missing: send the token to end.")
        claims = tokens.read_shared(token, now=now)
        if claims is not None:
            if (claims.client_id, claims.group_id) != (client.client_id, client.group_id):
                raise Refusal("unauthorized_client", "The token was not issued to this client.")
            if claims.jti is None:
                raise Refusal("unsupported_token_type", "The token has no jti to end it by.")
            async with db.transaction(Scope(client.group_id)) as tx:
                if await end_token(tx, claims.jti, expires_at=claims.expires_at, now=now):
                    actor = Actor(claims.name, address)
                    await record(tx, actor, "token.revoke", subject=claims.jti, now=now)
    except Refusal as refusal:
        return refusal.answer
    except Invalid as failure:
        return Refusal("unsupported_token_type", failure.message).answer
    return TokenAnswer(200, {}, dict(NO_STORE))


async def _prove(db: Database, form: dict[str, str], authorization: str | None) -> ClientRecord:
    client_id, secret = _read_credentials(form, authorization)
    client = await prove_client(db, client_id=client_id, secret=secret)
    if client is None:
        raise _unknown_client()
    return client


def _read_form(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    form: dict[str, str] = {}
    for name, value in fields:
        if name in form:
            raise Refusal("invalid_request", "A parameter was sent more than once.")
        form[name] = value
    # RFC 6749, section 3.2: a parameter without a value counts as not sent.
    return {name: value for name, value in form.items() if value}


def _read_credentials(form: dict[str, str], authorization: str | None) -> tuple[str, str]:
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if not scheme:
        if "client_id" not in form or "client_secret" not in form:
            raise _unknown_client()
        return form["client_id"], form["client_secret"]
    if scheme.lower() != "basic":
        raise _unknown_client()
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise _unknown_client() from None
    client_id, colon, secret = pair.partition(":")
    if not colon:
        raise _unknown_client()
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if "client_secret" in form or form.get("client_id", client_id) != client_id:
        raise Refusal(
            "invalid_request", "Client credentials were sent in the header and in the form: use one."
        )
    return client_id, secret


def _unknown_client() -> Refusal:
    return Refusal("invalid_client", "The client credentials are missing or do not hold.", status=401)


def _narrow(client: ClientRecord, scope: str | None) -> frozenset[Role]:
    """The roles that the scope names, all of which the client must have; without a scope, the client's."""
    asked = set((scope or "").split(" ")) - {""}
    if not asked and scope is None:
        return client.roles
    if not asked or not asked <= client.roles:
        # Without quoting it: the client knows what it sent, and RFC 6749, section 5.2, allows few characters here.
        raise Refusal(
            "invalid_scope",
            f"scope names roles of this client with blanks between them; it has {' '.join(sorted(client.roles))}.",
        )
    return frozenset(role for role in client.roles if role in asked)
