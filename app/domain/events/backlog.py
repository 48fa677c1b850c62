"""How much waits to be processed, and how much lies in the trash: of all groups, for the operator."""

from dataclasses import dataclass

from app.db.database import Database

MOST = 100_000
"""Of one group no more are counted, waiting or lying."""

# A look per group, behind its own policy, all in one go; partial indexes know the answers.
_COUNT = f"""
DO $$
DECLARE
  asked bigint;
  found record;
  pending bigint := 0;
  trashed bigint := 0;
  oldest timestamptz;
BEGIN
  FOR asked IN SELECT id FROM tenant ORDER BY id LOOP
    EXECUTE format('SET LOCAL app.group_id = %L', asked);
    SELECT count(*) AS many, min(received_at) AS since INTO found
      FROM (SELECT received_at FROM event WHERE group_id = asked AND status = 'pending'
             ORDER BY received_at LIMIT {MOST}) waiting;
    pending := pending + found.many;
    oldest := least(oldest, found.since);
    SELECT count(*) AS many INTO found
      FROM (SELECT FROM event WHERE group_id = asked AND status = 'trashed' LIMIT {MOST}) lying;
    trashed := trashed + found.many;
  END LOOP;
  PERFORM set_config('app.backlog', json_build_object(
    'pending', pending, 'trashed', trashed,
    'age', coalesce(extract(epoch FROM clock_timestamp() - oldest), 0))::text, true);
END
$$
"""
_FOUND = """
SELECT (told ->> 'pending')::bigint AS pending, (told ->> 'trashed')::bigint AS trashed,
       greatest((told ->> 'age')::float8, 0) AS age_s,
       EXISTS (SELECT FROM worker_lease WHERE name = 'schedule' AND expires_at > clock_timestamp()) AS is_led,
       (SELECT count(*) FROM schedule WHERE last_error IS NOT NULL) AS failing
  FROM (SELECT current_setting('app.backlog')::json AS told) s
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """At one moment."""

    pending: int
    trashed: int
    oldest_age_s: float
    """Since when the one waits that came first; 0 where none waits."""
    is_led: bool
    """Whether a worker holds the lease of the schedule."""
    failing_jobs: int
    """Of the schedule, whose last run met trouble."""


async def count_backlog(db: Database) -> Backlog:
    """Count it; some tenths of a millisecond for each group."""
    async with db.directory() as connection:
        await connection.execute(_COUNT)
        row = await connection.fetchrow(_FOUND)
    assert row is not None
    return Backlog(row["pending"], row["trashed"], row["age_s"], row["is_led"], row["failing"])


__all__ = ["MOST", "Backlog", "count_backlog"]
