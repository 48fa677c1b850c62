"""A gateway is pulled by the five documented APIs, and a pull that is killed goes on."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.moving.keeping import Folder
from app.moving.kept import file_of, read_manifest, read_pulled, routes_of
from app.moving.pulling import Pulled, pull
from app.moving.walks.all import WALKS
from tests.moving.conftest import Side
from tests.moving.old_host import OldHost, Said
from tests.serving.process import COMMAND, environment, free_port

NOW = datetime.now(UTC)


async def pulled(system: str, old: Side, into: Path, *, now: datetime = NOW) -> Pulled:
    """All of one system."""
    project = {"project": old.group.project}
    starts = [project, {**project, "integration": old.group.integration}]
    starts += [{**project, "user": f"{number:024x}"} for number in range(1, 30)]
    walk = WALKS[system]
    with Folder(into, walk, source="http://old.test", now=now) as folder:
        async with old.host(system) as host:
            return await pull(walk, host, folder, starts=starts if system == "webmarketer" else ())


@pytest.mark.parametrize("system", WALKS)
async def test_everything_a_gateway_prints_is_kept(system: str, old: Side, tmp_path: Path) -> None:
    done = await pulled(system, old, tmp_path)
    assert done.complete
    assert done.notes == []
    answers = list(read_pulled(tmp_path, system))
    # Every event of the demonstration that was processed is in its user's list.
    nothing = {"GET /api/v1/projects/{projectId}/events/{id}"}
    assert {one.route for one in answers} | nothing == set(routes_of(WALKS[system])) | nothing
    for one in answers:
        json.loads(one.answer)
    later = await pulled(system, old, tmp_path, now=NOW + timedelta(seconds=1))
    assert later.run == 2
    assert later.complete
    assert later.counts.get("changed", 0) == 0
    # A later run asks for the trash of the time since; all else is what it was.
    assert {(one.request, one.body, one.answer) for one in answers} <= {
        (one.request, one.body, one.answer) for one in read_pulled(tmp_path, system)
    }


async def test_what_cannot_have_changed_is_not_asked_again(old: Side, tmp_path: Path) -> None:
    await pulled("lagriffe", old, tmp_path)
    later = await pulled("lagriffe", old, tmp_path, now=NOW + timedelta(seconds=1))
    campaigns = len([one for one in read_pulled(tmp_path) if one.route == "GET /api/campaigns/{id}"])
    assert later.counts["reused"] == campaigns
    await old.change(
        "UPDATE campaign SET name = name || ' 2', updated_at = now() WHERE id = (SELECT min(id) FROM campaign)"
    )
    third = await pulled("lagriffe", old, tmp_path, now=NOW + timedelta(seconds=2))
    assert third.counts["reused"] == campaigns - 1
    assert third.counts["changed"] >= 2
    await pulled("webmarketer", old, tmp_path)
    later = await pulled("webmarketer", old, tmp_path, now=NOW + timedelta(seconds=1))
    raw = [one for one in read_pulled(tmp_path, "webmarketer") if "raw-events" in one.route]
    assert later.counts["reused"] == len(raw) > 0
    assert later.counts.get("changed", 0) == 0
    assert later.counts["kept"] == 1


def _setting(reached: asyncio.Event, target: int) -> Callable[[int, str], Said | None]:
    """Says when so many requests have come."""

    def before(count: int, path: str) -> Said | None:
        if count >= target:
            reached.set()
        return None

    return before


@asynccontextmanager
async def listening(host: OldHost) -> AsyncIterator[str]:
    """The old host on a port of this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, headers, body = host.answer(head.split()[1])
        lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield f"http://127.0.0.1:{port}"


async def test_a_killed_pull_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    host = OldHost.of(400)
    async with listening(host) as address:
        arguments = ["pull", "crm", "--from", address, "--credential", "k", "--into", str(tmp_path)]

        async def run(**how: Any) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                *COMMAND, *arguments, "--rate", "2000", env=environment(tmp_path),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, **how,
            )  # fmt: skip

        for target in (30, 150, 300):
            reached = asyncio.Event()
            host.before = _setting(reached, target)
            process = await run()
            async with asyncio.timeout(60):
                await reached.wait()
            process.kill()
            await process.communicate()
        assert read_manifest(tmp_path / "crm")["state"] != "complete"
        process = await run()
        said = (await process.communicate())[0].decode()
        assert process.returncode == 0, said
        assert "run 1 is complete" in said
    names = Counter(one.names.get("campaign") for one in read_pulled(tmp_path))
    del names[None]
    assert names == Counter(f"camp_{n}" for n in range(1, 401))
    # Only what was under way when it was killed, four at a time.
    assert sum(count - 1 for count in host.asked.values()) <= 3 * 4
    assert read_manifest(tmp_path / "crm")["state"] == "complete"


async def test_files_are_kept_by_their_ids(tmp_path: Path) -> None:
    import httpx

    from app.moving.hosts import Host, Pace

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/files/"):
            assert "x-api-key" not in request.headers
            if request.url.path == "/files/gone":
                return httpx.Response(410)
            return httpx.Response(200, content=b"PDF")
        assert request.headers["x-api-key"] == "secret"
        row = {"id": 7, "external_beacon_key": "b", "updated_at": "1"}
        if request.url.path == "/api/campaigns":
            return httpx.Response(200, json={"data": [row]})
        assets = [
            {
                "id": 17,
                "name": "../brief.pdf",
                "size": 3,
                "url": "https://files.test/files/brief?signature=x",
            },
            {"id": "a/../b", "name": "b", "size": 3, "url": "https://files.test/files/b"},
            {"id": 18, "name": "c", "size": 3, "url": "https://files.test/files/gone"},
            {"id": 19, "name": "d", "size": 3, "url": "file:///etc/passwd"},
            {"id": 20, "name": "e", "size": 3, "url": None},
        ]
        return httpx.Response(200, json={"data": {**row, "assets": assets}})

    walk = WALKS["lagriffe"]
    with Folder(tmp_path, walk, source="https://old.test", now=NOW) as folder:
        pace = Pace(rate=1e6, attempts=1)
        headers = {"X-API-KEY": "secret"}
        async with Host(
            "https://old.test", headers=headers, pace=pace, transport=httpx.MockTransport(answer)
        ) as host:
            done = await pull(walk, host, folder)
    assert done.complete
    assert (done.counts["files"], done.counts["files missing"]) == (2, 2)
    kept = file_of(tmp_path, "lagriffe", "17")
    assert kept is not None
    assert kept.read_bytes() == b"PDF"
    odd = file_of(tmp_path, "lagriffe", "a/../b")
    assert odd is not None
    assert odd.parent == kept.parent
    assert file_of(tmp_path, "lagriffe", "18") is None
    assert len(list(kept.parent.iterdir())) == 2
