"""Tokens of an outside issuer, verified with the public keys at its JWKS address."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.auth.credentials import Authenticator
from app.auth.jwks import read_keys
from app.auth.principal import PLATFORM_ROLES, Role
from app.auth.tokens import OWN_ISSUER
from app.db.database import Database
from app.errors import Forbidden, Unauthorized, Unavailable
from app.settings import Settings
from tests.auth.conftest import JWT_SECRET, NOW
from tests.given import groups
from tests.serving.wire import until

SECONDS = int(NOW.timestamp())
ISSUER = "https://login.example"
AUDIENCE = "campaigns"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, **more: object) -> dict[str, Any]:
    """The public half, as an issuer publishes it."""
    kinds: dict[Any, Any] = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    family = next((a for kind, a in kinds.items() if isinstance(key, kind)), OKPAlgorithm)
    return {**family.to_jwk(key.public_key(), as_dict=True), "key_ops": ["verify"], **more}


class Issuer:
    """A JWKS address that can be told what to say, and counts who asks."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/jwks.json"
        self.asked = 0
        self.body = b""
        self.status = 200
        self.publish(jwk(RSA_KEY, kid="rsa", use="sig"), jwk(EC_KEY, kid="ec"), jwk(ED_KEY, kid="ed"))

    def publish(self, *keys: dict[str, Any]) -> None:
        self.body = json.dumps({"keys": keys}).encode()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked += 1
            self.send_response(made.status)
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Issuer(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def outside(db: Database, issuer: Issuer, settings_of: Callable[..., Settings]) -> Authenticator:
    """A gateway whose tokens come from that issuer."""
    return Authenticator(settings_of(JWT_JWKS_URL=issuer.url, JWT_ISSUER=ISSUER, JWT_AUDIENCE=AUDIENCE), db)


def signed(
    payload: dict[str, Any], *, key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "rsa"
) -> str:
    headers = {} if kid is None else {"kid": kid}
    claims = {"exp": SECONDS + 600, "iss": ISSUER, "aud": AUDIENCE, "roles": ["manager"], **payload}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (RSA_KEY, "RS256", "rsa"), (RSA_KEY, "RS512", "rsa"), (RSA_KEY, "PS256", "rsa"),
        (EC_KEY, "ES256", "ec"), (ED_KEY, "EdDSA", "ed"),
    ],
)  # fmt: skip
async def test_tokens_signed_with_a_published_key_hold(
    db: Database, outside: Authenticator, key: Any, algorithm: str, kid: str
) -> None:
    a = await groups.group(db)
    token = signed({"group": a.group_id, "sub": "ann"}, key=key, algorithm=algorithm, kid=kid)
    principal = await outside.authenticate(bearer=token, now=NOW)
    assert (principal.scope.group_id, principal.name) == (a.group_id, "user:ann")


async def test_tokens_of_our_own_still_hold_beside_the_issuers(db: Database, outside: Authenticator) -> None:
    a = await groups.group(db)
    token = outside.tokens.mint(subject="1", group_id=a.group_id, roles=[], now=NOW)
    assert (await outside.authenticate(bearer=token, now=NOW)).scope.group_id == a.group_id


async def test_no_token_borrows_anothers_issuer_algorithm_or_key(
    db: Database, outside: Authenticator, issuer: Issuer
) -> None:
    a = await groups.group(db)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {"group": a.group_id, "exp": SECONDS + 600, "iss": ISSUER, "aud": AUDIENCE}
    confused = jwt.PyJWS().encode(json.dumps(claims).encode(), "", algorithm="none")
    head, body, _ = confused.split(".")
    forged = {
        "a shared secret in the issuer's name": jwt.encode(claims, JWT_SECRET, headers={"kid": "rsa"}),
        "a shared secret in nobody's name": jwt.encode({**claims, "iss": ""}, JWT_SECRET),
        "the public key taken for a shared secret": hmac_with(pem, claims),
        "none": f"{head}.{body}.",
        "the issuer's key in our name": signed({**claims, "iss": OWN_ISSUER}),
        "another issuer's name": signed({**claims, "iss": "https://evil.example"}),
        "a stranger's key under a known id": signed(claims, key=stranger),
        "an id of another key": signed(claims, kid="ec"),
        "an unknown id": signed(claims, kid="who"),
        "no id among several keys": signed(claims, kid=None),
    }
    said = await asyncio.gather(
        *(outside.authenticate(bearer=token, now=NOW) for token in forged.values()), return_exceptions=True
    )
    assert dict(zip(forged, map(repr, said), strict=True)) == dict.fromkeys(forged, repr(Unauthorized()))
    assert issuer.asked == 1


