"""Writing through the gateway beside its own statements without it: `python -m bench.writes`, a few minutes.

Each operation is asked for over HTTP of `gateway serve` (one process, production settings, no worker), every request
with values of its own, over 16 connections. What it says to the database inside its transaction was recorded before,
for the very same requests: the statements, their values, and which values an earlier statement had returned. Beside it
is a bare ASGI application under the same uvicorn that says the recorded transactions again on asyncpg, in the same
number of messages, one for each request of the same bytes: it reads no JSON, knows no key, checks nothing and prints
what the last statement answered. Both work on clones of the same database, which stand the same at every block; in
turn, and the ratio is the median over the rounds. `driver` is the same again without HTTP, from 16 tasks of that
application's process.

What is in the bare figure: the database's work, the driver's, and (but for `driver`) uvicorn's. What is in the
gateway's besides: authentication, reading and checking, GraphQL, the rules, the answer. `POST /api/campaigns` is sent
as JSON, without files.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from starlette.datastructures import Headers, QueryParams

from app.auth.principal import WRITERS, Principal
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.rest.lagriffe.routes import ROUTES
from app.rest.route import RequestParts
from app.settings import read_settings
from app.values.scope import Scope
from bench.ingest import cpu_of
from bench.recording import Recorded, RecordingDatabase
from bench.report import replace_section
from bench.servers import free_port
from bench.shops import KINDS, Asked, Shop, fill

AIM = 0.7


@dataclass(frozen=True)
class Block:
    """So many requests of a kind, once each."""

    rps: float
    cpu_ms: float
    """Of the server's process, per request."""
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Record, measure, say it."""
    parser = argparse.ArgumentParser(prog="python -m bench.writes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=600, help="of a block; a tenth of metricsRecord")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, separated by commas")
    parser.add_argument("--write", action="store_true", help="write it into bench/RESULTS.md")
    given = parser.parse_args()
    kinds = [kind for kind in KINDS if kind in given.only.split(",")]
    with tempfile.TemporaryDirectory(prefix="bench-writes-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
        server = EmbeddedServer(folder / "pg")
        try:
            table = _measure(server, folder, kinds, rounds=given.rounds, many=given.requests)
        finally:
            server.stop()
    print(table)
    if given.write:
        about = f"`python -m bench.writes`: {given.rounds} rounds, {given.requests} requests a block."
        replace_section("Writes", f"{about}\n\n{table}")


def _measure(server: EmbeddedServer, folder: Path, kinds: Sequence[str], *, rounds: int, many: int) -> str:
    shops = asyncio.run(fill(server.dsn("filled")))
    asked = {kind: _requests(kind, shops, _block(kind, many) * (rounds + 1)) for kind in kinds}
    for place in ("recorded", "gateway", "bare"):
        asyncio.run(create_database(server.dsn(place), template="filled"))
    recorded = asyncio.run(_record(server.dsn("recorded"), folder, asked))
    for kind in kinds:
        print(f"{kind}: {len(recorded[kind][0].steps)} statements in a transaction")
    (folder / "recorded").write_bytes(pickle.dumps({_path(kind): recorded[kind] for kind in kinds}))
    rows = [
        "| operation | gateway/bare, median (lowest–highest) | gateway/driver | requests/s: gateway | bare | driver"
        " | CPU ms per request: gateway | bare | ratio | p99 ms: gateway | bare |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with (
        _serving(_GATEWAY, server.dsn("gateway"), folder) as ours,
        _serving(_BARE, server.dsn("bare"), folder) as bare,
    ):
        for kind in kinds:
            blocks = _take_turns(
                ours, bare, folder, kind, asked[kind], rounds=rounds, size=_block(kind, many)
            )
            rows.append(_row(kind, *blocks))
            print(rows[-1], flush=True)
    return "\n".join(rows)


def _block(kind: str, many: int) -> int:
    return many // 10 if kind.startswith("metricsRecord") else many


def _path(kind: str) -> str:
    return kind.replace("/", "").replace(" ", "")


def _requests(kind: str, shops: Sequence[Shop], many: int) -> list[Asked]:
    return [KINDS[kind](shops[n % len(shops)], n // len(shops)) for n in range(many)]


# ── recording ─────────────────────────────────────────────────────────────────


async def _record(url: str, folder: Path, asked: dict[str, list[Asked]]) -> dict[str, list[Recorded]]:
    """Each request's transaction, by asking in process."""
    settings = read_settings({"DATA_DIR": str(folder / "data")})
    db = await connect(url, readers=1, writers=1)
    recording = RecordingDatabase.over(db)
    services = Services(settings, recording, AssetStorage(settings))
    out: dict[str, list[Recorded]] = {}
    for kind, requests in asked.items():
        out[kind] = []
        for one in requests:
            recording.last.clear()
            principal = Principal("key:1", Scope(one.shop.group_id), frozenset(WRITERS))
            context = Context(services, principal, request_id="b", base_url="http://b", now=datetime.now(UTC))
            made = await answer(_operation(one), context)
            if made.errors or b'"errors":[{' in made.body or len(recording.last) != 1:
                raise SystemExit(f"{kind}: {len(recording.last)} transactions, {made}")
            out[kind].append(recording.last[0])
    await services.close()
    await db.close()
    return out


