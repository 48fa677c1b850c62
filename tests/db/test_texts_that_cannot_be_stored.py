"""What a way in has overlooked is still the client's mistake, not ours."""

import pytest

from app.db.database import Database
from app.errors import Invalid
from app.values.scope import Scope

TEXTS = ["a\0b", "\0", "\ud800", "x\udfff"]


@pytest.mark.parametrize("text", TEXTS)
async def test_in_a_transaction(db: Database, text: str) -> None:
    for statement in ("SELECT $1::text", "SELECT $1::json", "SELECT upper($1)"):
        with pytest.raises(Invalid):
            async with db.transaction(Scope(1)) as tx:
                await tx.fetchval(statement, text)


@pytest.mark.parametrize("text", TEXTS)
async def test_in_a_read(db: Database, text: str) -> None:
    for _ in range(3):
        with pytest.raises(Invalid):
            await db.read("SELECT convert_to($1::text, 'UTF8')", [text], Scope(1))


async def test_inside_a_document(db: Database) -> None:
    with pytest.raises(Invalid):
        async with db.transaction(Scope(1)) as tx:
            await tx.fetchval("SELECT $1::jsonb", '{"a": "\\u0000"}')
