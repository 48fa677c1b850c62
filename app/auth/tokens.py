"""Bearer tokens: JWTs minted by us and verified against the issuer they must come from.

Each issuer is bound to one algorithm family and one source of keys. What a token's header says only picks the
issuer; the issuer says which algorithms and keys may verify it, so no token is ever checked with a public key
taken for a shared secret, and `none` has no issuer.

    alg           without JWT_JWKS_URL                   with JWT_JWKS_URL
    HS256         JWT_SECRET; `iss` is our own or         JWT_SECRET, and `iss` must be our own
                  JWT_ISSUER, or, without that setting,
                  is left out
    RS, PS, ES,   refused                                the keys at that address
    EdDSA

Platform roles in a token of that last kind count where JWT_PLATFORM_ROLES says so, and are passed over otherwise.
"""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import jwt

from app.auth.claims import Claims, read_claims, read_numeric_date
from app.auth.jwks import ASYMMETRIC, KeySet
from app.auth.principal import PLATFORM_ROLES, Role
from app.errors import Forbidden, Unauthorized, Unavailable
from app.settings import MIN_JWT_SECRET_BYTES, SHORT_JWT_SECRET, Settings

OWN_ISSUER = "campaign-gateway"
LIFE_S = 3600
LEEWAY = timedelta(seconds=30)
"""How far another clock may differ from ours. Tokens signed with the shared secret expire to the second."""
MAX_LENGTH = 8192

# Times are compared with the `now` of the request, not by the library with its own clock.
_OPTIONS: Any = {"require": ["exp"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}


def new_jti() -> str:
    """An id for a token, of letters and digits: on a command line it cannot be taken for an option."""
    return secrets.token_hex(12)


class Tokens:
    """Mints and verifies tokens by the settings. ValueError for a secret too short to protect anything."""

    def __init__(self, settings: Settings) -> None:
        if len(settings.jwt_secret.encode()) < MIN_JWT_SECRET_BYTES:
            raise ValueError(SHORT_JWT_SECRET)
        self._secret = settings.jwt_secret
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._group_claim = settings.jwt_group_claim
        self._roles_claim = settings.jwt_roles_claim
        self._platform_roles = settings.jwt_platform_roles
        self._keys = KeySet(settings.jwt_jwks_url) if settings.jwt_jwks_url else None

    def mint(
        self,
        *,
        subject: str,
        group_id: int | None,
        roles: Collection[Role],
        now: datetime,
        store_id: int | None = None,
        project_ids: Collection[int] | None = None,
        client_id: str | None = None,
        life_s: int = LIFE_S,
        jti: str | None = None,
    ) -> str:
        """A token of our own. `group_id` None only makes sense with a platform role."""
        issued = int(now.timestamp())
        payload: dict[str, Any] = {
            "iss": OWN_ISSUER,
            "sub": subject,
            "iat": issued,
            "exp": issued + life_s,
            "jti": jti or new_jti(),
            self._roles_claim: sorted(roles),
        }
        optional = {
            "aud": self._audience,
            self._group_claim: group_id,
            "store": store_id,
            "projects": None if project_ids is None else list(project_ids),
            "client_id": client_id,
        }
        payload.update({name: value for name, value in optional.items() if value is not None})
        return jwt.encode(payload, self._secret, algorithm="HS256")

    async def verify(self, token: str, *, now: datetime) -> Claims:
        """What the token says, if it is valid at `now`.

        Unauthorized, without saying why, where it is not; Forbidden where it is, but a claim that sets a border is
        not understood; Unavailable where the issuer's keys cannot be fetched.
        """
        if not token.isascii() or len(token) > MAX_LENGTH:
            raise Unauthorized
        try:
            header = jwt.get_unverified_header(token)
            shared = header.get("alg") == "HS256"
            if shared:
                payload = self._verify_shared(token)
            else:
                payload = await self._verify_public(token, header, now=now)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthorized from None
        expires_at = self._check_times(payload, leeway=timedelta(0) if shared else LEEWAY, now=now)
        claims = self._claims(payload, expires_at=expires_at)
        if shared or self._platform_roles:
            return claims
        # Whoever publishes keys says who people are. Who may enter any group, the operator says.
        return replace(claims, roles=claims.roles - PLATFORM_ROLES)

    def read_shared(self, token: str, *, now: datetime) -> Claims | None:
        """What a token says that is signed with our secret and valid at `now`; None for any other."""
        try:
            if len(token) > MAX_LENGTH or not token.isascii():
                return None
            payload = self._verify_shared(token)
            return self._claims(payload, expires_at=self._check_times(payload, leeway=timedelta(0), now=now))
        except (jwt.PyJWTError, ValueError, RecursionError, Unauthorized, Forbidden):
            return None

    async def is_signed(self, token: str, *, now: datetime) -> bool:
        """Whether it is one that its issuer signed and that is not over, whatever it says: nobody makes that up."""
        try:
            await self.verify(token, now=now)
        except Forbidden:
            return True
        except (Unauthorized, Unavailable):
            return False
        return True

    def _claims(self, payload: dict[str, Any], *, expires_at: datetime) -> Claims:
        return read_claims(
            payload,
            group_claim=self._group_claim,
            roles_claim=self._roles_claim,
            own=payload.get("iss") == OWN_ISSUER,
            expires_at=expires_at,
        )

    def _verify_shared(self, token: str) -> dict[str, Any]:
        if self._keys is None and self._issuer is None:
            payload = self._decode(token, self._secret, {"HS256"}, None)
            # Tools that sign with our secret need not name an issuer; whoever names another one is not us.
            if payload.get("iss", OWN_ISSUER) != OWN_ISSUER:
                raise Unauthorized
            return payload
        issuers = [OWN_ISSUER]
        if self._keys is None and self._issuer is not None:
            issuers.append(self._issuer)
        return self._decode(token, self._secret, {"HS256"}, issuers)

    async def _verify_public(self, token: str, header: dict[str, Any], *, now: datetime) -> dict[str, Any]:
        kid = header.get("kid")
        if self._keys is None or header.get("alg") not in ASYMMETRIC:
            raise Unauthorized
        key = await self._keys.find(kid if isinstance(kid, str) else None, now=now)
        if key is None:
            raise Unauthorized
        payload = self._decode(token, key.key, key.algorithms, [self._issuer] if self._issuer else None)
        if payload.get("iss") == OWN_ISSUER:
            # Our name is bound to our secret; nobody else may speak for us.
            raise Unauthorized
        return payload

    def _decode(
        self, token: str, key: Any, algorithms: Collection[str], issuers: list[str] | None
    ) -> dict[str, Any]:
        options: Any = {
            **_OPTIONS, "verify_aud": self._audience is not None, "verify_iss": issuers is not None
        }  # fmt: skip
        return jwt.decode(
            token,
            key,
            algorithms=sorted(algorithms),
            audience=self._audience,
            issuer=issuers,
            options=options,
        )

    @staticmethod
    def _check_times(payload: dict[str, Any], *, leeway: timedelta, now: datetime) -> datetime:
        expires_at = read_numeric_date(payload["exp"]) + leeway
        if now >= expires_at:
            raise Unauthorized
        # Gateways beside this one mint too, so even our own tokens may come from a clock slightly ahead.
        if any(
            claim in payload and read_numeric_date(payload[claim]) > now + LEEWAY for claim in ("nbf", "iat")
        ):
            raise Unauthorized
        return expires_at
