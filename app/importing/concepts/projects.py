"""Internal projects of campaigns: a record makes one, or names the one that has its id anew."""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.groups.projects import bring_in_project
from app.importing.concepts.singly import one_by_one
from app.importing.concepts.stores import store_named
from app.importing.knowing import before_made, give_ids, known_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, flag, instant, text

_STATE = "SELECT md5(to_jsonb(p)::text) FROM project p WHERE group_id = $1 AND id = $2"


class ProjectWriter:
    """Makes projects, or changes their names, one by one."""

    columns = Columns(
        known=("external_id", "name", "store", "is_internal", "created_at"),
        also={"id": "external_id", "store_id": "store"},
        moments=frozenset({"created_at"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    name = row.take("name", text)
    store = row.take("store", text)
    is_internal = row.take("is_internal", flag)
    created_at = row.take("created_at", instant)
    row.nothing_left(ProjectWriter.columns.known)
    known = await known_row(tx, "proj", ids)
    before = None if known is None else await tx.fetchval(_STATE, tx.scope.group_id, known)
    if known is None:
        await before_made(tx, "proj", ids)
    ident = await bring_in_project(
        tx,
        known if isinstance(known, int) else None,
        name=name,
        store_id=None if store is None or known is not None else await store_named(tx, ids, store),
        is_internal=is_internal is not False,
        created_at=created_at or now,
    )
    await give_ids(tx, "proj", ident, ids)
    if before is None:
        return Verdict.MADE
    return Verdict.SAME if before == await tx.fetchval(_STATE, tx.scope.group_id, ident) else Verdict.CHANGED
