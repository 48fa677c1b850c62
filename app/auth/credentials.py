"""Credentials → principal, remembered for a moment, so that most requests pay a hash and a dict look-up."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.auth.flights import Flights
from app.auth.lookup import Credential, Lookup, Proven
from app.auth.material import MAX_LENGTH, digest
from app.auth.principal import Principal
from app.auth.refusals import TOO_MANY_REFUSALS, Refusals
from app.auth.tokens import Tokens
from app.db.database import Database
from app.errors import BUSY, Failure, Forbidden, Unauthorized, Unavailable
from app.settings import Settings
from app.values.known import KnownFor

GOOD_LIFE = timedelta(seconds=3)
"""A revocation is felt within this time; 5 seconds are promised."""
HELD_LIFE = timedelta(hours=1)
"""How long a credential that held is one that nobody makes up."""
BAD_LIFE = timedelta(seconds=1)
"""How long a refusal is repeated without asking again."""
GOOD_SIZE = 10_000
BAD_SIZE = 2_000
MAX_UNPROVEN = 128
"""Requests that wait for a credential to be looked up; more are told to come again. Those that are known never wait."""
HEADERS = (b"x-api-key", b"x-beacon-key", b"authorization", b"x-group-id")


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal to repeat, raised as a new exception each time: a kept one would collect tracebacks."""

    kind: type[Unauthorized] | type[Forbidden]
    message: str

    def again(self) -> Failure:
        """The same failure anew."""
        return self.kind(self.message)