def _operation(one: Asked) -> Operation:
    if one.path == "/graphql":
        return Operation(one.body["query"], one.body["variables"])
    route = next(route for route in ROUTES if route.method == "POST" and route.path == one.path)
    parts = RequestParts({}, QueryParams({}), Headers({}), datetime.now(UTC), one.body)
    return Operation(route.document, route.variables(parts))


# ── measuring ─────────────────────────────────────────────────────────────────

_GATEWAY = ["-m", "app.cli", "serve"]
_BARE = ["-m", "uvicorn", "bench.replaying:app", "--loop", "uvloop", "--http", "httptools", "--no-access-log",
         "--log-level", "warning", "--no-server-header"]  # fmt: skip


@contextlib.contextmanager
def _serving(command: Sequence[str], url: str, folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    env = {
        **os.environ, "DATABASE_URL": url, "DATA_DIR": str(folder / "data"), "PORT": str(port), "WORKER_INLINE": "0",
        "DEVELOPMENT": "1", "BENCH_RECORDED": str(folder / "recorded"),
    }  # fmt: skip
    more = ["--port", str(port)] if command is _BARE else []
    with (folder / f"{command[1]}.log").open("wb") as log:
        child = subprocess.Popen([sys.executable, *command, *more], env=env, stdout=log, stderr=log)
    try:
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            time.sleep(0.1)
        yield port, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(timeout=60)


def _take_turns(
    ours: tuple[int, psutil.Process],
    bare: tuple[int, psutil.Process],
    folder: Path,
    kind: str,
    asked: Sequence[Asked],
    *,
    rounds: int,
    size: int,
) -> tuple[list[Block], list[Block], list[float]]:
    """Blocks of both, and the driver's requests/s. The first round warms up and is not counted."""
    gateway, replayed, driver = [], [], []
    for turn in range(rounds + 1):
        stretch = range(turn * size, (turn + 1) * size)
        # Half of the recorded block goes to HTTP, half to the driver alone: each can be said only once.
        half = stretch[: size // 2], stretch[size // 2 :]
        at_gateway = [asked[n].http() for n in stretch]
        at_bare = [
            asked[n].http().replace(b" " + asked[n].path.encode(), f" /{_path(kind)}/{n}".encode(), 1)
            for n in half[0]
        ]
        for which in (0, 1) if turn % 2 else (1, 0):
            if which:
                replayed.append(_send(*bare, folder, at_bare))
                driver.append(len(half[1]) / _stretch(bare[0], kind, half[1]))
            else:
                gateway.append(_send(*ours, folder, at_gateway))
    return gateway[1:], replayed[1:], driver[1:]


def _send(port: int, process: psutil.Process, folder: Path, requests: list[bytes]) -> Block:
    file = folder / "requests"
    file.write_bytes(pickle.dumps(requests))
    before = cpu_of(process)
    said = subprocess.run(
        [sys.executable, "-m", "bench.sending", str(port), str(file)],
        check=True,
        capture_output=True,
        text=True,
    )
    cpu = cpu_of(process) - before
    told: dict[str, Any] = json.loads(said.stdout)
    if told["failed"]:
        raise SystemExit(f"a request failed: {told['failed'][0]}")
    many = len(requests)
    return Block(many / told["seconds"], cpu / many * 1000, told["p50_ms"], told["p99_ms"])


def _stretch(port: int, kind: str, stretch: range) -> float:
    made = httpx.post(f"http://127.0.0.1:{port}/{_path(kind)}/{stretch.start}/{stretch.stop}", timeout=120)
    taken: float = made.raise_for_status().json()
    return taken


def _row(kind: str, gateway: Sequence[Block], bare: Sequence[Block], driver: Sequence[float]) -> str:
    def middle(blocks: Sequence[Block], name: str) -> float:
        return float(statistics.median(getattr(block, name) for block in blocks))

    times = [a.rps / b.rps for a, b in zip(gateway, bare, strict=True)]
    alone = statistics.median(a.rps / b for a, b in zip(gateway, driver, strict=True))
    cpu = middle(gateway, "cpu_ms"), middle(bare, "cpu_ms")
    cells = (
        f"`{kind}`",
        f"{statistics.median(times):.2f} ({min(times):.2f}–{max(times):.2f})",
        f"{alone:.2f}",
        *(f"{middle(blocks, 'rps'):,.0f}" for blocks in (gateway, bare)),
        f"{statistics.median(driver):,.0f}",
        *(f"{one:.2f}" for one in cpu),
        f"{cpu[0] / cpu[1]:.1f}",
        *(f"{middle(blocks, 'p99_ms'):.0f}" for blocks in (gateway, bare)),
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
