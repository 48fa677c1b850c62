"""While the database is away every door says so and asks to come back later; then everything goes on."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import httpx
import pytest
from starlette.types import ASGIApp

from app.db.absence import TELL_EVERY_S, Absence
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings

QUERY = {"query": "{ campaigns { totalCount } }"}
ANOTHER = {"query": 'mutation { campaignDelete(input: {id: "camp_1"}) { errors { code } } }'}


class Way:
    """The way to the database's socket, which can be taken away."""

    def __init__(self, url: str) -> None:
        self.owner = url
        parts = urlsplit(url)
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-way-"))
        self.socket = Path(parse_qs(parts.query)["host"][0])
        self.link = self.folder / "socket"
        self.url = parts._replace(query=f"host={quote(str(self.link), safe='')}").geturl()
        self.open()

    def open(self) -> None:
        """The database can be reached."""
        self.link.symlink_to(self.socket)

    async def close(self) -> None:
        """It cannot, and connections that were open are gone."""
        self.link.unlink()
        owner = await asyncpg.connect(self.owner)
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await owner.close()


@pytest.fixture
def way(database_url: str) -> Iterator[Way]:
    """An open way."""
    made = Way(database_url)
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture
async def gateway(way: Way, tmp_path: Path) -> AsyncIterator[ASGIApp]:
    """A gateway that goes that way."""
    settings = {"DATA_DIR": str(tmp_path), "DATABASE_URL": way.url, "WORKER_INLINE": "0"}
    async with running(read_settings(settings), journal=Journal()) as app:
        yield app


async def test_every_door_says_that_the_database_is_away(gateway: ASGIApp, way: Way) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://g") as http:
        assert (await http.get("/api/campaigns", headers={"X-API-KEY": "nobody's"})).status_code == 401
        await way.close()
        asked = {"graph": await http.post("/graphql", json=QUERY, headers={"X-API-KEY": "a"})}
        asked["mutation"] = await http.post("/graphql", json=ANOTHER, headers={"X-API-KEY": "b"})
        asked["legacy"] = await http.get("/api/campaigns", headers={"X-API-KEY": "c"})
        asked["ready"] = await http.get("/readyz")
        assert {name: answer.status_code for name, answer in asked.items()} == dict.fromkeys(asked, 503)
        assert asked["legacy"].json() == {"message": "The database cannot be reached just now."}
        assert asked["graph"].json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert all("retry-after" in answer.headers for name, answer in asked.items() if name != "ready")
        assert (await http.get("/healthz")).status_code == 200
        way.open()
        assert (await http.get("/api/campaigns", headers={"X-API-KEY": "d"})).status_code == 401


async def test_the_log_says_it_once_however_many_are_refused(
    gateway: ASGIApp, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://g") as http:
        assert (await http.get("/api/campaigns", headers={"X-API-KEY": "a"})).status_code == 401
        await way.close()
        asked = [http.get("/api/campaigns", headers={"X-API-KEY": f"{n}"}) for n in range(50)]
        asked += [http.get("/readyz") for _ in range(5)]
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {503}
        said = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(said) == 1, said
        assert said[0].startswith("the database gives no connection: ")
        way.open()
        assert (await http.get("/api/campaigns", headers={"X-API-KEY": "d"})).status_code == 401
        said = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(said) == 2, said
        assert said[1].startswith("the database is back after ")


def test_a_long_absence_is_told_again_with_how_many_were_refused(caplog: pytest.LogCaptureFixture) -> None:
    absence = Absence()
    absence.over(now_s=0.0)
    for second in range(int(2.5 * TELL_EVERY_S)):
        for _ in range(100):
            absence.refused("no way", now_s=100.0 + second)
    absence.over(now_s=130.0)
    absence.over(now_s=131.0)
    assert [record.message for record in caplog.records] == [
        "the database gives no connection: no way",
        "the database gives no connection for 10 s, 1001 were refused: no way",
        "the database gives no connection for 20 s, 2001 were refused: no way",
        "the database is back after 30.0 s; 2500 connections were refused",
    ]
