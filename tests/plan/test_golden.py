"""What the planner writes, kept to be read: `cases/<name>/query.graphql` becomes `expected.sql`.

`GOLDEN=1 make test TESTS=tests/plan/test_golden.py` writes the files anew; the difference is then reviewed. A first
line `# Scope: sp` plans for a scope with a store (s) and projects (p).
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.plan.laying_out import laid_out
from tests.plan.planning import plan
from tests.plan.scope_of_sql import group_parameters, tokens, unscoped

CASES = sorted(Path(__file__).parent.joinpath("cases").iterdir())
WRITE = bool(os.environ.get("GOLDEN"))


def read(case: Path) -> tuple[str, dict[str, Any], str]:
    """The query, its variables, the scope's shape."""
    query = case.joinpath("query.graphql").read_text(encoding="utf-8")
    given = case / "variables.json"
    variables = json.loads(given.read_text(encoding="utf-8")) if given.exists() else {}
    first = query.partition("\n")[0]
    return query, variables, first.removeprefix("# Scope: ") if first.startswith("# Scope: ") else ""


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_statement_is_the_one_that_was_reviewed(case: Path) -> None:
    query, variables, shape = read(case)
    made, _ = plan(query, variables, shape=shape)
    assert made.statement is not None, made.reason
    text = laid_out(made.statement.text)
    # Line breaks are all that was added.
    assert tokens(text) == tokens(made.statement.text)
    group, groups = group_parameters(made.statement.params)
    assert unscoped(text, group=group, groups=groups) == []
    expected = case / "expected.sql"
    if WRITE:
        expected.write_text(text, encoding="utf-8")
    assert expected.exists(), "write it with GOLDEN=1"
    assert text == expected.read_text(encoding="utf-8"), "if that is meant, write it anew with GOLDEN=1"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
async def test_the_statement_answers_as_the_resolvers_do(asker: Asker, ours: Everything, case: Path) -> None:
    query, variables, shape = read(case)
    scope = {"": ours.scope, "s": ours.store_scope, "p": ours.project_scope}.get(shape)
    if scope is None:
        scope = type(ours.scope)(ours.group_id, ours.store_ids[0], (ours.project_ids[0],))
    planned, resolved = await asker.both(scope, query, **variables)
    assert (planned.execution, resolved.execution) == ("planned", "resolved")
    assert not planned.errors
    assert json.loads(planned.body) == json.loads(resolved.body)


def test_every_case_is_complete() -> None:
    for case in CASES:
        assert {"query.graphql", "expected.sql"} <= {file.name for file in case.iterdir()}, case.name