class Authenticator:
    """Tells who is asking. One per process."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._lookup = Lookup(settings, db)
        self._good: KnownFor[bytes, Proven] = KnownFor(GOOD_SIZE, life=GOOD_LIFE)
        # Apart from the good ones, so that a flood of wrong credentials cannot push those out.
        self._bad: KnownFor[bytes, Refused] = KnownFor(BAD_SIZE, life=BAD_LIFE)
        self._flights: Flights[bytes, Proven | Refused] = Flights()
        self._unproven = 0
        self.refusals = Refusals()
        """Where credentials that do not hold come from."""
        self._held: KnownFor[bytes, bool] = KnownFor(GOOD_SIZE, life=HELD_LIFE)
        """API keys that held of late, by their digests: they are looked up wherever they come from, whatever else is
        sent with them."""

    @property
    def tokens(self) -> Tokens:
        """What mints and verifies bearer tokens here."""
        return self._lookup.tokens

    async def close(self) -> None:
        """Write when keys were used."""
        await self._lookup.uses.write()

    async def authenticate(
        self,
        *,
        api_key: str | None = None,
        beacon_key: str | None = None,
        bearer: str | None = None,
        group: str | None = None,
        now: datetime,
        address: str | None = None,
        may_fail: bool = False,
    ) -> Principal:
        """Who asks, by the headers as sent; None is a header that was not sent, an empty one counts as sent.

        `beacon_key` narrows to one store, `group` (`X-Group-Id`: `7` or `group_7`) picks one of the groups of
        the credential. Unauthorized where nothing holds, Forbidden where a good credential reaches past its
        borders, Unavailable while an outside issuer's keys cannot be read, or where many are refused that come from
        this `address`; with `may_fail`, for who needs no credential, refusals are not counted there.
        """
        if api_key is None and bearer is None:
            raise Unauthorized
        name = _name_of((api_key, beacon_key, bearer, group))
        sent = Credential(api_key, beacon_key, bearer, group)
        held = self._good.get(name, now=now)
        if held is None:
            held = await self._look_up(name, sent, now=now, address=address, may_fail=may_fail)
        elif self._is_due(name, now=now):
            self._begin(name, sent, now=now, address=address)
        return held.principal

    def recall(
        self, headers: Mapping[bytes, bytes], *, now: datetime, address: str | None = None
    ) -> Principal | None:
        """Who sends these headers, where that was found out a moment ago; `by_headers` finds it out.

        What was found out a while ago is found out again meanwhile, so that nobody has to wait for it.
        """
        name = name_of_headers(headers)
        held = self._good.get(name, now=now)
        if held is None:
            return None
        if self._is_due(name, now=now):
            self._begin(name, _sent(headers), now=now, address=address)
        return held.principal

    def recall_by(self, name: bytes, *, now: datetime) -> Principal | None:
        """The same, by the name of the headers; None as well where the headers are needed to find it out again."""
        held = self._good.young(name, now=now)
        if held is None:
            held = self._good.get(name, now=now)
            if held is None or self._is_due(name, now=now):
                return None
        return held.principal

    async def by_headers(
        self,
        headers: Mapping[bytes, bytes],
        *,
        now: datetime,
        address: str | None = None,
        may_fail: bool = False,
    ) -> Principal:
        """Who sends these headers, by any credential we know. Raises as `authenticate` does."""
        sent = _sent(headers)
        if sent.api_key is None and sent.bearer is None:
            raise Unauthorized
        name = name_of_headers(headers)
        return (await self._look_up(name, sent, now=now, address=address, may_fail=may_fail)).principal

    def _is_due(self, name: bytes, *, now: datetime) -> bool:
        return self._good.is_aging(name, now=now) and name not in self._flights

    def _begin(
        self, name: bytes, sent: Credential, *, now: datetime, address: str | None
    ) -> asyncio.Task[Proven | Refused]:
        return self._flights.begin(name, self._fly(name, sent, now=now, address=address))

    async def _look_up(
        self, name: bytes, sent: Credential, *, now: datetime, address: str | None, may_fail: bool
    ) -> Proven:
        outcome: Proven | Refused | None = self._bad.get(name, now=now)
        wait_s = 0 if may_fail else self.refusals.wait_s(address or "", now=now)
        if wait_s and not await self._is_no_guess(sent, now=now):
            wait_s = self.refusals.wait_again_s(address or "", name, now=now)
            if wait_s:
                raise Unavailable(
                    "Too many credentials from your address were refused. Please try again shortly.",
                    retry_after_s=wait_s,
                    code=TOO_MANY_REFUSALS,
                )
        if outcome is None:
            if self._unproven >= MAX_UNPROVEN:
                raise Unavailable(BUSY)
            flight = self._flights.get(name) or self._begin(name, sent, now=now, address=address)
            self._unproven += 1
            try:
                # Shielded: whoever came first may leave; the others still wait for the answer.
                outcome = await asyncio.shield(flight)
            finally:
                self._unproven -= 1
        if isinstance(outcome, Refused):
            if outcome.kind is Unauthorized and not may_fail:
                # Forbidden is said to a credential that holds: it reaches too far, and is no guess.
                self.refusals.count(address or "", now=now)
            raise outcome.again()
        if outcome.expires_at is not None and now >= outcome.expires_at:
            # It held for the request that asked first, a moment before this one.
            raise Unauthorized
        return outcome

    async def _fly(
        self, name: bytes, sent: Credential, *, now: datetime, address: str | None
    ) -> Proven | Refused:
        try:
            proven = await self._lookup.prove(sent, now=now, address=address)
        except (Unauthorized, Forbidden) as failure:
            refused = Refused(type(failure), failure.message)
            self._bad.keep(name, refused, now=now)
            self._good.drop(name)
            if isinstance(failure, Forbidden):
                self._hold(sent, now=now)
            return refused
        self._good.keep(name, proven, now=now, until=proven.expires_at)
        self._hold(sent, now=now)
        return proven

    def _hold(self, sent: Credential, *, now: datetime) -> None:
        if sent.api_key is not None:
            self._held.keep(digest(sent.api_key), True, now=now)

    async def _is_no_guess(self, sent: Credential, *, now: datetime) -> bool:
        """Whether all that was sent is known to be of somebody's: keys that held of late, tokens by their signature."""
        if sent.api_key is not None and (
            len(sent.api_key) > MAX_LENGTH or self._held.get(digest(sent.api_key), now=now) is None
        ):
            return False
        return sent.bearer is None or await self.tokens.is_signed(sent.bearer, now=now)


def _sent(headers: Mapping[bytes, bytes]) -> Credential:
    api_key, beacon_key, authorization, group = (
        None if (value := headers.get(name)) is None else value.decode("latin-1") for name in HEADERS
    )
    return Credential(api_key, beacon_key, read_bearer(authorization), group)


def read_bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header (RFC 6750); None without, or with another scheme."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def name_of_headers(headers: Mapping[bytes, bytes]) -> bytes:
    """What the credential in these headers is remembered under. Of the secrets themselves nothing is kept."""
    get = headers.get
    return _name_of((get(b"x-api-key"), get(b"x-beacon-key"), get(b"authorization"), get(b"x-group-id")))


def _name_of(parts: tuple[str | bytes | None, ...]) -> bytes:
    # repr keeps parts apart, None from "None", texts from bytes, and makes lone surrogates printable.
    return hashlib.blake2b(repr(parts).encode(), digest_size=24).digest()
