"""Whoever may write nothing sends no files: the role is looked at before the form is read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
from starlette.types import ASGIApp

from app.auth.keys import create_api_key
from app.db.database import Database
from tests.given import groups

TYPE = {"Content-Type": "multipart/form-data; boundary=x", "GraphQL-Require-Preflight": "1"}


async def test_a_reading_key_is_refused_before_its_form_is_read(gateway: ASGIApp, db: Database) -> None:
    given = await groups.group(db)
    key = await create_api_key(db, group_id=given.group_id, name="r", now=datetime.now(UTC), access="read")
    for path in ("/graphql", "/api/campaigns"):
        read = 0

        async def body() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(2_000):
                read += 1
                yield b"x" * 64_000

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(gateway), base_url="http://gateway.test"
        ) as http:
            answer = await http.post(path, content=body(), headers={**TYPE, "X-API-KEY": key.secret})
        assert answer.status_code == 403, (path, answer.text)
        assert read < 5, path
