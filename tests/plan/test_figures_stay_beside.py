"""Tables that figures read without predicates of a narrower scope are tied to rows that have them."""

from collections import defaultdict

import pytest

from app.graph.schema import catalog
from tests.given.questions import FURTHER
from tests.plan.planning import plan
from tests.plan.scope_of_sql import Level, levels
from tests.plan.test_golden import CASES, read

KEYS: dict[str, set[str]] = defaultdict(set)
for entity in catalog.entities.values():
    if entity.store.how == "beside":
        assert entity.project == entity.store
        KEYS[entity.table] |= set(entity.store.keys)
FIGURES = ("attribution_", "attributed_", "insights_", "funnel_", "metrics_", "figures_")
QUESTIONS = {
    **{name: (question, {}) for name, question in FURTHER.items()},
    **{case.name: read(case)[:2] for case in CASES if case.name.startswith(FIGURES)},
}


def untied(text: str) -> list[str]:
    """References to those tables whose keys are compared with nothing in the same query."""
    found = []
    for level in levels(text).walk():
        for at, item in enumerate(level.items if level.is_select else []):
            if isinstance(item, str) and item in KEYS and level.items[at - 1] in ("FROM", "JOIN"):
                alias = str(level.items[at + 1])
                if not any(_compares(level, alias, key) for key in KEYS[item]):
                    found.append(f"{item} {alias}")
    return found


def _compares(level: Level, alias: str, key: str) -> bool:
    for at in range(len(level.items) - 2):
        if level.items[at : at + 3] == [alias, ".", key]:
            before = level.items[at - 1]
            after = level.items[at + 3] if at + 3 < len(level.items) else ""
            if (before in ("WHERE", "ON", "AND") and after in ("=", "IN")) or before == "=":
                return True
    return False


@pytest.mark.parametrize("shape", ["s", "p", "sp"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_read_beside_rows_in_scope_is_tied_to_them(name: str, shape: str) -> None:
    query, variables = QUESTIONS[name]
    statement = plan(query, variables, shape=shape)[0].statement
    assert statement is not None
    assert untied(statement.text) == []


def test_all_of_them_are_asked_for() -> None:
    read_by = " ".join(
        statement.text
        for query, variables in QUESTIONS.values()
        if (statement := plan(query, variables)[0].statement) is not None
    )
    assert {table for table in KEYS if f" {table} " not in read_by} == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT 1 FROM interaction t WHERE t.group_id = $1 AND t.project_id = s.project_id", []),
        ("SELECT 1 FROM interaction t WHERE t.group_id = $1", ["interaction t"]),
        ("SELECT 1 FROM interaction t WHERE t.project_id IS NOT NULL", ["interaction t"]),
        ("SELECT 1 FROM interaction t WHERE EXISTS (SELECT 1 WHERE t.project_id = 1)", ["interaction t"]),
        ("SELECT 1 FROM spend_entry s JOIN campaign c ON c.id = s.campaign_id", []),
        ("SELECT s.campaign_id FROM spend_entry s", ["spend_entry s"]),
    ],
)
def test_the_reader_knows_what_ties(text: str, found: list[str]) -> None:
    assert untied(text) == found
