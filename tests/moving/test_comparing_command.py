"""`gateway compare`, as an operator calls it, against a running gateway."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.moving.kept import read_pulled
from tests.serving.process import Gateway, data_folder, free_port, run, serving


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Gateway]:
    """A gateway with its two demonstration groups."""
    with data_folder() as folder:
        async with serving(folder, WORKER_INLINE="0") as gateway:
            yield gateway


def groups(served: Gateway) -> list[dict[str, Any]]:
    """The credentials of both."""
    return list(json.loads((served.folder / "demo.json").read_text())["groups"])


async def compared(
    served: Gateway, old: dict[str, Any], new: dict[str, Any], *more: str, system: str = "all"
) -> tuple[int, str]:
    """One group against another one, or against itself."""
    credentials = []
    for option, group in (("--old-credential", old), ("--new-credential", new)):
        credentials += [option, group["token"], option, f"lagriffe={group['api_key']}"]
    return await run(
        "compare", system, "--old", served.base, "--new", served.base + "/", *credentials, "--rate", "1000", *more,
        folder=served.folder,
    )  # fmt: skip


async def test_a_host_is_equal_to_itself(served: Gateway, tmp_path: Path) -> None:
    group, _ = groups(served)
    page = tmp_path / "page.html"
    status, said = await compared(
        served, group, group, "--project", group["project"], "--integration", group["integration"],
        "--users", "1-20", "--html", str(page),
    )  # fmt: skip
    assert status == 0, said
    assert "No differences" in said
    text = page.read_text()
    assert "No differences" in text
    assert "users/{id}/events" in text


async def test_what_differs_is_told_with_an_exit_status(served: Gateway, tmp_path: Path) -> None:
    one, other = groups(served)
    page = tmp_path / "page.html"
    status, said = await compared(served, one, other, "--json", "--html", str(page), system="lagriffe")
    assert status == 1, said
    told = json.loads(said[said.index('{"') :].splitlines()[0])
    assert told["differences"] > 0
    kinds = {(group["kind"], group["key"]) for group in told["groups"]}
    assert ("row missing", "data[]") in kinds
    assert ("status", "") in kinds
    assert all(1 <= len(group["examples"]) <= 3 for group in told["groups"])
    assert told["old"] == {"lagriffe": served.base}
    assert "differences of" in page.read_text()


async def test_a_recorded_list_is_asked(served: Gateway, tmp_path: Path) -> None:
    one, other = groups(served)
    log = tmp_path / "access.log"
    log.write_text(
        '10.0.0.1 - - [30/Nov/2026:10:00:00 +0000] "GET /campaigns?limit=1 HTTP/1.1" 200 512\n'
        '10.0.0.1 - - [30/Nov/2026:10:00:00 +0000] "PATCH /api/campaigns/1 HTTP/1.1" 405 512\n'
    )
    status, said = await compared(served, one, one, "--requests", str(log))
    assert status == 0, said
    assert "1 requests were asked of both" in said
    assert "1 recorded requests were left out: PATCH, which does not read." in said
    status, said = await compared(served, one, other, "--requests", str(log))
    assert status == 1, said
    log.write_text("nothing that reads\n")
    status, said = await compared(served, one, one, "--requests", str(log))
    assert status == 2, said
    log.write_text("GET /campaigns?limit=1\n")
    status, said = await compared(served, one, other, "--requests", str(log))
    assert "GET /campaigns?limit=1" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--old", "http://127.0.0.1:9", "--old-credential", "x"], "gives no answer"),
        (["--old", "here", "--old-credential", "x"], "is an address like"),
        (["--old", "{base}", "--old-credential", "nobody"], "refuses the credential"),
        (["--old", "{base}", "--old-credential", "env:NOT_THERE"], "NOT_THERE"),
        (["--old", "crm={base}", "--old-credential", "x"], "`--old` for benji"),
    ],
)
async def test_what_cannot_be_compared_is_one_line(arguments: list[str], told: str, served: Gateway) -> None:
    group, _ = groups(served)
    given = [one.replace("{base}", served.base) for one in arguments]
    status, said = await run(
        "compare", "benji", *given, "--new", served.base, "--new-credential", group["token"], "--attempts", "2",
        folder=served.folder,
    )  # fmt: skip
    assert status == 2, said
    assert told in said
    assert "Traceback" not in said


async def test_what_was_pulled_is_a_list_to_compare_by(served: Gateway, tmp_path: Path) -> None:
    group, _ = groups(served)
    credentials = ["--credential", group["token"], "--credential", f"lagriffe={group['api_key']}"]
    status, said = await run(
        "pull", "all", "--from", served.base, *credentials, "--into", str(tmp_path / "old"),
        "--project", group["project"], "--integration", group["integration"], "--rate", "1000",
        "--at", "crm=/v1/commerce/marketing", "--at", "webmarketer=/", folder=served.folder,
    )  # fmt: skip
    assert status == 0, said
    for system in ("lagriffe", "crm", "webmarketer", "benji", "criteo"):
        assert f"{system}: run 1 is complete" in said
    kept = list(read_pulled(tmp_path / "old"))
    assert any(one.request.startswith("/v1/commerce/marketing/segments") for one in kept)
    assert any(one.request.startswith("/projects/") for one in kept)
    assert {one.route for one in kept if one.system == "benji"} == {"GET /campaigns"}
    assert list((tmp_path / "old" / "lagriffe" / "files").iterdir())
    status, said = await compared(served, group, group, "--requests", str(tmp_path / "old"))
    assert status == 0, said
    asked = sum(len(path.read_text().splitlines()) for path in (tmp_path / "old").glob("*/*.jsonl"))
    assert asked >= len(kept)  # Those that were not found are kept, too.
    assert f"{asked} requests were asked of both" in said


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--credential", "nobody", "--from", "{base}"], 2, "refuses the credential (401)"),
        (["--credential", "x", "--from", "{base}", "--at", "crm=/elsewhere"], 2, "crm=/api/v1/marketing"),
        (["--credential", "x", "--from", "{base}", "--users", "many"], 2, "like 1-5000"),
        (["--credential", "x", "--from", "{base}", "--project", "\udcff"], 2, "is no id"),
    ],
)
async def test_what_cannot_be_pulled_is_said(
    arguments: list[str], status: int, told: str, served: Gateway, tmp_path: Path
) -> None:
    given = [one.replace("{base}", served.base) for one in arguments]
    ended, said = await run(
        "pull",
        "webmarketer",
        *given,
        "--project",
        "maison-lumiere",
        "--into",
        str(tmp_path),
        folder=served.folder,
    )
    assert ended == status, said
    assert told in said
    assert "Traceback" not in said


async def test_what_was_found_before_a_host_went_away_is_told(served: Gateway, tmp_path: Path) -> None:
    group, _ = groups(served)
    page = tmp_path / "page.html"
    status, said = await run(
        "compare", "all", "--old", served.base, "--new", f"benji=http://127.0.0.1:{free_port()}", "--new", served.base,
        "--old-credential", group["token"], "--old-credential", f"lagriffe={group['api_key']}",
        "--new-credential", group["token"], "--new-credential", f"lagriffe={group['api_key']}",
        "--attempts", "1", "--rate", "1000", "--html", str(page), folder=served.folder,
    )  # fmt: skip
    assert status == 2, said
    assert "It ended early." in said
    assert "lagriffe" in page.read_text()
    status, said = await compared(served, group, group, "--html", str(tmp_path / "no" / "page.html"))
    assert status == 2
    assert "cannot be written" in said
