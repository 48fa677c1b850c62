"""What a transaction costs beside the same on bare asyncpg: `python -m bench.transactions`, under a minute.

One statement in a transaction of a group, through `Database.transaction`, and by hand on one connection of the driver
with the same role, settings, statement cache and messages: BEGIN with the group's settings in one, the statement,
COMMIT. In turn, block after block, on a database of its own; the ratio is the median over the rounds. A `read` is one
row by its key, so that nothing but the way there is measured; a `write` also waits for the disk. Exit status 1 over the
bar, 1.3 times.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import uvloop

from app.db.database import APP_ROLE, connect, group_setting
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.values.scope import Scope
from bench.report import replace_section

BAR_TIMES = 1.3
TIMES = 300
"""Transactions of a block."""
STATEMENTS = {
    "read": "SELECT name FROM store WHERE group_id = $1 AND id = $2",
    "write": "UPDATE store SET name = name WHERE group_id = $1 AND id = $2 RETURNING name",
}

Block = Callable[[str], Awaitable[None]]


def main() -> None:
    """Measure and say it."""
    parser = argparse.ArgumentParser(prog="python -m bench.transactions", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="write it into bench/RESULTS.md")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # Client and server take turns anyway. On two cores each message may wait for the other one to wake up, which
        # takes as long as the rest of it, and not always.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="bench-transactions-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
        server = EmbeddedServer(Path(folder) / "pg")
        try:
            found = uvloop.run(_measure(server.dsn("transactions"), given.rounds))
        finally:
            server.stop()
    lines = [
        "| statement | through `Database.transaction`, µs | bare asyncpg, µs | times |",
        "|---|---:|---:|---:|",
    ]
    for name, (ours, bare, times) in found.items():
        lines.append(f"| {name} | {ours:.0f} | {bare:.0f} | {times:.2f} |")
    table = "\n".join(lines)
    print(table)
    if given.write:
        about = f"`python -m bench.transactions`: {given.rounds} rounds of {TIMES} transactions each, one at a time."
        replace_section("Transactions", f"{about}\n\n{table}")
    raise SystemExit(any(times > BAR_TIMES for _, _, times in found.values()))


async def _measure(url: str, rounds: int) -> dict[str, tuple[float, float, float]]:
    """By statement: both ways' µs, and how many times the one is the other."""
    await create_database(url)
    await migrate(url)
    scope, store_id = await _fill(url)
    db = await connect(url, readers=1, writers=1)
    bare: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        url,
        statement_cache_size=200,
        server_settings={"role": APP_ROLE, "timezone": "UTC", "jit": "off", "statement_timeout": "15000"},
    )

    async def ours(sql: str) -> None:
        for _ in range(TIMES):
            async with db.transaction(scope) as tx:
                await tx.fetchval(sql, scope.group_id, store_id)

    async def by_hand(sql: str) -> None:
        begin = f"BEGIN; {group_setting(scope)}"
        for _ in range(TIMES):
            await bare.execute(begin)
            await bare.fetchval(sql, scope.group_id, store_id)
            await bare.execute("COMMIT")

    out = {}
    for name, sql in STATEMENTS.items():
        took: dict[Block, list[float]] = {ours: [], by_hand: []}
        for turn in range(rounds + 1):
            # Who goes first changes with every round; the first round is not counted.
            for block in (ours, by_hand) if turn % 2 else (by_hand, ours):
                started = time.perf_counter()
                await block(sql)
                if turn:
                    took[block].append((time.perf_counter() - started) / TIMES * 1e6)
        times = statistics.median(a / b for a, b in zip(took[ours], took[by_hand], strict=True))
        out[name] = statistics.median(took[ours]), statistics.median(took[by_hand]), times
    await db.close()
    await bare.close()
    return out


async def _fill(url: str) -> tuple[Scope, int]:
    owner = await asyncpg.connect(url)
    group_id = await owner.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
    await owner.execute(
        "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, 'bench', 'EUR', 'UTC')",
        group_id,
    )
    store_id = await owner.fetchval(
        "INSERT INTO store (group_id, name, beacon_key, is_default) VALUES ($1, 'S', 'b', true) RETURNING id",
        group_id,
    )
    await owner.close()
    return Scope(group_id), store_id


if __name__ == "__main__":
    main()
