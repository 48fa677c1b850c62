"""What we use of libraries beyond their documentation has one file each, which says what and why."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("uvicorn_parts.py", "strawberry_parts.py", "graphql_parts.py")
LIBRARIES = ("uvicorn", "strawberry", "graphql")
DOCUMENTED = {"strawberry.schema.config"}
"""Modules that the documentation itself imports from."""
PUBLIC = {"_replace", "_asdict", "_fields", "_exit"}
"""Documented, whatever they begin with: of named tuples, and `os._exit`."""


def private_parts(text: str) -> list[str]:
    """Modules and attributes in a module's text that only its file of parts may name."""
    tree = ast.parse(text)
    own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_own(node)}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and "." in node.module:
            library = node.module.partition(".")[0]
            if library in LIBRARIES and node.module not in DOCUMENTED:
                found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [a.name for a in node.names if "." in a.name and a.name.partition(".")[0] in LIBRARIES]
        elif isinstance(node, ast.Attribute) and not _is_own(node):
            is_private = node.attr.startswith("_") and not node.attr.endswith("__")
            if is_private and node.attr not in own | PUBLIC:
                found.append(node.attr)
        elif isinstance(node, ast.Constant) and node.value == "strawberry-definition":
            found.append(node.value)
    return found


def _is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


def test_private_parts_are_named_in_one_file_for_each_library() -> None:
    found = {
        str(path.relative_to(ROOT)): parts
        for path in (ROOT / "app").rglob("*.py")
        if path.name not in PARTS and (parts := private_parts(path.read_text(encoding="utf-8")))
    }
    # The embedded server's package has no other way to start and stop it from several processes at once.
    assert set(found.pop("app/db/embedded.py")) == {"_lock", "_postmaster_info", "_instances"}
    # The driver shows its socket to nobody, and keep-alives are set on it.
    assert found.pop("app/db/connecting.py") == ["_transport"]
    assert found == {}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("from uvicorn.server import ServerState", ["uvicorn.server"]),
        ("import graphql.execution.values", ["graphql.execution.values"]),
        ("import uvicorn\nfrom graphql import parse", []),
        ("from strawberry.schema.config import StrawberryConfig", []),
        ("schema._schema.type_map", ["_schema"]),
        ("info._raw_info", ["_raw_info"]),
        ("parts._replace(netloc='')", []),
        ("class A:\n    def __eq__(self, other): return self._b == other._b", []),
        ("kind.extensions['strawberry-definition']", ["strawberry-definition"]),
    ],
)
def test_what_counts_as_one(text: str, parts: list[str]) -> None:
    assert private_parts(text) == parts
