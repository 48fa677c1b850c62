"""Shops that events are sent to; their queues are closed at the end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from app.db.database import Database
from tests.given import events
from tests.given.events import Shop

OpenShop = Callable[..., Awaitable[Shop]]


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[OpenShop]:
    """Makes a project of a group of its own, with the event type `purchase`."""
    opened: list[Shop] = []

    async def made(**declared: Any) -> Shop:
        opened.append(await events.shop(db, **declared))
        return opened[-1]

    yield made
    for one in opened:
        await one.acceptor.close()
