"""Writing records one by one, each in a savepoint: for concepts whose verbs take one thing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.db.database import Transaction
from app.errors import Failure
from app.importing.records import Outcome, Record, Verdict


class Write(Protocol):
    async def __call__(self, tx: Transaction, record: Record, *, now: datetime) -> Verdict: ...


async def one_by_one(
    tx: Transaction, records: Sequence[Record], write: Write, *, now: datetime
) -> Sequence[Outcome]:
    """Write each; undo what fails, and what turns out to change nothing."""
    outcomes: list[Outcome] = []
    for record in records:
        try:
            async with tx.savepoint():
                verdict = await write(tx, record, now=now)
                if verdict is Verdict.SAME:
                    raise _Same
            outcomes.append(Outcome(verdict))
        except _Same:
            outcomes.append(Outcome(Verdict.SAME))
        except Failure as failure:
            outcomes.append(Outcome.refused(failure))
    return outcomes


class _Same(Exception):
    """Undoes what would only have set the instant of change."""