def hmac_with(secret: bytes, claims: dict[str, Any]) -> str:
    """HS256 with any bytes: the library itself refuses public keys as secrets."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    text = part(b'{"alg":"HS256","kid":"rsa"}') + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.new(secret, text.encode(), hashlib.sha256).digest())


async def test_a_public_key_token_has_no_issuer_where_none_is_configured(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(bearer=signed({"group": a.group_id}), now=NOW)


async def test_an_issuers_clock_may_differ_by_seconds_but_not_by_a_minute(
    db: Database, outside: Authenticator
) -> None:
    a = await groups.group(db)
    await outside.authenticate(bearer=signed({"group": a.group_id, "exp": SECONDS - 10}), now=NOW)
    await outside.authenticate(bearer=signed({"group": a.group_id, "nbf": SECONDS + 10}), now=NOW)
    for late in ({"exp": SECONDS - 61}, {"nbf": SECONDS + 61}):
        with pytest.raises(Unauthorized):
            await outside.authenticate(bearer=signed({"group": a.group_id, **late}), now=NOW)


async def test_keys_are_fetched_once_for_many_tokens(
    db: Database, outside: Authenticator, issuer: Issuer
) -> None:
    a = await groups.group(db)
    tokens = [signed({"group": a.group_id, "sub": str(n)}) for n in range(20)]
    await asyncio.gather(*(outside.authenticate(bearer=token, now=NOW) for token in tokens))
    assert issuer.asked == 1


async def test_a_new_key_is_found_when_it_is_used_but_made_up_ids_cause_no_flood(
    db: Database, outside: Authenticator, issuer: Issuer
) -> None:
    a = await groups.group(db)
    await outside.authenticate(bearer=signed({"group": a.group_id}), now=NOW)
    for n in range(30):
        with pytest.raises(Unauthorized):
            await outside.authenticate(bearer=signed({"group": a.group_id}, kid=f"made up {n}"), now=NOW)
    assert issuer.asked == 1
    fresh = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer.publish(jwk(RSA_KEY, kid="rsa"), jwk(fresh, kid="fresh"))
    rotated = signed({"group": a.group_id}, key=fresh, kid="fresh")
    await outside.authenticate(bearer=rotated, now=NOW + timedelta(seconds=11))
    assert issuer.asked == 2


async def test_a_key_taken_back_stops_working(db: Database, outside: Authenticator, issuer: Issuer) -> None:
    a = await groups.group(db)
    token = signed({"group": a.group_id, "exp": SECONDS + 86_400})
    await outside.authenticate(bearer=token, now=NOW)
    issuer.publish(jwk(EC_KEY, kid="ec"))
    later = NOW + timedelta(hours=1)
    with pytest.raises(Unauthorized):
        await outside.authenticate(bearer=token, now=later)


async def test_kept_keys_bridge_an_outage_and_are_renewed_in_the_background(
    db: Database, outside: Authenticator, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    a = await groups.group(db)
    token = signed({"group": a.group_id, "exp": SECONDS + 86_400})
    await outside.authenticate(bearer=token, now=NOW)
    issuer.status = 503
    await outside.authenticate(bearer=token, now=NOW + timedelta(minutes=30))
    # Whoever comes while a fetch is under way waits for that one, and this one is to fail by itself.
    await until(lambda: "could not be fetched" in caplog.text)
    with pytest.raises(Unavailable):
        await outside.authenticate(bearer=token, now=NOW + timedelta(minutes=61))
    issuer.status = 200
    with pytest.raises(Unavailable):  # a failed fetch is not repeated at once
        await outside.authenticate(bearer=token, now=NOW + timedelta(minutes=61, seconds=5))
    await outside.authenticate(bearer=token, now=NOW + timedelta(minutes=62))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7, {}]}', b"\xff", b"[" * 100_000]
)
async def test_an_unreadable_key_set_is_our_trouble_not_the_clients(
    outside: Authenticator, issuer: Issuer, body: bytes
) -> None:
    issuer.body = body
    with pytest.raises(Unavailable, match="cannot be read now"):
        await outside.authenticate(bearer=signed({"group": 1}), now=NOW)


def test_weak_symmetric_and_encryption_keys_are_not_used() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    document = {
        "keys": [
            {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
            {"kty": "oct", "kid": "shared as RSA", "k": "c2VjcmV0", "alg": "RS256"},
            jwk(RSA_KEY, kid="RSA as shared", alg="HS256"),
            jwk(RSA_KEY, kid="for encryption", use="enc"),
            jwk(weak, kid="weak"),
            {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
            jwk(RSA_KEY, kid="any of the family"),
            jwk(RSA_KEY, kid="just one", alg="RS512"),
            jwk(EC_KEY, kid="by its curve"),
        ]
    }
    found = {kid: key.algorithms for kid, key in read_keys(document).items()}
    assert found == {
        "any of the family": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
        "just one": {"RS512"},
        "by its curve": {"ES256"},
    }


async def test_an_issuer_with_one_key_need_not_name_it(
    db: Database, outside: Authenticator, issuer: Issuer
) -> None:
    a = await groups.group(db)
    issuer.publish(jwk(RSA_KEY))
    await outside.authenticate(bearer=signed({"group": a.group_id}, kid=None), now=NOW)


@pytest.mark.parametrize("left_out", [("JWT_ISSUER",), ("JWT_AUDIENCE",), ("JWT_ISSUER", "JWT_AUDIENCE")])
def test_an_outside_issuer_is_named_with_its_audience_or_nothing_starts(
    settings_of: Callable[..., Settings], left_out: tuple[str, ...]
) -> None:
    chosen = {"JWT_JWKS_URL": "https://login.example/keys", "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    assert settings_of(**chosen).jwt_jwks_url
    with pytest.raises(SystemExit, match="needs JWT_ISSUER and JWT_AUDIENCE"):
        settings_of(**{name: value for name, value in chosen.items() if name not in left_out})


async def test_a_published_key_cannot_speak_in_our_name_nor_for_others(
    db: Database, outside: Authenticator
) -> None:
    a = await groups.group(db)
    group = {"group": a.group_id}
    await outside.authenticate(bearer=signed(group), now=NOW)
    for wrong in (
        {"iss": OWN_ISSUER}, {"iss": "https://any.example"}, {"iss": ""}, {"aud": "another-app"}, {"aud": None},
    ):  # fmt: skip
        with pytest.raises(Unauthorized):
            await outside.authenticate(bearer=signed({**group, **wrong}), now=NOW)
    for name in ("https://any.example", "", ISSUER):
        claims = {**group, "exp": SECONDS + 600, "iss": name, "aud": AUDIENCE}
        with pytest.raises(Unauthorized):
            await outside.authenticate(bearer=jwt.encode(claims, JWT_SECRET), now=NOW)


async def test_an_outside_issuer_grants_platform_roles_only_when_told_so(
    db: Database, issuer: Issuer, outside: Authenticator, settings_of: Callable[..., Settings]
) -> None:
    a = await groups.group(db)
    for role in PLATFORM_ROLES:
        token = signed({"roles": [role, "marketing"], "group": a.group_id})
        assert (await outside.authenticate(bearer=token, now=NOW)).roles == {Role.MARKETING}
        # Nor does it enter a group that it does not name.
        with pytest.raises(Forbidden):
            await outside.authenticate(bearer=signed({"roles": [role]}), group=str(a.group_id), now=NOW)
    told = Authenticator(
        settings_of(
            JWT_JWKS_URL=issuer.url, JWT_ISSUER=ISSUER, JWT_AUDIENCE=AUDIENCE, JWT_PLATFORM_ROLES="1"
        ),
        db,
    )
    entered = await told.authenticate(
        bearer=signed({"roles": ["super_admin"]}), group=str(a.group_id), now=NOW
    )
    assert entered.roles == {Role.SUPER_ADMIN}
