"""What the tests of credentials share: a fixed moment, settings, an authenticator, a count of look-ups."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.auth.credentials import Authenticator
from app.db.database import Database
from app.settings import Settings, read_settings

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
JWT_SECRET = "a shared secret of more than thirty-two bytes"


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., Settings]:
    """Settings from environment variables, with a known HS256 secret."""

    def make(**environ: str) -> Settings:
        return read_settings({"DATA_DIR": str(tmp_path), "JWT_SECRET": JWT_SECRET, **environ})

    return make


@pytest.fixture
def settings(settings_of: Callable[..., Settings]) -> Settings:
    """The settings of a gateway that only knows its own tokens."""
    return settings_of()


@pytest.fixture
def authenticator(settings: Settings, db: Database) -> Authenticator:
    """One process's authenticator, with nothing remembered."""
    return Authenticator(settings, db)


class Visits:
    """How often the database was asked for a connection."""

    def __init__(self, db: Database) -> None:
        self._db, self._before = db, db.writer.taken

    @property
    def count(self) -> int:
        """From the beginning of the test."""
        return self._db.writer.taken - self._before


@pytest.fixture
def visits(db: Database) -> Visits:
    """Counts from here on."""
    return Visits(db)
