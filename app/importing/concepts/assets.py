"""Files of campaigns: what an answer says of them. Their bytes come with a pull; without those they have no place."""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.importing.knowing import known_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, text, whole


class AssetWriter:
    """Leaves files alone that are here, and tells which are not."""

    columns = Columns(known=("external_id", "campaign", "name", "content_type", "size", "url"))

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Never refuses: a file whose bytes are missing is lost, and told."""
        return [await _write(tx, record) for record in records]


async def _write(tx: Transaction, record: Record) -> Outcome:
    row = RowReader(record.values)
    for name in ("campaign", "name", "content_type", "url"):
        row.take(name, text)
    row.take("size", whole)
    row.nothing_left(AssetWriter.columns.known)
    known = await known_row(tx, "asset", record.external_ids)
    return Outcome(Verdict.SAME, lost=() if known is not None else ("url",))
