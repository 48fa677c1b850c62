"""Somebody who asks this module's database."""

import pytest

from app.db.database import Database
from app.settings import read_settings
from tests.given.asking import Asker


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """Asks this module's database."""
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))
