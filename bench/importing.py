"""Importing a large file by the command: `python -m bench.importing`, about a minute for 100,000 rows.

`gateway import` runs as its own process on an embedded PostgreSQL of the same machine, once into an empty group and
once more with the same file, where every row must turn out to be the same. Memory is that process's, looked at once a
second: at the end of the first quarter of the time and at its highest, so that what grows with the file shows.
"""

import argparse
import asyncio
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psutil

from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.groups.operations import create_group

TIERS = ("gold", "silver", "bronze", "")


@dataclass(frozen=True)
class Run:
    """One import."""

    seconds: float
    early_mib: float
    """Resident memory of the process after a quarter of the time."""
    highest_mib: float
    report: dict[str, object]


def main() -> None:
    """Write the file, import it twice, say what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.importing", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", default=",".join(KINDS), help="concepts, separated by commas")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-importing-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
        server = EmbeddedServer(folder / "pg")
        try:
            for concept in given.only.split(","):
                _measure(server, folder, concept, given.rows)
        finally:
            server.stop()


def _measure(server: EmbeddedServer, folder: Path, concept: str, rows: int) -> None:
    url = server.dsn(f"importing_{concept}")
    group = asyncio.run(_group(url))
    file = folder / f"{concept}.{'csv' if concept == 'customers' else 'jsonl'}"
    KINDS[concept](file, rows)
    if concept in ("events", "webmarketer"):
        types = folder / "types.jsonl"
        types.write_text(json.dumps(EVENT_TYPE))
        _import(url, folder, "webmarketer", types, group)
    print(f"{concept}: {rows:,} rows, {file.stat().st_size / 2**20:.0f} MiB")
    for what in ("first", "again"):
        run = _import(url, folder, concept, file, group)
        print(
            f"  {what}: {run.seconds:.1f} s, {rows / run.seconds:,.0f} rows/s"
            f" (1,000,000 rows: {1e6 / rows * run.seconds / 60:.1f} min), memory {run.early_mib:.0f} MiB after a"
            f" quarter, {run.highest_mib:.0f} MiB at most; {run.report['concepts']}",
            flush=True,
        )


async def _group(url: str) -> int:
    await create_database(url)
    await migrate(url)
    db = await connect(url, readers=1, writers=1)
    try:
        return await create_group(
            db, name="Large", currency="EUR", time_zone="Europe/Paris", now=datetime.now(UTC)
        )
    finally:
        await db.close()


def _import(url: str, folder: Path, concept: str, file: Path, group: int) -> Run:
    environment = {**os.environ, "DATABASE_URL": url, "DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "app.cli", "import", concept, str(file), "--group", str(group), "--json"]
    started = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        seen = psutil.Process(process.pid)
        sizes: list[int] = []
        while process.poll() is None:
            try:
                sizes.append(seen.memory_info().rss)
            except psutil.Error:
                break
            time.sleep(1)
        assert process.stdout is not None
        report = json.loads(process.stdout.read())
    seconds = time.monotonic() - started
    return Run(seconds, sizes[len(sizes) // 4] / 2**20, max(sizes) / 2**20, report)


def _customers(file: Path, rows: int) -> None:
    chance = Random(7)
    first = datetime(2023, 1, 1, tzinfo=UTC)
    with file.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(
            ("id", "email", "name", "phone", "loyalty_tier", "tags", "order_count", "total_spent", "last_order_at",
             "email_consent", "email_consent_at", "created_at", "shoe_size")
        )  # fmt: skip
        for n in range(rows):
            joined = first + timedelta(seconds=chance.randrange(9 * 10**7))
            orders = min(int(chance.expovariate(0.25)), 60)
            last = joined + timedelta(days=chance.randrange(1, 20)) if orders else None
            table.writerow(
                (f"c{n:08}", f"client{n}@example.org", f"Client {n}", f"+33 6 {n:08}", chance.choice(TIERS),
                 "vip;early" if n % 9 == 0 else "", orders, f"{orders * chance.uniform(5, 60):.2f}",
                 last.isoformat() if last else "", "yes" if n % 3 else "no", joined.isoformat(), joined.isoformat(),
                 chance.randrange(35, 47))
            )  # fmt: skip


EVENT_TYPE: dict[str, Any] = {
    "_id": "64ea0e9471360401bc438ef6",
    "createdAt": "2023-01-01T00:00:00.000Z",
    "updatedAt": "2023-01-01T00:00:00.000Z",
    "archivedAt": None,
    "projectId": "large",
    "reference": "order",
    "name": "Order",
    "fields": [
        {"label": "E-mail", "entity": "user", "type": "email", "ingestionKey": "mail", "storageKey": "email",
         "optional": True},
        {"label": "Number", "entity": "event-type", "type": "string", "storageKey": "order_id", "optional": False},
        {"label": "Items", "entity": "event-type", "type": "integer", "storageKey": "items", "optional": True},
        {"label": "Turnover", "entity": "statistic", "storageKey": "turnover", "optional": True},
    ],
    "metadata": {},
    "phoneParsingConfig": [],
    "expirationPolicy": None,
}  # fmt: skip


def _events(file: Path, rows: int) -> None:
    """As they were sent: judged here. A user has five of them, a third of them with a visit before."""
    chance = Random(7)
    first = datetime(2023, 1, 1, tzinfo=UTC)
    with file.open("w") as out:
        for n in range(rows):
            at = first + timedelta(seconds=90 * n, milliseconds=chance.randrange(1000))
            user = chance.randrange(max(1, rows // 5))
            told = {
                "external_id": str(UUID(int=chance.getrandbits(128), version=4)),
                "project": "large",
                "event_type": "order",
                "nonce": f"n-{n}",
                "tracker_id": f"t-{user}",
                "occurred_at": at.isoformat(),
                "data": {
                    "mail": f"client{user}@example.org",
                    "order_id": f"A-{n}",
                    "items": n % 7,
                    "turnover": 12.5,
                },
            }
            if n % 3 == 0:
                told["landing_url"] = "https://example.org/?utm_source=x"
            out.write(json.dumps(told) + "\n")


def _understood(file: Path, rows: int) -> None:
    """As Webmarketer prints them: how they were understood, each with a statistic."""
    chance = Random(7)
    first = datetime(2023, 1, 1, tzinfo=UTC)
    with file.open("w") as out:
        for n in range(rows):
            at = first + timedelta(seconds=90 * n, milliseconds=chance.randrange(1000))
            when = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            user = chance.randrange(max(1, rows // 5))
            metric = {
                "_id": f"{n + 1:08x}{chance.getrandbits(64):016x}", "type": "statistic", "storageKey": "turnover",
                "data": {"value": 12.5, "date": when}, "createdAt": when, "updatedAt": when,
            }  # fmt: skip
            told = {
                "_id": str(UUID(int=chance.getrandbits(128), version=4)),
                "projectId": "large",
                "userId": f"{user + 1:08x}3a8d910335ec56b1",
                "eventDate": when,
                "eventType": "order",
                "attributable": True,
                "expirationPolicy": None,
                "event": {"order_id": f"A-{n}", "items": n % 7},
                "user": {"email": f"client{user}@example.org"},
                "metrics": [metric],
                "createdAt": when,
                "updatedAt": when,
            }
            out.write(json.dumps(told) + "\n")


KINDS: dict[str, Callable[[Path, int], None]] = {
    "customers": _customers,
    "events": _events,
    "webmarketer": _understood,
}
"""By concept, what writes its file. Further ones add a line."""


if __name__ == "__main__":
    main()
