"""The embedded PostgreSQL comes back by itself when it is killed, and what was acknowledged is there."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
import psutil
import pytest

from tests.serving.process import COMMAND, Gateway, data_folder, environment, run, serving

pytestmark = pytest.mark.slow

BACK_WITHIN_S = 20.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A DATA_DIR."""
    with data_folder() as made:
        yield made


def postmaster(folder: Path) -> int:
    """Its process."""
    return int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def runs(pid: int) -> bool:
    """Whether it is alive, and no zombie."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


async def until_said(log: Path, words: str, *, times: int = 1) -> None:
    """The process has written this."""
    async with asyncio.timeout(BACK_WITHIN_S):
        while True:
            if (await asyncio.to_thread(log.read_text)).count(words) >= times:
                return
            await asyncio.sleep(0.1)


async def until_ready(gateway: Gateway) -> None:
    """It answers from its database."""
    async with asyncio.timeout(BACK_WITHIN_S):
        while True:
            if (await gateway.http.get("/readyz")).status_code == 200:
                return
            await asyncio.sleep(0.05)


async def send_until(gateway: Gateway, stop: asyncio.Event, project: str, name: str) -> list[httpx.Response]:
    """Events one after the other."""
    answers: list[httpx.Response] = []
    while not stop.is_set():
        body = {
            "projectId": project, "eventType": "visit", "nonce": f"{name}-{len(answers)}", "data": {},
        }  # fmt: skip
        answers.append(await gateway.http.post("/api/v1/events", json=body))
        await asyncio.sleep(0.02)
    return answers


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_it_is_back_and_nothing_acknowledged_is_lost(folder: Path, workers: str) -> None:
    async with serving(folder, WORKERS=workers, EVENT_RATE="100000") as gateway:
        where = f"postgresql://postgres@/gateway?host={quote(str(folder / 'postgres'), safe='')}"
        connection = await asyncpg.connect(where)
        project = await connection.fetchval("SELECT slug FROM project_slug ORDER BY project_id LIMIT 1")
        await connection.close()
        stop = asyncio.Event()
        sending = [asyncio.create_task(send_until(gateway, stop, project, f"{n}")) for n in range(4)]
        for kill in (1, 2):
            await asyncio.sleep(1)
            os.kill(postmaster(folder), signal.SIGKILL)
            await until_said(folder / "gateway.log", "was started again", times=kill)
            await until_ready(gateway)
        await asyncio.sleep(1)
        stop.set()
        answers = [answer for sent in await asyncio.gather(*sending) for answer in sent]
        assert {answer.status_code for answer in answers} == {200, 503}
        assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
        assert answers[-1].status_code == 200
        kept = {answer.json() for answer in answers if answer.status_code == 200}
        connection = await asyncpg.connect(where)
        there = {str(row[0]) for row in await connection.fetch("SELECT id FROM event")}
        await connection.close()
        assert kept - there == set()
        # Writing through the engine's pool works again, too.
        written = await gateway.http.post(
            "/graphql",
            json={"query": 'mutation { campaignDelete(input: {id: "camp_1"}) { errors { code } } }'},
            headers={"X-API-KEY": gateway.demo["api_key"]},
        )
        assert written.status_code == 200, written.text
        last = postmaster(folder)
        assert await gateway.stop() == 0
    assert not runs(last)
    said = (folder / "gateway.log").read_text()
    assert said.count("was started again") == 2
    assert "cannot be started" not in said
    assert "stopped by somebody" not in said


async def test_a_worker_brings_its_own_back(folder: Path) -> None:
    code, said = await run("migrate", folder=folder)
    assert code == 0, said
    with (folder / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "worker", env=environment(folder), stdout=log, stderr=log
        )
    try:
        await until_said(folder / "worker.log", "has the lease")
        killed = postmaster(folder)
        os.kill(killed, signal.SIGKILL)
        await until_said(folder / "worker.log", "was started again")
        last = postmaster(folder)
        assert last != killed
        assert runs(last)
    finally:
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    assert not runs(last)


async def test_one_that_somebody_stops_stays_stopped(folder: Path) -> None:
    async with serving(folder) as gateway:
        stopped = postmaster(folder)
        # A fast stop: connections are ended, and it says goodbye.
        os.kill(stopped, signal.SIGINT)
        await until_said(folder / "gateway.log", "stopped by somebody")
        await asyncio.sleep(1)
        assert not (folder / "postgres" / "postmaster.pid").exists()
        assert await gateway.stop() == 0
