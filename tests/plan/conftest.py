"""Two groups with rows in every table, and somebody who asks."""

import pytest

from app.db.database import Database
from app.settings import read_settings
from tests.given.asking import Asker
from tests.given.everything import Everything, everything


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """Asks this module's database."""
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


@pytest.fixture(scope="module")
async def ours(db: Database) -> Everything:
    """The group that asks."""
    return await everything(db, "ours")


@pytest.fixture(scope="module")
async def theirs(db: Database, ours: Everything) -> Everything:
    """Another group."""
    return await everything(db, "theirs")
