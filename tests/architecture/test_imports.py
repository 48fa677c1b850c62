"""Imports go downward: the contracts in pyproject.toml hold."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_imports_go_downward() -> None:
    # In a process of its own: the linter sets up logging for the whole process it runs in.
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
