"""Which statements a transaction sends, for tests that count them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.db.database import Transaction


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The statements that transactions run inside, as they begin. The driver's own log misses prepared ones."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            patch.setattr(Transaction, name, _noted(getattr(Transaction, name), said))
        yield said


def _noted(run: Any, said: list[str]) -> Any:
    async def noted(self: Transaction, sql: str, *values: object) -> Any:
        said.append(sql)
        return await run(self, sql, *values)

    return noted
