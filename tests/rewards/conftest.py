"""A group whose campaigns reward its customers."""

import pytest

from app.db.database import Database
from tests.given import rewards
from tests.given.rewards import Given


@pytest.fixture
async def world(db: Database) -> Given:
    """A new group with a partner and three customers."""
    return await rewards.given(db)
