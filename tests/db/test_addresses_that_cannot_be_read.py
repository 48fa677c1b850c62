"""Addresses of databases that have a slip in them: told before anything is done, and without the password."""

from pathlib import Path

import pytest

from app.settings import read_settings

NAMES = ("DATABASE_URL", "DATABASE_READ_URL", "DATABASE_MIGRATE_URL")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@h:bad/db",
        "postgresql://u:s3cret@h:99999/db",
        "postgresql://u:s3cret@h:0/db",
        "postgresql://u:s3cret@h:-1/db",
        "postgresql://u:s3cret@h:54 32/db",
        "postgresql://u:s3cret@h:٣/db",
        "postgresql://u:s3cret@h:5432:1/db",
        "postgresql://u:s3cret@h1:5432,h2:bad/db",
        "postgresql://u:s3cret@h1,,h2/db",
        "postgresql://u:s3cret@h,/db",
        "postgresql://u:s3cret@[::1/db",
        "postgresql://u:s3cret@[::1]:bad/db",
        "postgresql://u:s3cret@[]/db",
        "postgresql://u:s3cret@::1/db",
        "postgresql://u:s3cret@/db?port=bad",
        "postgresql://u:s3cret@/db?host=a:bad",
        "postgresql://u:s3cret@/db?sslmode",
        # Passwords that were not encoded.
        "postgresql://u:s3#cret@h/db",
        "postgresql://u:5#cret@h/db",
        "postgresql://u:s3?cret@h/db",
        "postgresql://u:s3/cret@h/db",
        "postgresql://u:s3@cret@h/db",
        "postgresql://u:s3[cret@h/db",
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_slip_is_told_without_the_password(tmp_path: Path, name: str, url: str) -> None:
    with pytest.raises(SystemExit) as told:
        read_settings({"DATA_DIR": str(tmp_path), name: url})
    said = str(told.value)
    assert said.startswith(f"{name} is not understood: use postgresql://user:password@host:5432/database")
    assert len(said.splitlines()) == 1
    assert "s3" not in said
    assert "cret" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgres:///db",
        "postgresql://h:/db",
        "postgresql://u:p@:5432/db",
        "postgresql://u@h/db",
        "postgresql://u:p%23:q@h:65535/db?sslmode=require",
        "postgresql://u:p@h1:1,h2:2/db?target_session_attrs=primary",
        "postgresql://u:p@[::1],[fe80::2]:5/db",
        "postgresql://u:p@%2Fvar%2Frun:5433/db",
        "postgresql://u:p@/db?host=/var/run,/tmp&port=5432,5433",
    ],
)
def test_what_drivers_read_is_taken_as_it_is(tmp_path: Path, url: str) -> None:
    assert read_settings({"DATA_DIR": str(tmp_path), "DATABASE_URL": url}).database_url == url
