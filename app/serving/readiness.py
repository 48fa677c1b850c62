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

LOOK_AGAIN_AFTER_S = 1.0
ANSWERS_WITHIN_S = 2.0

# The roles a pool's connections must have: policies do not apply to more powerful ones.
_WHO = "SELECT rolname, rolsuper OR rolbypassrls AS unbound FROM pg_roles WHERE rolname = current_user"
_REVISION = "SELECT version_num FROM alembic_version"


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
        self._metrics_token = metrics_token
        self._development = development
        self._revision = revision
        self._looked_at = float("-inf")
        self._problem: str | None = None

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
        return PlainTextResponse(text, media_type=content_type)

    async def problem(self) -> str | None:
        """Why we are not ready; kept for a second, so that probes cost the database little."""
        if time.monotonic() - self._looked_at > LOOK_AGAIN_AFTER_S:
            self._problem = await self._look()
            self._looked_at = time.monotonic()
        return self._problem

    async def _look(self) -> str | None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                async with self._db.reader.connection() as reader:
                    await reader.fetchval("SELECT 1")
                async with self._db.directory() as connection:
                    revision = await connection.fetchval(_REVISION)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable):
            return "the database does not answer"
        if revision != self._revision:
            return f"the database is at revision {revision}, not {self._revision}"
        return None


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
