"""What is in the image: what runs, on bases that are named by digest, for a user who is not root."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LINE = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)", re.MULTILINE)


def pinned(name: str) -> dict[str, set[str]]:
    """The versions a lock holds, by package."""
    found: dict[str, set[str]] = {}
    for package, version in LINE.findall((ROOT / name).read_text(encoding="utf-8")):
        found.setdefault(package, set()).add(version)
    return found


def test_what_runs_is_part_of_what_is_developed_with() -> None:
    runs, all_of_it = pinned("requirements-run.lock"), pinned("requirements.lock")
    assert runs
    assert {
        name: versions for name, versions in runs.items() if not versions <= all_of_it.get(name, set())
    } == {}


def test_no_developers_tool_is_in_the_image() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[><=\[ ]", one)[0] for one in project["optional-dependencies"]["dev"]}
    runs = pinned("requirements-run.lock")
    # uvicorn's sockets are ours, and the tests' as well.
    assert names & set(runs) == {"websockets"}
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "requirements.lock" not in final
    assert "pip install --require-hashes -r requirements-run.lock" in DOCKERFILE


def test_bases_are_named_by_digest() -> None:
    bases = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
    used = re.findall(r"^FROM \$\{(\w+)\}", DOCKERFILE, re.MULTILINE)
    assert len(used) == len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE))
    for name in used:
        assert re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", bases[name]), name


def test_it_does_not_run_as_root() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER gateway$", final, re.MULTILINE)
