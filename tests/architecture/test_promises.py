"""Every promise of a finished API is ticked by a test that exists."""

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROMISES: dict[str, Any] = tomllib.loads((ROOT / "tests" / "promises.toml").read_text(encoding="utf-8"))
FINISHED: dict[str, dict[str, int]] = PROMISES.pop("finished")


@cache
def functions_in(path: str) -> frozenset[str]:
    """The names of the test functions in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@pytest.mark.parametrize("api", FINISHED)
def test_a_finished_api_has_a_line_for_each_of_its_promises(api: str) -> None:
    counts = FINISHED[api]
    due = {f"{api}-{n:02}" for n in range(1, counts["items"] + 1)}
    due |= {f"{api}-C{n}" for n in range(1, counts["contradictions"] + 1)}
    assert due <= PROMISES.keys()


@pytest.mark.parametrize("promise", PROMISES)
def test_the_test_that_ticks_a_promise_exists(promise: str) -> None:
    line = PROMISES[promise]
    assert line["says"]
    named = [line["test"]] if isinstance(line["test"], str) else line["test"]
    assert named
    for test in named:
        path, _, function = test.partition("::")
        assert function in functions_in(path), f"{promise} is ticked by {test}, which does not exist"
