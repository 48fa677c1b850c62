"""A table enters a statement of the graph through the door that brings its scope, and by no other way."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.tables.all import metadata

ROOT = Path(__file__).parents[2] / "app"
MODULES = sorted([*ROOT.joinpath("graph").rglob("*.py"), *ROOT.joinpath("plan").glob("*.py")])
MAKES_TREES = {"plan/sql.py": {"Sql"}, "plan/text.py": {"Sql", "Subselect"}, "plan/scoping.py": {"Table"}}
"""Where the tree's own classes are made by name; elsewhere SQL is written as templates."""
_REFERENCE = re.compile(
    rf"(?:\b(?:FROM|JOIN)|,)\s+({'|'.join(sorted(metadata.tables))})\b(?!\s*\.)", re.IGNORECASE
)


def faults(source: str, *, makes: frozenset[str] = frozenset()) -> Iterator[str]:
    """What is written past the door, with its line."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        name = node.func.id
        if name in {"Sql", "Subselect", "Table"} - makes:
            yield f"{node.lineno}: {name} is made by hand"
        if name not in {"sql", "verbatim"}:
            continue
        if name == "sql" and not (
            node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
        ):
            yield f"{node.lineno}: a template is a constant text"
        for text in ast.walk(ast.Module([ast.Expr(one) for one in node.args], [])):
            if isinstance(text, ast.Constant) and (found := _REFERENCE.search(str(text.value))):
                yield f"{text.lineno}: {found[1]} without the door"


def test_no_table_is_written_by_name() -> None:
    found = {}
    for module in MODULES:
        name = str(module.relative_to(ROOT))
        makes = frozenset(MAKES_TREES.get(name, ()))
        found[name] = list(faults(module.read_text(encoding="utf-8"), makes=makes))
    assert {name: told for name, told in found.items() if told} == {}
    assert sum("sql(" in module.read_text(encoding="utf-8") for module in MODULES) > 25


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('sql("SELECT 1 FROM store s")', "store without the door"),
        ('sql("SELECT 1 FROM {a}, store s", a=a)', "store without the door"),
        ('sql("""\nx JOIN\n  campaign c ON true""")', "campaign without the door"),
        ('sql("select 1 from event_fault ef")', "event_fault without the door"),
        ('joined(", ", [sql("(SELECT min(id) FROM project)")])', "project without the door"),
        ('verbatim("FROM store")', "store without the door"),
        ('verbatim(f"FROM store {alias}")', "store without the door"),
        ('sql(f"SELECT {name}")', "constant"),
        ("sql(template)", "constant"),
        ('sql("a" + b)', "constant"),
        ('Sql(("FROM store",))', "Sql is made by hand"),
        ('Table("s", "store", ())', "Table is made by hand"),
    ],
)
def test_what_is_written_past_the_door_is_found(source: str, told: str) -> None:
    assert told in next(faults(source))


@pytest.mark.parametrize(
    "source",
    [
        'sql("SELECT {s.id} FROM {s} WHERE {s.scope}", s=s)',
        'sql("SELECT bucket FROM facts JOIN facts f ON true")',
        'sql("extract(epoch FROM event.at)")',
        'sql("SELECT 1 FROM unnest({x}) store_1", x=x)',
        '"SELECT 1 FROM store"',
    ],
)
def test_what_is_none_is_left_alone(source: str) -> None:
    assert list(faults(source)) == []
