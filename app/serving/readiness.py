"""Is the gateway alive, ready, and safe to run on this database?"""

import asyncio
import time
from hmac import compare_digest

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.db.database import APP_ROLE, GUARDED_READ_ROLE, READ_ROLE, Database
from app.errors import NotFound, Unavailable
from app.serving import metrics
from app.serving.addresses import address_of, is_loopback
from app.serving.standing import Standing

LOOK_AGAIN_AFTER_S = 1.0
ANSWERS_WITHIN_S = 1.5
"""How long the database may take to answer; ours comes within two seconds, whatever hangs."""

# The roles a pool's connections must have: policies do not apply to more powerful ones.
_WHO = "SELECT rolname, rolsuper OR rolbypassrls AS unbound FROM pg_roles WHERE rolname = current_user"
_HOW = "SELECT version_num, current_setting('transaction_read_only') = 'on' AS read_only FROM alembic_version"


_SILENT = "the database does not answer"


class UnsafeRole(Exception):
    """The gateway would bypass its row-level policies."""


async def check_roles(db: Database) -> None:
    """UnsafeRole unless both ways in act as their own role, without superuser or BYPASSRLS."""
    async with db.directory() as writer:
        await _check_role(writer, APP_ROLE)
    async with db.reader.connection() as reader:
        await _check_role(reader, GUARDED_READ_ROLE if db.guarded else READ_ROLE)


async def _check_role(connection: "asyncpg.Connection[asyncpg.Record]", wanted: str) -> None:
    found = await connection.fetchrow(_WHO)
    assert found is not None
    if found["rolname"] != wanted or found["unbound"]:
        raise UnsafeRole(
            f"The database lets us act as {found['rolname']}"
            f"{', which may go past the row-level policies' if found['unbound'] else ''}:"
            f" the role must be {wanted}, without SUPERUSER and BYPASSRLS (the migrations make it so)."
        )


class Readiness:
    """`/readyz`, `/healthz` and `/metrics`."""

    def __init__(
        self, db: Database, *, revision: str, metrics_token: str | None = None, development: bool = False
    ) -> None:
        """`revision`: the migration that a database must be at. `metrics_token`: what opens `/metrics`; without one it
        is open to this machine in development, and else to nobody.
        """
        self._db = db
        self._standing = Standing(db)
        self._metrics_token = metrics_token
        self._development = development
        self._revision = revision
        self._looked_at = float("-inf")
        self._problem: str | None = None
        self._began = 0.0
        self._looking: asyncio.Task[str | None] | None = None

    async def ready(self, _: Request) -> Response:
        """200 when the database answers and is migrated; else 503 with the reason."""
        problem = await self.problem()
        return JSONResponse(
            {"status": "unavailable", "reason": problem} if problem else {"status": "ready"},
            503 if problem else 200,
        )

    async def alive(self, _: Request) -> Response:
        """200 as long as the process answers at all."""
        return JSONResponse({"status": "alive"})

    async def metrics(self, request: Request) -> Response:
        """What Prometheus scrapes: it names routes and operations, so it is for the operator alone."""
        if self._metrics_token is None:
            if not (self._development and is_loopback(address_of(request.scope))):
                raise NotFound("route", request.scope["path"])
        elif not compare_digest(_bearer(request).encode(), self._metrics_token.encode()):
            return JSONResponse(
                {"message": "Send METRICS_TOKEN as a bearer token."}, 401, {"WWW-Authenticate": "Bearer"}
            )
        text, content_type = metrics.exposition()
        return PlainTextResponse(text + await self._standing.exposition(), media_type=content_type)

    async def problem(self) -> str | None:
        """Why we are not ready; kept for a second, so that probes cost the database little.

        However many ask, one looks. Where that takes too long, that is the answer, and the look goes on.
        """
        if self._looking is None and time.monotonic() - self._looked_at > LOOK_AGAIN_AFTER_S:
            self._began = time.monotonic()
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        if self._looking is not None:
            left_s = self._began + ANSWERS_WITHIN_S - time.monotonic()
            # Not cancelled with one of those who ask.
            done, _ = await asyncio.wait([self._looking], timeout=max(0.0, left_s))
            if not done:
                return _SILENT
        return self._problem

    def _looked(self, look: "asyncio.Task[str | None]") -> None:
        self._looking, self._looked_at = None, time.monotonic()
        self._problem = _SILENT if look.cancelled() else look.result()

    async def _look(self) -> str | None:
        try:
            found = await self._db.writer.ask(_HOW, within_s=ANSWERS_WITHIN_S)
        except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
            return "the database is not migrated"
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable):
            return _SILENT
        if found is None or found["version_num"] != self._revision:
            at = None if found is None else found["version_num"]
            return f"the database is at revision {at}, not {self._revision}"
        if found["read_only"]:
            return "the database can only be read"
        if self._db.writer.absence.is_full:
            return "the database has no room or no resources left"
        return None


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
