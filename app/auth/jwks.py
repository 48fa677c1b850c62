"""The public keys of an outside issuer, read from its JWKS address and kept (RFC 7517)."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.errors import Unavailable

log = logging.getLogger(__name__)

RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
ASYMMETRIC = RSA | {"ES256", "ES384", "ES512", "EdDSA"}
MIN_RSA_BITS = 2048

FRESH = timedelta(minutes=5)
"""After this the set is fetched anew in the background, while the kept keys still serve."""
STALE = timedelta(hours=1)
"""After this the kept keys no longer count: a key that its issuer withdrew must stop working."""
COOLDOWN = timedelta(seconds=10)
"""Tokens that name unknown keys, and failed fetches, cause at most one fetch in this time."""
FETCH_S = 5.0


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verification key and the algorithms it may be used with; never a symmetric one."""

    key: Any
    algorithms: frozenset[str]


class KeySet:
    """The keys of one JWKS address."""

    def __init__(self, url: str) -> None:
        # Fetches without its own cache: it would block the event loop whenever it expires.
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_S)
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._fetching: asyncio.Task[bool] | None = None

    async def find(self, kid: str | None, *, now: datetime) -> PublicKey | None:
        """The key of this id, fetched where the kept set does not have it; None where the issuer has none.

        Without an id it is the issuer's only key. Unavailable where no set can be fetched.
        """
        if self._fetched_at is None or now - self._fetched_at >= STALE:
            if not (self._may_try(now) and await self._fetch(now)):
                raise Unavailable(
                    "The keys that tokens are verified with cannot be read now.", retry_after_s=10
                )
        elif now - self._fetched_at >= FRESH and self._may_try(now):
            self._start(now)
        key = self._kept(kid)
        if key is None and self._may_try(now):
            await self._fetch(now)
            key = self._kept(kid)
        return key

    def _kept(self, kid: str | None) -> PublicKey | None:
        if kid is not None:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    def _may_try(self, now: datetime) -> bool:
        return self._fetching is not None or self._tried_at is None or now - self._tried_at >= COOLDOWN

    async def _fetch(self, now: datetime) -> bool:
        # Shielded: a client that leaves must not take the fetch of all the others with it.
        return await asyncio.shield(self._start(now))

    def _start(self, now: datetime) -> asyncio.Task[bool]:
        if self._fetching is None:
            self._tried_at = now
            self._fetching = asyncio.create_task(self._run(now))
            self._fetching.add_done_callback(self._landed)
        return self._fetching

    def _landed(self, _: asyncio.Task[bool]) -> None:
        self._fetching = None

    async def _run(self, now: datetime) -> bool:
        try:
            async with asyncio.timeout(2 * FETCH_S):
                document = await asyncio.to_thread(self._client.fetch_data)
        except (jwt.PyJWTError, OSError, ValueError, RecursionError) as error:
            log.warning("the key set could not be fetched: %s", type(error).__name__)
            return False
        keys = read_keys(document)
        if not keys:
            log.warning("the key set holds no key that could verify a token")
            return False
        self._keys, self._fetched_at = keys, now
        return True


def read_keys(document: object) -> dict[str, PublicKey]:
    """The usable signature keys of a JWKS document by id; symmetric, weak and unreadable ones are skipped."""
    listed = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str, PublicKey] = {}
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        with contextlib.suppress(jwt.PyJWTError, ValueError, TypeError, KeyError):
            made = jwt.PyJWK(entry)
            if made.algorithm_name not in ASYMMETRIC:
                continue
            if isinstance(made.key, RSAPublicKey) and made.key.key_size < MIN_RSA_BITS:
                continue
            # An RSA key that names no algorithm serves the whole RSA family; every other kind has just one.
            family = RSA if entry.get("kty") == "RSA" and not entry.get("alg") else {made.algorithm_name}
            keys[str(entry.get("kid") or "")] = PublicKey(made.key, frozenset(family))
    return keys
