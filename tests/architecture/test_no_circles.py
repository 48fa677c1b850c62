"""No module of `app/` imports itself by way of others.

`lint-imports` holds the layers, and packages apart. A circle inside a package passes it, and so does one that is
closed under TYPE_CHECKING: Python puts up with that, a reader does not. Imports inside functions count, too. Names in
`strawberry.lazy(…)` are text, and do not.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Imports = Mapping[str, frozenset[str]]
"""Module → the modules it imports, of those there are."""


def module_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(text: str, known: Iterable[str]) -> frozenset[str]:
    """The known modules that a module's text imports, wherever in it."""
    known = set(known)
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            assert node.module is not None
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                found.add(inside if inside in known else node.module)
    return frozenset(found & known)


def shortest_circle(imports: Imports) -> list[str]:
    """The modules of a circle, the first one again at the end; empty where there is none."""
    shortest: list[str] = []
    for start in sorted(imports):
        found = list(_way_back(start, imports))
        if found and (not shortest or len(found) < len(shortest)):
            shortest = found
    return shortest


def _way_back(start: str, imports: Imports) -> Iterator[str]:
    """The shortest way from a module to itself."""
    came_from: dict[str, str] = {}
    pending = [start]
    while pending:
        at = pending.pop(0)
        for to in sorted(imports[at]):
            if to == start:
                way = [start, at]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                yield from reversed(way)
                return
            if to not in came_from:
                came_from[to] = at
                pending.append(to)


def test_no_module_imports_itself_by_way_of_others() -> None:
    texts = {module_of(path): path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py")}
    assert len(texts) > 300
    circle = shortest_circle({name: imports_of(text, texts) for name, text in texts.items()})
    assert not circle, "a circle of imports: " + " → ".join(circle)


@pytest.mark.parametrize(
    ("imports", "circle"),
    [
        ({"a": "b", "b": "c", "c": ""}, ""),
        ({"a": "a"}, "aa"),
        ({"a": "b", "b": "ca", "c": "a"}, "aba"),
        ({"x": "a", "a": "b", "b": "c", "c": "d", "d": "be"}, "bcdb"),
    ],
)
def test_the_shortest_circle_is_named(imports: dict[str, str], circle: str) -> None:
    graph = {name: frozenset(to) & imports.keys() for name, to in imports.items()}
    assert shortest_circle(graph) == list(circle)


def test_every_way_of_importing_counts() -> None:
    text = """
from typing import TYPE_CHECKING
import app.one
from app import two
from app.three import Thing
from app.gone import Thing
if TYPE_CHECKING:
    from app.four import Thing
def late():
    from app.five import six
    import app.seven as seven
lazy = strawberry.lazy("app.eight")
"""
    known = [f"app.{n}" for n in "one two three four five seven eight".split()]
    assert imports_of(text, [*known, "app.five.six"]) == {
        "app.one", "app.two", "app.three", "app.four", "app.five.six", "app.seven",
    }  # fmt: skip
