"""The lease that lets one worker of many run the schedule, and the schedule itself.

Each statement is conditional and reads the database's clock, so workers on machines whose clocks differ
agree. The lease only saves work from being done twice; that a campaign moves once depends on its own
conditional update, not on the lease (a process that was frozen for a minute still believes it holds it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.database import Database

# Takes the lease when it is free, expired or already ours, and renews it. The condition is judged again after
# waiting for a rival's row lock; `clock_timestamp()` is then the time after the wait.
HOLD = """
INSERT INTO worker_lease AS lease (name, holder, expires_at)
VALUES ($1, $2, clock_timestamp() + $3::interval)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = clock_timestamp() + $3::interval
 WHERE lease.holder = excluded.holder OR lease.expires_at <= clock_timestamp()
RETURNING expires_at
"""
GIVE_BACK = "DELETE FROM worker_lease WHERE name = $1 AND holder = $2"

# A known job keeps its appointment; only its interval is brought up to date.
REGISTER = """
INSERT INTO schedule AS job (name, every_s, next_run_at)
SELECT name, every_s, clock_timestamp() FROM unnest($1::text[], $2::int[]) AS wanted(name, every_s)
ON CONFLICT (name) DO UPDATE SET every_s = excluded.every_s WHERE job.every_s <> excluded.every_s
"""
NEXT = """
SELECT name, greatest(next_run_at - clock_timestamp(), '0') AS wait
  FROM schedule WHERE name = ANY ($1::text[]) ORDER BY next_run_at, name LIMIT 1
"""
# Takes a due job for one run: its appointment moves on before the work starts, so nobody else takes the same.
CLAIM = """
UPDATE schedule SET last_run_at = clock_timestamp(),
       next_run_at = clock_timestamp() + make_interval(secs => every_s)
 WHERE name = $1 AND next_run_at <= clock_timestamp()
   AND EXISTS (SELECT FROM worker_lease
                WHERE name = $2 AND holder = $3 AND expires_at > clock_timestamp())
RETURNING last_run_at
"""
# An appointment is only ever brought forward, so a request that came in meanwhile is kept.
SETTLE = """
UPDATE schedule SET last_error = $2, next_run_at = least(next_run_at, coalesce($3, next_run_at))
 WHERE name = $1
"""
BRING_FORWARD = """
UPDATE schedule SET next_run_at = clock_timestamp() WHERE name = $1 AND next_run_at > clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder's side of a lease. `holder` must be this process's alone."""

    db: Database
    name: str
    holder: str
    term: timedelta

    async def hold(self) -> bool:
        """Take or renew it; False while somebody else has it."""
        async with self.db.directory() as connection:
            return await connection.fetchval(HOLD, self.name, self.holder, self.term) is not None

    async def give_back(self) -> None:
        """Give it up, so that the next worker can have it at once."""
        async with self.db.directory() as connection:
            await connection.execute(GIVE_BACK, self.name, self.holder)


@dataclass(frozen=True, slots=True)
class Appointments:
    """The schedule of some jobs, as the holder of a lease keeps it."""

    lease: Lease

    async def register(self, jobs: Sequence[tuple[str, int]]) -> None:
        """Make the rows of these (name, every_s)."""
        names, rhythms = [name for name, _ in jobs], [every_s for _, every_s in jobs]
        async with self.lease.db.directory() as connection:
            await connection.execute(REGISTER, names, rhythms)

    async def next(self, names: Sequence[str]) -> tuple[str, timedelta] | None:
        """The job that is due first and how long until then; nothing is written."""
        async with self.lease.db.directory() as connection:
            row = await connection.fetchrow(NEXT, list(names))
        return None if row is None else (row["name"], row["wait"])

    async def claim(self, name: str) -> datetime | None:
        """The database's time of this run; None when the job is not due or the lease not ours."""
        async with self.lease.db.directory() as connection:
            taken: datetime | None = await connection.fetchval(
                CLAIM, name, self.lease.name, self.lease.holder
            )
        return taken

    async def settle(self, name: str, *, error: str | None, next_at: datetime | None) -> None:
        """Note how a run went (None clears an earlier error) and when the job wants to run again."""
        async with self.lease.db.directory() as connection:
            await connection.execute(SETTLE, name, error, next_at)

    async def bring_forward(self, name: str) -> None:
        """Make a job due now."""
        async with self.lease.db.directory() as connection:
            await connection.execute(BRING_FORWARD, name)
