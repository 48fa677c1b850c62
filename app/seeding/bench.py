"""The bench size: many groups with many campaigns, written set-wise, so that measurements mean something.

Per campaign 3 flows with 2 actions, 2 conditions and a multiplier each, 10 outlays, 2 promos, and 30 days of
metrics in 2 channels; spend agrees with the ledger and the rollup with its rows.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg

from app.db.database import Database, group_setting
from app.domain.metrics.facts import REBUILD
from app.seeding.progress import Progress, silent
from app.values.scope import Scope

STEPS_FILE = Path(__file__).with_name("bench_steps.sql")
_PLACE = re.compile(r"(?<!:):(group_id|campaigns|today|number|slug)\b")
# A group's transaction inserts tens of thousands of rows per statement; foreign keys are checked row by row.
SETTINGS = "SET LOCAL statement_timeout = '120s'; SET LOCAL transaction_timeout = 0"
WAIT_FOR_OTHERS = "SELECT pg_advisory_xact_lock(7202512)"
EXISTING = "SELECT group_id FROM project_slug WHERE slug = $1"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement with `$n` parameters and the names of what goes into them."""

    title: str
    sql: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BenchGroups:
    """What is there now."""

    group_ids: tuple[int, ...]
    made: int
    """How many of them this call made."""


async def seed_bench(
    db: Database, *, now: datetime, groups: int = 20, campaigns: int = 10_000, progress: Progress = silent
) -> BenchGroups:
    """Make `groups` groups that share `campaigns` campaigns. Groups of this size that exist already are kept.

    Each group is one transaction: after an interruption, calling it again continues where it stopped.
    """
    if not 1 <= groups <= campaigns:
        raise ValueError(f"{campaigns} campaigns cannot be shared by {groups} groups: each needs one or more")
    share, rest = divmod(campaigns, groups)
    today = now.date()
    steps = read_steps()
    group_ids, made = [], 0
    for number in range(1, groups + 1):
        count = share + (number <= rest)
        values = {"campaigns": count, "today": today, "number": number, "slug": f"bench-{count}-{number}"}
        async with db.directory() as connection:
            await connection.execute(WAIT_FOR_OTHERS)
            group_id = await connection.fetchval(EXISTING, values["slug"])
            if group_id is None:
                group_id = await connection.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
                await connection.execute(f"{group_setting(Scope(group_id))}; {SETTINGS}")
                for place, step in enumerate(steps):
                    done = (number - 1) * len(steps) + place
                    progress(f"group {number} of {groups}: {step.title}", done, groups * len(steps))
                    await _run(connection, step, {**values, "group_id": group_id})
                for statement in REBUILD:
                    await connection.execute(statement, group_id, timeout=180)
                made += 1
        group_ids.append(group_id)
    progress("done", groups * len(steps), groups * len(steps))
    return BenchGroups(tuple(group_ids), made)


async def analyze(owner_url: str) -> None:
    """Bring statistics and visibility maps up to date, as in a database in use. Only the owner may."""
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


@cache
def read_steps() -> tuple[Step, ...]:
    """The statements of the SQL file, in order."""
    steps = []
    for part in STEPS_FILE.read_text().split("\n-- step: ")[1:]:
        title, _, body = part.partition("\n")
        names: list[str] = []
        for name in _PLACE.findall(body):
            if name not in names:
                names.append(name)
        sql = _PLACE.sub(lambda place, names=names: f"${names.index(place[1]) + 1}", body)  # type: ignore[misc]
        steps.append(Step(title.strip(), sql.strip(), tuple(names)))
    return tuple(steps)


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", step: Step, values: dict[str, Any]) -> None:
    given = [values[name] for name in step.names]
    await connection.execute(step.sql, *given, timeout=timedelta(minutes=3).total_seconds())
