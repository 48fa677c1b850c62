"""A revision does tomorrow what it does today: it reads nothing that can change under it."""

import ast
import re
import sys
from pathlib import Path

import pytest

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
FROZEN = re.compile(r"\w+_\d{4}")
"""Modules that several revisions use. They carry the number of the first, and do not change either."""
LIBRARIES = {"alembic", "phonenumbers", "sqlalchemy"}
"""Numbering plans move with their library: a number's key must be the one it would get today."""

REVISIONS = sorted((MIGRATIONS / "versions").glob("*.py"))
SHARED = sorted(path for path in MIGRATIONS.glob("*.py") if FROZEN.fullmatch(path.stem))


def moving_parts(text: str) -> list[str]:
    """What a revision's text imports that may change after its release."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        else:
            continue
        found += [name for name in names if not _is_still(name)]
    return found


def _is_still(module: str) -> bool:
    first, _, rest = module.partition(".")
    if first == "migrations":
        return FROZEN.fullmatch(rest) is not None
    return first in LIBRARIES or first in sys.stdlib_module_names


@pytest.mark.parametrize("path", [*REVISIONS, *SHARED, MIGRATIONS / "env.py"], ids=lambda path: path.stem)
def test_it_imports_nothing_of_ours(path: Path) -> None:
    assert moving_parts(path.read_text(encoding="utf-8")) == []


def test_the_draft_of_a_revision_imports_nothing_of_ours() -> None:
    text = (MIGRATIONS / "script.py.mako").read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imports
    assert moving_parts("\n".join(imports)) == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("from app.db.database import COUNTED", ["app.db.database"]),
        ("def upgrade():\n    import app.tables.all", ["app.tables.all"]),
        ("from migrations.versions import x", ["migrations.versions"]),
        ("import sqlmodel", ["sqlmodel"]),
        ("import sqlalchemy as sa\nfrom alembic import op\nfrom typing import Any", []),
        ("from migrations.grants_0003 import protect", []),
    ],
)
def test_what_moves_is_found(text: str, parts: list[str]) -> None:
    assert moving_parts(text) == parts
