"""`POST /oauth2/revoke`: a client ends a token that it got. Source: RFC 7009."""

import base64
from datetime import timedelta
from typing import Any

import jwt
import pytest

from app.auth.clients import NewClient, create_client, revoke_client
from app.auth.credentials import Authenticator
from app.auth.oauth import TokenAnswer, give_token_back, issue_token
from app.auth.principal import Role
from app.auth.tokens import OWN_ISSUER
from app.db.database import Database
from app.errors import Unauthorized
from app.values.scope import Scope
from tests.auth.conftest import JWT_SECRET, NOW
from tests.given import groups

REMEMBERED = timedelta(seconds=5)
"""Principals are for less."""
AUDIT = "SELECT actor, address, subject FROM audit_entry WHERE group_id = $1 AND action = 'token.revoke'"


class Client:
    """A client of a group, and what it asks for."""

    def __init__(self, db: Database, authenticator: Authenticator, made: NewClient) -> None:
        self.db = db
        self.authenticator = authenticator
        self.made = made
        self.now = NOW
        self.form = {"client_id": made.client.client_id, "client_secret": made.secret}

    async def token(self) -> str:
        fields = {"grant_type": "client_credentials", **self.form}.items()
        given = await issue_token(
            self.db, self.authenticator.tokens, fields=fields, authorization=None, now=NOW
        )
        return str(given.body["access_token"])

    async def gives_back(self, *, authorization: str | None = None, **fields: str) -> TokenAnswer:
        form = fields if authorization else {**self.form, **fields}
        return await give_token_back(
            self.db,
            self.authenticator.tokens,
            fields=form.items(),
            authorization=authorization,
            address="192.0.2.7",
            now=NOW,
        )

    async def holds(self, token: str) -> bool:
        self.now += REMEMBERED
        try:
            await self.authenticator.authenticate(bearer=token, now=self.now)
        except Unauthorized:
            return False
        return True

    async def audit(self) -> list[dict[str, Any]]:
        group_id = self.made.client.group_id
        async with self.db.transaction(Scope(group_id)) as tx:
            return [dict(row) for row in await tx.fetch(AUDIT, group_id)]


@pytest.fixture
async def client(db: Database, authenticator: Authenticator) -> Client:
    a = await groups.group(db)
    made = await create_client(db, group_id=a.group_id, name="SDK", roles=[Role.MARKETING], now=NOW)
    return Client(db, authenticator, made)


async def test_a_token_that_is_given_back_holds_no_longer(client: Client) -> None:
    token, other = await client.token(), await client.token()
    assert await client.gives_back(token=token, token_type_hint="refresh_token") == (
        200,
        {},
        {"Cache-Control": "no-store", "Pragma": "no-cache"},
    )
    assert (await client.holds(token), await client.holds(other)) == (False, True)
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    name = f"client:{client.made.client.client_id}"
    assert await client.audit() == [{"actor": name, "address": "192.0.2.7", "subject": jti}]
    # Once more is as well, and nothing new is written down.
    assert (await client.gives_back(token=token)).status == 200
    assert len(await client.audit()) == 1


async def test_the_client_says_who_it_is_as_at_the_token_endpoint(client: Client) -> None:
    token = await client.token()
    name, secret = client.form["client_id"], client.form["client_secret"]
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    both = await client.gives_back(authorization=f"Basic {pair}", token=token, client_secret=secret)
    assert (both.status, both.body["error"]) == (400, "invalid_request")
    for wrong in (
        {"client_secret": "wrong"},
        {"client_id": "cgc_nobody"},
        {"client_secret": ""},
        {"authorization": f"Bearer {token}"},
    ):
        refused = await client.gives_back(**{"token": token, **wrong})
        assert (refused.status, refused.body["error"]) == (401, "invalid_client")
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert await client.holds(token)
    assert (await client.gives_back(authorization=f"Basic {pair}", token=token)).status == 200
    assert not await client.holds(token)


async def test_a_client_that_was_revoked_gives_nothing_back(db: Database, client: Client) -> None:
    token = await client.token()
    gone = client.made.client
    await revoke_client(db, client_id=gone.client_id, group_id=gone.group_id, now=NOW)
    assert (await client.gives_back(token=token)).status == 401


def signed(**payload: Any) -> str:
    return jwt.encode({"exp": int(NOW.timestamp()) + 600, **payload}, JWT_SECRET)


async def test_what_is_no_token_is_answered_as_one_that_was_ended(client: Client) -> None:
    own = {"iss": OWN_ISSUER, "client_id": client.form["client_id"], "group": client.made.client.group_id}
    for unknown in (
        "x", "x.y.z", "é", "\0", "x" * 100_000, "null",
        signed(**own, exp=int(NOW.timestamp())),
        signed(**{**own, "iss": "https://login.example"}),
        signed(**{**own, "group": "g"}),
        jwt.encode({"exp": 10**10, **own, "jti": "a"}, "another secret of thirty-two bytes and more"),
    ):  # fmt: skip
        assert (await client.gives_back(token=unknown)).status == 200, unknown
    assert await client.audit() == []


async def test_only_who_got_a_token_gives_it_back(
    db: Database, authenticator: Authenticator, client: Client
) -> None:
    group_id = client.made.client.group_id
    made = await create_client(db, group_id=group_id, name="other", roles=[Role.MARKETING], now=NOW)
    beside = Client(db, authenticator, made)
    elsewhere = await groups.group(db)
    name = client.form["client_id"]
    tokens = [
        await beside.token(),
        authenticator.tokens.mint(subject="1", group_id=group_id, roles=[Role.MARKETING], now=NOW),
        # A name that somebody gives itself is no client's.
        authenticator.tokens.mint(subject=name, group_id=group_id, roles=[Role.MARKETING], now=NOW),
        signed(client_id=name, group=group_id, jti="of-a-tool", roles=["marketing"]),
    ]
    for token in tokens:
        refused = await client.gives_back(token=token)
        assert (refused.status, refused.body["error"]) == (400, "unauthorized_client")
        assert await client.holds(token)
    abroad = authenticator.tokens.mint(
        subject=name, client_id=name, group_id=elsewhere.group_id, roles=[Role.MARKETING], now=NOW
    )
    assert (await client.gives_back(token=abroad)).body["error"] == "unauthorized_client"
    assert await client.audit() == []


@pytest.mark.parametrize("named", [{}, {"jti": "x" * 65}, {"jti": "é"}, {"jti": "a\nb"}, {"jti": ""}])
async def test_a_token_without_a_name_cannot_be_given_back(client: Client, named: dict[str, str]) -> None:
    token = signed(
        iss=OWN_ISSUER, client_id=client.form["client_id"], group=client.made.client.group_id, **named
    )
    refused = await client.gives_back(token=token)
    assert (refused.status, refused.body["error"]) == (400, "unsupported_token_type")


async def test_the_token_is_sent_once(client: Client) -> None:
    assert (await client.gives_back()).body["error"] == "invalid_request"
    assert (await client.gives_back(token="")).body["error"] == "invalid_request"
    token = await client.token()
    fields = [*client.form.items(), ("token", token), ("token", token)]
    twice = await give_token_back(
        client.db, client.authenticator.tokens, fields=fields, authorization=None, address=None, now=NOW
    )
    assert (twice.status, twice.body["error"]) == (400, "invalid_request")
    assert await client.holds(token)
