"""Outlays: a row makes one, or changes the one that has its id. Their campaign is one that an integration tracks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.outlays.bringing_in import OutlayPast, bring_in_outlay
from app.domain.outlays.fields import OutlayFields
from app.errors import Invalid
from app.importing.concepts.singly import one_by_one
from app.importing.knowing import before_made, give_ids, known_row, named_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, exact, instant, text
from app.values.changes import UNSET

_STATE = "SELECT md5(to_jsonb(o)::text) FROM outlay o WHERE group_id = $1 AND id = $2"


class OutlayWriter:
    """Makes or changes outlays, one by one."""

    columns = Columns(
        known=(
            "external_id", "campaign", "amount", "currency", "starts_at", "ends_at", "country", "region", "created_at",
            "updated_at", "deleted_at",
        ),
        also={"id": "external_id", "campaign_id": "campaign", "start_date": "starts_at", "end_date": "ends_at"},
        amounts=frozenset({"amount"}),
        moments=frozenset({"starts_at", "ends_at", "created_at", "updated_at", "deleted_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    known = await known_row(tx, "outlay", ids)
    campaign = row.take("campaign", text)
    past = OutlayPast(
        currency=row.take("currency", text), created_at=row.take("created_at", instant),
        updated_at=row.take("updated_at", instant), deleted_at=row.take("deleted_at", instant),
    )  # fmt: skip
    values: dict[str, Any] = {
        "amount": row.take("amount", exact),
        "starts_at": row.take("starts_at", instant),
        "ends_at": row.take("ends_at", instant),
        "country": row.take("country", text),
        "region": row.take("region", text),
    }
    row.nothing_left(OutlayWriter.columns.known)
    if campaign is None and known is None:
        raise Invalid("An outlay names its `campaign`.", path=["campaign"])
    if campaign is not None:
        values["campaign_id"] = await named_row(tx, "camp", "campaign", ids, campaign, "campaign")
    given = OutlayFields(
        **{
            # No place is one that was taken away; of the others nothing is told then.
            name: UNSET
            if value is None and not (name in ("country", "region") and known is not None)
            else value
            for name, value in values.items()
        }
    )
    before = None if known is None else await tx.fetchval(_STATE, tx.scope.group_id, known)
    if known is None:
        await before_made(tx, "outlay", ids)
    ident = await bring_in_outlay(tx, None if known is None else int(str(known)), given, past, now=now)
    await give_ids(tx, "outlay", ident, ids)
    if before is None:
        return Verdict.MADE
    return Verdict.SAME if before == await tx.fetchval(_STATE, tx.scope.group_id, ident) else Verdict.CHANGED
