"""Keeps the headline's revenue of groups that share sales among touches, seconds behind what changed."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Database
from app.domain.attribution.keeping import (
    CUSTOMERS_AT_ONCE,
    next_customers,
    settle_next_campaigns,
    share_again,
)
from app.values.scope import Scope
from app.worker.jobs import Report, one_line

# Read before sharing and deleted afterwards: what is written meanwhile is left for the next time.
CHANGED = "SELECT id, group_id, customer_id FROM sale_change ORDER BY group_id, id LIMIT 20000"
SEEN = "DELETE FROM sale_change WHERE id = ANY ($1)"


@dataclass(slots=True)
class Attribution:
    """Shares anew what changed, and everything of a group that chose another model."""

    name: str = "attribution"
    every_s: int = 5

    def hint(self, group_id: int) -> bool:
        """Runs by its rhythm: changes come in all the time."""
        return False

    def forget(self) -> None:
        """Remembers nothing."""

    async def run(self, db: Database, now: datetime) -> Report:
        """Deal with all changes there are, a group at a time; one that fails is left for the next time."""
        changes: defaultdict[int, dict[int, int | None]] = defaultdict(dict)
        async with db.directory() as connection:
            for row in await connection.fetch(CHANGED):
                changes[row["group_id"]][row["id"]] = row["customer_id"]
        report = Report()
        for group_id, told in changes.items():
            try:
                await share_group(db, Scope(group_id), set(told.values()), now=now)
            except Exception as problem:  # one group's trouble is not the others'
                report.errors.append(f"group {group_id}: {one_line(problem)}")
            else:
                async with db.directory() as connection:
                    await connection.execute(SEEN, list(told))
        return report


async def share_group(db: Database, scope: Scope, customer_ids: set[int | None], *, now: datetime) -> None:
    """Share the sales of these customers of a group anew; None among them: of all, and all headlines."""
    if None not in customer_ids:
        await _share(db, scope, sorted(ident for ident in customer_ids if ident is not None), now=now)
        return
    after: int | None = 0
    while after is not None:
        async with db.transaction(scope) as tx:
            customers = await next_customers(tx, after)
            await share_again(tx, customers, now=now)
        after = customers[-1] if customers else None
    after = 0
    while after is not None:
        async with db.transaction(scope) as tx:
            after = await settle_next_campaigns(tx, after, now=now)


async def _share(db: Database, scope: Scope, customer_ids: list[int], *, now: datetime) -> None:
    for start in range(0, len(customer_ids), CUSTOMERS_AT_ONCE):
        async with db.transaction(scope) as tx:
            await share_again(tx, customer_ids[start : start + CUSTOMERS_AT_ONCE], now=now)
