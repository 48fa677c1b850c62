"""The group itself, as a system calls it: a new one takes the name and the time zone over."""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.groups.fields import GroupFields
from app.domain.groups.operations import update_group
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, text
from app.values.changes import UNSET

_GROUP = """
SELECT name, currency, time_zone,
       NOT EXISTS (SELECT FROM campaign c
                    WHERE c.group_id = $1 AND num_nonnulls(c.starts_on, c.ends_on) > 0) AS has_no_days,
       NOT EXISTS (SELECT FROM campaign c WHERE c.group_id = $1 AND c.known_as_system = '{}')
       AND NOT EXISTS (SELECT FROM customer_order o WHERE o.group_id = $1) AS is_new
  FROM customer_group WHERE id = $1
"""


class CustomerGroupWriter:
    """Names the group after the first one that the files tell of, as long as it has no rows of its own."""

    columns = Columns(known=("name", "time_zone", "currency"), unkept=frozenset({"id"}))

    def __init__(self) -> None:
        self._first: object = None

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Never refuses: what is not taken over is lost, and told."""
        return [await self._write(tx, record, now=now) for record in records]

    async def _write(self, tx: Transaction, record: Record, *, now: datetime) -> Outcome:
        row = RowReader(record.values)
        told = {name: row.take(name, text) for name in ("name", "time_zone", "currency")}
        row.nothing_left(CustomerGroupWriter.columns.known)
        found = await tx.fetchrow(_GROUP, tx.scope.group_id)
        assert found is not None
        self._first = self._first or told
        new = {name: value for name, value in told.items() if value is not None and value != found[name]}
        if self._first != told or not found["is_new"]:
            return Outcome(Verdict.SAME, lost=list(new))
        # Amounts are counted in the currency the group was made with, and days in its zone.
        lost = [
            name for name in new if name == "currency" or (name == "time_zone" and not found["has_no_days"])
        ]
        kept = {name: value for name, value in new.items() if name not in lost}
        if not kept:
            return Outcome(Verdict.SAME, lost=lost)
        await update_group(
            tx, GroupFields(name=kept.get("name", UNSET), time_zone=kept.get("time_zone", UNSET)), now=now
        )
        return Outcome(Verdict.CHANGED, lost=lost)
