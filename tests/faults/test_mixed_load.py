"""Faults of every kind under a mixed load: nothing acknowledged is lost, nothing is done twice, nobody is stuck.

Three rounds of ten seconds in the suite; `make faults` does thirty, and says what it has seen (`FAULT_ROUNDS`).
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.graph.running.claims import Claim, KeptAnswer
from tests.faults.checking import faults_of
from tests.faults.load import FIRST_LOOK_S, Clients, History, Subscriber, Target
from tests.faults.proxy import Cut, Proxy
from tests.faults.server import Primary, gateway, primary
from tests.serving.process import data_folder

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.randrange(10**6)


@dataclass
class Scene:
    """Everything that a round needs."""

    server: Primary
    proxy: Proxy
    target: Target
    chance: random.Random


Fault = Callable[[Scene], Awaitable[None]]


def cut_at_commit(how: Cut) -> Fault:
    async def fault(scene: Scene) -> None:
        for _ in range(12):
            scene.proxy.cut_at(b"COMMIT", how, after=scene.chance.randrange(6))
            await asyncio.sleep(0.25)
        scene.proxy.carry_all()

    return fault


async def cut_anywhere(scene: Scene) -> None:
    for how in (Cut.HALF, Cut.UNSENT, Cut.UNANSWERED, Cut.HALF_ANSWERED) * 3:
        scene.proxy.cut_at(b"", how, after=scene.chance.randrange(30))
        await asyncio.sleep(0.2)
    scene.proxy.carry_all()


async def cut_all(scene: Scene) -> None:
    for _ in range(4):
        scene.proxy.cut_now()
        await asyncio.sleep(0.5)


async def frozen(scene: Scene) -> None:
    scene.proxy.freeze()
    await asyncio.sleep(3)
    scene.proxy.thaw()


async def slow(scene: Scene) -> None:
    scene.proxy.delay_s = 0.1
    await asyncio.sleep(3)
    scene.proxy.delay_s = 0


async def refused(scene: Scene) -> None:
    scene.proxy.refuses = True
    scene.proxy.cut_now()
    await asyncio.sleep(2)
    scene.proxy.refuses = False


async def read_only(scene: Scene) -> None:
    await scene.server.read_only(2)


async def killed(scene: Scene) -> None:
    await scene.server.killed()


async def restarted(scene: Scene) -> None:
    await scene.server.restarted()


async def full(scene: Scene) -> None:
    if scene.server.disk is not None:
        await scene.server.full(3)


async def promoted(scene: Scene) -> None:
    await scene.server.stand_by()
    await asyncio.sleep(1.5)
    await scene.server.promote(scene.proxy)


FAULTS: dict[str, Fault] = {
    "COMMIT's answer is lost": cut_at_commit(Cut.UNANSWERED),
    "the server is killed": killed,
    "connections are cut in the middle of messages": cut_anywhere,
    "the disk is full": full,
    "COMMIT is lost": cut_at_commit(Cut.UNSENT),
    "the network is frozen": frozen,
    "the database is read-only": read_only,
    "half of COMMIT's answer comes": cut_at_commit(Cut.HALF_ANSWERED),
    "the server is restarted": restarted,
    "all connections are cut": cut_all,
    "the network is slow": slow,
    "connections are refused": refused,
    "COMMIT's answer never comes": cut_at_commit(Cut.SILENT),
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the database is, which its own user may enter."""
    with data_folder() as made:
        yield made


@pytest.fixture(scope="module")
async def server(folder: Path) -> AsyncIterator[Primary]:
    """The module's."""
    async with primary(folder) as made:
        yield made


@pytest.fixture
async def scene(server: Primary, tmp_path: Path) -> AsyncIterator[Scene]:
    """A gateway behind a proxy of its own, in a database of its own."""
    await server.begin_anew()
    async with Proxy(server.url) as proxy, gateway(server.url, proxy, tmp_path) as target:
        yield Scene(server, proxy, target, random.Random(SEED))


async def settled(server: Primary) -> Any:
    """The owner's connection, when no event waits any more."""
    await server.answers()
    owner = await asyncpg.connect(server.url)
    end = time.monotonic() + 40
    while await owner.fetchval("SELECT count(*) FROM event WHERE status = 'pending'"):
        assert time.monotonic() < end, "events wait"
        await asyncio.sleep(0.1)
    return owner


async def suffer(scene: Scene, names: list[str]) -> tuple[History, list[str]]:
    """One round for each of these faults: load all the time, and at the end what was not as it was told."""
    history, subscriber = History(), Subscriber(scene.target)
    watching = asyncio.create_task(subscriber.run())
    clients = Clients(scene.target, history, prefix="r")
    load = asyncio.create_task(clients.run())
    try:
        await asyncio.sleep(FIRST_LOOK_S)
        for name in names:
            await (promoted if name == "a replica is promoted" else FAULTS[name])(scene)
            await asyncio.sleep(1.5)
        clients.healed_s = time.monotonic()
        await asyncio.sleep(1)
        clients.stop()
        async with asyncio.timeout(60):
            await load
        owner = await settled(scene.server)
        # A look a second, and one may have just begun.
        await asyncio.sleep(2.5)
        found = await faults_of(owner, history, [subscriber])
        await owner.close()
        return history, found
    finally:
        load.cancel()
        watching.cancel()
        await asyncio.gather(load, watching, return_exceptions=True)


async def test_a_promoted_replica_takes_over(tmp_path: Path) -> None:
    with data_folder() as folder:
        async with primary(folder) as server:
            await server.begin_anew()
            async with Proxy(server.url) as proxy, gateway(server.url, proxy, tmp_path) as target:
                scene = Scene(server, proxy, target, random.Random(SEED))
                history, found = await suffer(scene, ["a replica is promoted"])
    assert found == [], f"seed {SEED}"
    assert set(history.statuses) <= {200, 409, 429, 503}
    assert min(len(some) for some in history.acknowledged.values()) > 5


async def test_nothing_is_lost_doubled_or_stuck(scene: Scene) -> None:
    order = list(FAULTS)
    # From whichever comes next: three rounds a day are all of them within the week.
    start = 0 if len(order) <= ROUNDS else SEED
    names = [order[(start + at) % len(order)] for at in range(ROUNDS)]
    history, found = await suffer(scene, names)
    done = {kind: len(some) for kind, some in history.acknowledged.items()}
    sys.stdout.write(
        f"{ROUNDS} rounds, seed {SEED}: {done}, {dict(history.statuses)}, {history.repeats} repeats\n"
    )
    assert found == [], f"seed {SEED}"
    assert min(done.values()) > 5
    assert set(history.statuses) <= {200, 409, 429, 503}


async def test_a_naive_way_of_doing_things_once_is_found_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of a key is written when the work is committed, in a transaction of its own: the usual way."""
    from app.db.one_transaction import one_transaction
    from app.graph.running import claims

    async def in_one(self: Claim, run: claims.Work) -> KeptAnswer | None:
        async with one_transaction(self.db, self.scope, lock=self._lock) as one:
            found = await one.settle(*self._looked_up())
        if found is not None:
            return self._remembered(found)
        async with one_transaction(self.db, self.scope, lock=self._lock) as one:
            made = await run(one)
        async with one_transaction(self.db, self.scope, lock=self._lock) as one:
            await one.settle(claims.KEEP, *self._kept(made))
        return made

    monkeypatch.setattr(Claim, "_in_one", in_one)
    # One round may cut where nothing is repeated.
    _, found = await suffer(scene, ["COMMIT's answer is lost"] * 4)
    assert any("times" in line or line.startswith("clicks") for line in found), found
