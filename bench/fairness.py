"""A tenant beside a greedy one: `python -m bench.fairness`, on a database of its own, thrown away after.

A client of one group reads (the `list` query) and writes (`campaignUpdate`), one after the other on a connection each.
Beside it another process sends one of the `ATTACKS` of another group, `--rate` a second, each inside every bound. Quiet
blocks and blocks under attack take turns. Exit status 1 where the client keeps less than `LEAST_SHARE` of its quiet
throughput, its p99 is more than `MOST_TIMES` the quiet one (medians over the rounds), or a request of it fails.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import psutil
import uvloop

from app.auth.keys import create_api_key
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.seeding.bench import seed_bench
from bench import attribution
from bench.data import Data, Group
from bench.report import replace_section
from bench.servers import GATEWAY, document, started

TITLE = "A greedy tenant"
LEAST_SHARE, MOST_TIMES = 0.4, 3.0
CUSTOMERS, SEGMENTS = 30_000, 120
MAX_UNDER_WAY = 400
"""Requests of the attacker that wait for an answer; more are not sent."""

_CRITERIA = {"all": [{"not": {f"attributes.k{n}": {"exists": True}}} for n in range(60)]}
_INSIGHTS = (
    'insights(project: "bench", metrics: ["turnover"], interval: DAY, since: "2026-01-01T00:00:00Z",'
    ' until: "2026-06-30T00:00:00Z") { values { metric value } }'
)


def _times(number: int, field: str) -> str:
    return " ".join(f"a{n}: {field}" for n in range(number))


def _documents(number: int) -> dict[str, Any]:
    inner = (
        "{ id name email phone loyaltyTier orderCount totalSpent tags createdAt updatedAt store { id name } }"
    )
    return {"query": f"query D{number} {{ " + _times(120, f'customer(id: "cust_{number}") {inner}') + " }"}


def _numbered(number: int, body: dict[str, Any]) -> dict[str, Any]:
    return body | {"query": f"query N{number % 7} {body['query']}"}


ATTACKS: dict[str, Callable[[int], dict[str, Any]]] = {
    "large answers": lambda _: {
        "query": "{ customers(first: 1000) { nodes { id name email phone tags createdAt"
        " interactions(first: 20) { nodes { id kind occurredAt campaign { id name } } } } } }"
    },
    "new documents": _documents,
    "previews": lambda _: {
        "query": "query ($c: JSON!) { " + _times(24, "segmentPreview(criteria: $c) { size }") + " }",
        "variables": {"c": _CRITERIA},
    },
    "one preview each": lambda _: {
        "query": "query ($c: JSON!) { segmentPreview(criteria: $c) { size } }",
        "variables": {"c": _CRITERIA},
    },
    "attribution": lambda _: {
        "query": "{ "
        + _times(9, "attribution(by: CAMPAIGN, model: TIME_DECAY, windowDays: 90) { revenue { amount } }")
        + " rewardAttributes { name } }"
    },
    "one attribution each": lambda _: {
        "query": "{ attribution(by: CAMPAIGN, model: TIME_DECAY, windowDays: 90) { revenue { amount } } }"
    },
    "segments of customers": lambda _: {
        "query": "{ customers(first: 1000) { nodes { segments { name } } } }"
    },
    "insights": lambda _: {"query": "{ " + _times(5, _INSIGHTS) + " }"},
    "introspection": lambda n: {
        "query": f"query I{n} {{ __schema {{ types {{ name description fields {{ name description args {{ name"
        " description type { name ofType { name ofType { name } } } } type { name ofType { name } } } } } }"
    },
    "customers' search": lambda n: {
        "query": f'{{ customers(filter: {{search: "zz{n}"}}) {{ totalCount nodes {{ id }} }} }}'
    },
    "writes": lambda n: {
        "query": "mutation { "
        + _times(
            40, f'campaignUpdate(input: {{id: "camp_CAMP_ID", name: "N{n}"}}) {{ campaign {{ id name }} }}'
        )
        + " }"
    },
}
"""Bodies by their number: what one group may ask, and what costs the most."""


@dataclass(frozen=True)
class Block:
    """What the client saw of one kind of request."""

    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True)
class Round:
    """A quiet block and one under attack, of reads and of writes; and how the attacker fared."""

    quiet: tuple[Block, Block]
    beside: tuple[Block, Block]
    attacker: dict[str, float]


@dataclass(frozen=True)
class Filled:
    """A database with two groups: the quiet one and the greedy one."""

    url: str
    quiet: Group
    greedy: Group
    campaign: int
    """One of the greedy group."""
    folder: Path


async def _fill(url: str, folder: Path) -> Filled:
    now = datetime.now(UTC)
    db = await connect(url, readers=1, writers=2)
    (quiet,) = (await seed_bench(db, now=now, groups=1, campaigns=1_000)).group_ids
    greedy = await attribution.fill(url, journeys=CUSTOMERS)
    owner = await asyncpg.connect(url)
    await owner.execute(
        "UPDATE customer SET attributes = json_build_object('city', 'c' || id % 200), order_count = id % 40,"
        " total_spent = id % 1000 WHERE group_id = $1", greedy,
    )  # fmt: skip
    await owner.execute(
        "INSERT INTO segment (group_id, name, type, size, criteria) SELECT $1, 'S' || n, 'dynamic', 0,"
        " json_build_object('any', json_build_array(json_build_object('order_count', json_build_object('gte', n % 40)),"
        " json_build_object('attributes.city', 'c' || n)))::jsonb FROM generate_series(1, $2::int) n",
        greedy, SEGMENTS,
    )  # fmt: skip
    await owner.execute("VACUUM ANALYZE")
    groups = []
    for group_id in (quiet, greedy):
        key = await create_api_key(
            db, group_id=group_id, name="bench", now=now, access="write", personal_data=True
        )
        ids = await owner.fetch("SELECT id FROM campaign WHERE group_id = $1 ORDER BY id LIMIT 50", group_id)
        groups.append(Group(group_id, key.secret, tuple(row["id"] for row in ids)))
    await owner.close()
    await db.close()
    return Filled(url, groups[0], groups[1], groups[1].details[0], folder)


# ── the client ────────────────────────────────────────────────────────────────


def _list(_: int, filled: Filled) -> dict[str, Any]:
    return {"query": document("list")}


def _update(number: int, filled: Filled) -> dict[str, Any]:
    ids = filled.quiet.details
    return {
        "query": "mutation U($input: CampaignUpdateInput!) { campaignUpdate(input: $input) { campaign { id name } } }",
        "variables": {"input": {"id": f"camp_{ids[number % len(ids)]}", "name": f"N{number}"}},
    }


def _post(key: str, body: dict[str, Any]) -> bytes:
    text = json.dumps(body).encode()
    return (
        f"POST /graphql HTTP/1.1\r\nHost: bench\r\nX-API-KEY: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\n\r\n"
    ).encode() + text


async def _client(port: int, filled: Filled, *, seconds: float) -> tuple[Block, Block]:
    """Reads and writes beside one another."""
    reads, writes = await asyncio.gather(
        *(_ask(port, filled, ask, seconds=seconds) for ask in (_list, _update))
    )
    return reads, writes


async def _ask(
    port: int, filled: Filled, ask: Callable[[int, Filled], dict[str, Any]], *, seconds: float
) -> Block:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took_ms: list[float] = []
    failed, number, end = 0, 0, time.perf_counter() + seconds
    while (started_at := time.perf_counter()) < end:
        number += 1
        writer.write(_post(filled.quiet.key, ask(number, filled)))
        status, body = await asyncio.wait_for(_answer(reader), 60)
        took_ms.append((time.perf_counter() - started_at) * 1000)
        failed += status != b"200" or b'"errors":' in body
    writer.close()
    ranked = sorted(took_ms)
    return Block(len(ranked) / seconds, ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)], failed)


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head[9:12], await reader.readexactly(length)


# ── the attacker, in a process of its own ─────────────────────────────────────


async def _attack(port: int, key: str, campaign: str, name: str, rate: float) -> None:
    """Send until SIGTERM, whatever comes back."""
    loop, done, seen = asyncio.get_running_loop(), asyncio.Event(), Counter[str]()
    loop.add_signal_handler(15, done.set)
    limit, number, tasks = asyncio.Semaphore(MAX_UNDER_WAY), 0, set[asyncio.Task[None]]()
    started_at = time.monotonic()

    async def one(sent: bytes) -> None:
        async with limit:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(sent)
                status, body = await _answer(reader)
                failed = status == b"200" and b'"errors":[' in body
                said = "errors" if failed else status.decode()
                if failed and not seen[said]:
                    print(body[:500].decode(), file=sys.stderr)
                seen[said] += 1
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                seen["closed"] += 1

    while not done.is_set():
        number += 1
        if not limit.locked():
            body = json.dumps(ATTACKS[name](number)).replace("CAMP_ID", campaign)
            task = loop.create_task(one(_post(key, json.loads(body))))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        wait_s = started_at + number / rate - time.monotonic()
        try:
            await asyncio.wait_for(done.wait(), max(wait_s, 0.001))
        except TimeoutError:
            continue
    took_s = time.monotonic() - started_at
    print(json.dumps({name: count / took_s for name, count in seen.items()}))


def _measure(
    port: int, filled: Filled, name: str, *, rate: float, rounds: int, seconds: float
) -> Iterator[Round]:
    command = [
        sys.executable, "-m", "bench.fairness", "--attack", name, "--rate", str(rate),
        "--port", str(port), "--key", filled.greedy.key, "--campaign", str(filled.campaign),
    ]  # fmt: skip
    for _ in range(rounds):
        quiet = uvloop.run(_client(port, filled, seconds=seconds))
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(1.5)
            beside = uvloop.run(_client(port, filled, seconds=seconds))
        finally:
            child.terminate()
            told, _ = child.communicate(timeout=60)
        time.sleep(1.5)
        yield Round(quiet, beside, json.loads(told or "{}"))


def _row(name: str, rounds: list[Round]) -> tuple[str, bool]:
    cells, held = [name], True
    for kind in (0, 1):
        kept = median(one.beside[kind].per_s / one.quiet[kind].per_s for one in rounds)
        times = median(one.beside[kind].p99_ms / one.quiet[kind].p99_ms for one in rounds)
        quiet = median(one.quiet[kind].per_s for one in rounds)
        quiet_p99 = median(one.quiet[kind].p99_ms for one in rounds)
        p99 = median(one.beside[kind].p99_ms for one in rounds)
        failed = sum(one.beside[kind].failed for one in rounds)
        cells += [f"{quiet:.0f}", f"{kept:.0%}", f"{quiet_p99:.1f} → {p99:.1f} ({times:.1f} ×)", str(failed)]
        held = held and kept >= LEAST_SHARE and times <= MOST_TIMES and not failed
    attacker = Counter[str]()
    for one in rounds:
        attacker.update({status: count / len(rounds) for status, count in one.attacker.items()})
    cells += [", ".join(f"{s} {n:.1f}" for s, n in sorted(attacker.items())), "yes" if held else "**no**"]
    return f"| {' | '.join(cells)} |", held


HEAD = (
    "| attack | reads/s quiet | kept | p99 ms | failed | writes/s quiet | kept | p99 ms | failed |"
    " attacker's answers/s | held |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> bool:
    """Read the options and run; whether everything was held."""
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description=__doc__)
    parser.add_argument("--only", help="these attacks, separated by commas")
    parser.add_argument("--rate", type=float, default=50.0, help="attacks a second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a block")
    parser.add_argument("--write", action="store_true", help="write the section of bench/RESULTS.md")
    for hidden in ("--attack", "--port", "--key", "--campaign"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.attack:
        uvloop.run(_attack(int(given.port), given.key, given.campaign, given.attack, given.rate))
        return True
    names = given.only.split(",") if given.only else list(ATTACKS)
    with tempfile.TemporaryDirectory(prefix="bench-fairness-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
        server = EmbeddedServer(folder / "pg")
        try:
            url = server.dsn("fairness")

            async def fill() -> Filled:
                await create_database(url)
                await migrate(url)
                return await _fill(url, folder)

            filled = asyncio.run(fill())
            data = Data(url, psutil.Process(), (filled.quiet,), "18")
            lines, held = [HEAD], True
            print(HEAD, flush=True)
            for name in names:
                with started(GATEWAY, data, folder / "keys.json") as running:
                    port = int(running.url.rpartition(":")[2])
                    uvloop.run(_client(port, filled, seconds=1))
                    found = _measure(
                        port, filled, name, rate=given.rate, rounds=given.rounds, seconds=given.seconds
                    )
                    line, one_held = _row(name, list(found))
                print(line, flush=True)
                lines.append(line)
                held = held and one_held
        finally:
            server.stop()
    if given.write:
        replace_section(TITLE, "`python -m bench.fairness`, on the machine below:\n\n" + "\n".join(lines))
    return held


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
