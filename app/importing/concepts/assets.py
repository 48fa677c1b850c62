"""Files of campaigns. Their bytes lie in a folder that was pulled; without them a file has no place here, and is told.

Bytes are stored before the batch whose rows name them, as storage may be slow. Those of a batch that fails are named by
no row, and swept away.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from app.db.database import Transaction
from app.domain.assets.operations import KeptFile, NewFile, add_assets, keep_files
from app.domain.assets.storage import AssetStorage, Shelf
from app.errors import Failure
from app.importing.concepts.singly import one_by_one
from app.importing.knowing import before_made, give_ids, known_row, named_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, text, whole
from app.moving.kept import file_of


class AssetWriter:
    """Adds files to campaigns, those that are not here and whose bytes are."""

    columns = Columns(
        known=("external_id", "campaign", "name", "content_type", "size", "url"),
        also={"id": "external_id", "campaign_id": "campaign"},
    )

    def __init__(self) -> None:
        self.storage: AssetStorage | None = None
        """Where bytes go; None: there are none."""
        self.dry = False
        self._kept: dict[tuple[tuple[str, str], ...], KeptFile | Failure] = {}

    async def missing(self, tx: Transaction, records: Sequence[Record]) -> list[tuple[Record, Path]]:
        """Files that are not here yet, and where their bytes are."""
        if self.storage is None:
            return []
        found = [(one, path) for one in records if _key(one) not in self._kept and (path := _bytes_of(one))]
        return [(one, path) for one, path in found if await known_row(tx, "asset", one.external_ids) is None]

    async def keep(self, files: Sequence[tuple[Record, Path]], *, group_id: int) -> None:
        """Store the bytes, outside of any transaction; a dry run only looks at them."""
        assert self.storage is not None
        shelf = _Nowhere(self.storage) if self.dry else Shelf(self.storage)
        for record, path in files:
            name = record.values.get("name") or path.name
            declared = record.values.get("content_type")
            try:
                with path.open("rb") as body:
                    (kept,) = await keep_files(
                        shelf, [NewFile(str(name), body, declared and str(declared))], group_id=group_id
                    )
                self._kept[_key(record)] = kept
            except Failure as failure:
                failure.path = ["size"]
                self._kept[_key(record)] = failure

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be; a file whose bytes are missing is lost, and told."""
        outcomes: list[Outcome] = []
        for record in records:
            known = await known_row(tx, "asset", record.external_ids)
            kept = self._kept.get(_key(record))
            if known is not None or kept is None:
                _check(record)
                outcomes.append(Outcome(Verdict.SAME, lost=() if known is not None else ("url",)))
            elif isinstance(kept, Failure):
                outcomes.append(Outcome.refused(kept))
            else:
                outcomes += await one_by_one(tx, [record], self._add, now=now)
        return outcomes

    async def _add(self, tx: Transaction, record: Record, *, now: datetime) -> Verdict:
        campaign = _check(record)
        kept = self._kept[_key(record)]
        assert isinstance(kept, KeptFile)
        campaign_id = None
        if campaign is not None:
            campaign_id = await named_row(tx, "camp", "campaign", record.external_ids, campaign, "campaign")
        await before_made(tx, "asset", record.external_ids)
        (made,) = await add_assets(tx, [kept], campaign_id=campaign_id, now=now)
        await give_ids(tx, "asset", made, record.external_ids)
        return Verdict.MADE


class _Nowhere(Shelf):
    async def put(self, key: str, data: IO[bytes] | bytes) -> None:
        pass


def _key(record: Record) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(record.external_ids.items()))


def _bytes_of(record: Record) -> Path | None:
    if record.row.asked is None or not record.row.asked.folder:
        return None
    for system, ident in record.external_ids.items():
        if (path := file_of(Path(record.row.asked.folder), system, ident)) is not None:
            return path
    return None


def _check(record: Record) -> str | None:
    """Whose it is; raises where it says what files do not have."""
    row = RowReader(record.values)
    campaign = row.take("campaign", text)
    for name in ("name", "content_type", "url"):
        row.take(name, text)
    row.take("size", whole)
    row.nothing_left(AssetWriter.columns.known)
    return campaign
