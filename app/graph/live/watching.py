"""Credentials behind open lines, proved again and again: a revocation takes effect as soon as for requests.

A line is a socket or an event stream. Lines with the same credential are one watch; they are counted by who they
belong to, however its credential is spelled.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.auth.credentials import HEADERS, Authenticator, read_bearer
from app.auth.principal import Principal
from app.errors import Failure, Forbidden, Unauthorized, Unavailable

LOOK_EVERY_S = 1.0
"""Proofs are remembered for three seconds (`auth/credentials.py`); five are promised."""
LOOKS_AT_ONCE = 16
UNPROVEN_FOR = timedelta(seconds=5)
"""How long lines stay open while their credential cannot be checked."""
MAX_LINES = 5_000
"""Per process."""
MAX_LINES_OF_GROUP = 2_500
"""Per group, whoever of it opens them: no group can have all of the process's."""
MAX_LINES_OF_ONE = 2_000
"""Per principal: a key, a client, a person."""

End = Callable[[Failure | None], None]
"""Ends a line and says why; None: the gateway stops."""

log = logging.getLogger("gateway.live")


@dataclass(slots=True)
class _Watch:
    headers: Mapping[bytes, bytes]
    address: str | None
    """Where the first of its lines came from."""
    principal: Principal
    proved_at: datetime
    ends: dict[object, End] = field(default_factory=dict)


class Watches:
    """The open lines of this process, by their credentials."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._watches: dict[tuple[bytes | None, ...], _Watch] = {}
        self._lines = 0
        self._lines_of: Counter[object] = Counter()
        """By group, and by group and principal."""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether no further line can be opened."""
        return self._lines >= MAX_LINES

    def open(
        self,
        headers: Mapping[bytes, bytes],
        principal: Principal,
        end: End,
        *,
        now: datetime,
        address: str | None = None,
    ) -> Callable[[], None]:
        """Watch a line whose credential was proved just now; returns a function that stops it.

        Unavailable where there are too many.
        """
        kept = _as_shown(headers)
        name = tuple(kept.get(header) for header in HEADERS)
        watch = self._watches.get(name)
        group_id = principal.scope.group_id
        one = (group_id, principal.name)
        if (
            self.is_full
            or self._lines_of[group_id] >= MAX_LINES_OF_GROUP
            or self._lines_of[one] >= MAX_LINES_OF_ONE
        ):
            raise Unavailable("Too many lines are open. Please try again shortly.")
        if watch is None:
            watch = self._watches[name] = _Watch(kept, address, principal, now)
        line = object()
        watch.ends[line] = end
        self._lines += 1
        self._lines_of.update((group_id, one))
        if self._task is None:
            self._task = asyncio.create_task(self._look_again())

        def close() -> None:
            if watch.ends.pop(line, None) is not None:
                self._lines -= 1
                for counted in (group_id, one):
                    self._lines_of[counted] -= 1
                    if not self._lines_of[counted]:
                        del self._lines_of[counted]
            if not watch.ends and self._watches.get(name) is watch:
                del self._watches[name]

        return close

    async def close(self) -> None:
        """End every line."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for watch in list(self._watches.values()):
            _end_all(watch, None)

    async def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        rest_s = LOOK_EVERY_S
        while True:
            await asyncio.sleep(rest_s)
            started = loop.time()
            watches = list(self._watches.values())
            for at in range(0, len(watches), LOOKS_AT_ONCE):
                await asyncio.gather(*(self._prove(watch) for watch in watches[at : at + LOOKS_AT_ONCE]))
            rest_s = max(LOOK_EVERY_S / 10, LOOK_EVERY_S - (loop.time() - started))

    async def _prove(self, watch: _Watch) -> None:
        now = datetime.now(UTC)
        try:
            principal = self._authenticator.recall(watch.headers, now=now, address=watch.address)
            if principal is None:
                # It held when the line was opened: it is no guess.
                principal = await self._authenticator.by_headers(
                    watch.headers, now=now, address=watch.address, may_fail=True
                )
        except Unauthorized:
            _end_all(watch, Unauthorized("The credential does not hold any more."))
        except Forbidden as failure:
            _end_all(watch, failure)
        except Exception as problem:
            # The database is unreachable, or an outside issuer's keys are.
            if now - watch.proved_at > UNPROVEN_FOR:
                log.warning("a credential cannot be proved, its lines are closed: %s", problem)
                _end_all(watch, Unavailable("The credential cannot be checked just now: connect again."))
        else:
            watch.proved_at = now
            if principal != watch.principal:
                _end_all(watch, Forbidden("What the credential may do has changed: connect again."))


def _as_shown(headers: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The credential's headers, a token in one spelling: `bearer` is `Bearer`, and any blanks are one."""
    kept = {header: value for header in HEADERS if (value := headers.get(header)) is not None}
    bearer = read_bearer(kept.get(b"authorization", b"").decode("latin-1"))
    if bearer is not None:
        kept[b"authorization"] = b"Bearer " + bearer.encode("latin-1")
    return kept


def _end_all(watch: _Watch, failure: Failure | None) -> None:
    for end in list(watch.ends.values()):
        end(failure)
