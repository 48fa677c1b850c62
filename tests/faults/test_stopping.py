"""Whatever hangs, the process ends in time; children end with their parent, the embedded server with its last user."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.db import postmaster
from app.serving.stopping import STOPS_WITHIN_S, Stopping
from tests.serving.process import COMMAND, data_folder, environment, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR; whatever is left of its database is ended."""
    with data_folder() as made:
        yield made
        for process in postmaster.processes(made / "postgres"):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
                process.kill()


def frozen(folder: Path) -> list[psutil.Process]:
    """The database hangs: all of its processes are stopped."""
    found = postmaster.processes(folder / "postgres")
    for process in found:
        process.suspend()
    return found


async def gone(folder: Path, *, within_s: float = 5) -> bool:
    """Whether no process of the embedded server is left after a while."""
    end = time.monotonic() + within_s
    while postmaster.processes(folder / "postgres"):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


async def test_a_frozen_database_does_not_hold_up_the_end(folder: Path) -> None:
    async with serving(folder) as gateway:
        key = {"X-API-KEY": gateway.demo["api_key"]}
        frozen(folder)
        asked = [
            asyncio.create_task(gateway.http.post("/graphql", json={"query": query}, headers=key))
            for query in (
                "{ campaigns(first: 1) { nodes { name } } }",
                'mutation { campaignDelete(input: {id: "camp_1"}) { errors { code } } }',
            )
        ]
        await asyncio.sleep(0.5)
        started = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOPS_WITHIN_S + 2):
            await gateway.process.wait()
        assert time.monotonic() - started < STOPS_WITHIN_S + 2
        await asyncio.gather(*asked, return_exceptions=True)
    assert await gone(folder)
    # It starts again: what was committed is in its log.
    async with serving(folder) as again:
        assert (await again.http.get("/readyz")).status_code == 200
        assert await again.stop() == 0


async def test_a_second_signal_means_now(folder: Path) -> None:
    async with serving(folder) as gateway:
        frozen(folder)
        asked = asyncio.create_task(
            gateway.http.post(
                "/graphql",
                json={"query": "{ campaigns(first: 1) { nodes { name } } }"},
                headers={"X-API-KEY": gateway.demo["api_key"]},
            )
        )
        await asyncio.sleep(0.3)
        gateway.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert gateway.process.returncode is None
        gateway.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(3):
            await gateway.process.wait()
        await asyncio.gather(asked, return_exceptions=True)
    assert await gone(folder)


async def test_children_end_with_their_parent_and_free_its_port(folder: Path) -> None:
    async with serving(folder, WORKERS="2") as gateway:
        port = gateway.base.rpartition(":")[2]
        parent = psutil.Process(gateway.process.pid)
        children = [child for child in parent.children(recursive=True) if child.name() != "postgres"]
        assert len(children) >= 2
        gateway.process.kill()
        await gateway.process.wait()
        _, left = await asyncio.to_thread(psutil.wait_procs, children, 15)
        assert left == []
    with (folder / "again.log").open("wb") as log:
        again = await asyncio.create_subprocess_exec(
            *COMMAND, "serve", env=environment(folder, PORT=port), stdout=log, stderr=log
        )
    try:
        async with httpx.AsyncClient(base_url=gateway.base) as http, asyncio.timeout(30):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get("/readyz")).status_code == 200:
                        break
                assert again.returncode is None, (folder / "again.log").read_text()[-2000:]
                await asyncio.sleep(0.1)
        # The one that was killed is no user of the embedded server any more.
        again.terminate()
        async with asyncio.timeout(30):
            assert await again.wait() == 0
    finally:
        if again.returncode is None:
            again.kill()
    assert await gone(folder)


async def test_who_was_killed_is_no_user_any_more(folder: Path) -> None:
    async with serving(folder) as killed:
        killed.process.kill()
        await killed.process.wait()
    assert postmaster.main_process(folder / "postgres") is not None
    async with serving(folder) as first, serving(folder) as second:
        assert await first.stop() == 0
        assert (await second.http.get("/readyz")).status_code == 200
        assert await second.stop() == 0
    assert await gone(folder)


def test_a_stop_that_takes_too_long_is_ended() -> None:
    left: list[int] = []
    done: list[str] = []
    stopping = Stopping(leave=left.append, within_s=0.1)
    stopping.at_end(lambda: done.append("server"))
    stopping.told()
    time.sleep(0.4)
    assert (left, done) == ([1], ["server"])
    assert os.getpid()
