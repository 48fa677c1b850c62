"""Giving rows their ids in other systems."""

from typing import Annotated

import strawberry

from app.auth.principal import ADMIN_ROLES
from app.db.database import Transaction
from app.domain.erasing.operations import refuse_erased
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import TABLES, Ids, RowId
from app.errors import MAX_TOLD, Conflict, Failure, NotFound, Several, TooLarge
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.writing import Administration, UserError, errors_field, writes
from app.values.ids import read_id, read_uuid

MAX_ENTRIES = 5_000


@object_type
class ExternalIdsRecordPayload:
    """Ids that were recorded."""

    recorded: int = strawberry.field(default=0, description="How many entries were taken.")
    errors: list[UserError] = errors_field()


@input_type
class ExternalIdEntryInput:
    """What a system calls a row."""

    row: strawberry.ID = strawberry.field(
        description="The row's id here: of a store, campaign, flow, action, condition, multiplier, goal, partner,"
        " partnership, segment, promo, customer, order, outlay, event, event type, project, integration or asset."
    )
    system: str = strawberry.field(
        description="The system: lagriffe, crm, webmarketer, benji, criteo, or a name of your own (small letters,"
        " digits and _, 32 at most)."
    )
    id: str | None = strawberry.field(
        description="The row's id there, 255 characters at most; null: it has none."
    )


@input_type
class ExternalIdsRecordInput:
    """Ids in other systems."""

    entries: list[ExternalIdEntryInput] = strawberry.field(description="5,000 at most.")


@writes(roles=ADMIN_ROLES, shapes=WHOLE_GROUP, administration=Administration("external_ids.record", "", ""))
async def record(
    info: strawberry.Info,  # noqa: ARG001 - every mutation takes it
    tx: Transaction,
    input: Annotated[ExternalIdsRecordInput, strawberry.argument(description="The ids.")],
) -> ExternalIdsRecordPayload:
    """Records what other systems call our rows: all of it, or nothing. An id is unique per group, system and kind of
    row; a facade shows its own system's id, and takes it wherever it takes ours."""
    if len(input.entries) > MAX_ENTRIES:
        raise TooLarge(
            f"There are {len(input.entries)} entries; at most {MAX_ENTRIES} are taken at once.",
            path=["entries"],
        )
    by_kind: dict[str, dict[RowId, dict[str, str | None]]] = {}
    at: dict[tuple[str, RowId], list[str | int]] = {}
    faults: list[Failure] = []
    for place, entry in enumerate(input.entries):
        path: list[str | int] = ["entries", place, "row"]
        kind = entry.row.rpartition("_")[0]
        row = read_uuid(kind, entry.row) if kind == "event" else read_id(kind, entry.row)
        if kind not in TABLES or row is None:
            faults.append(NotFound("row", entry.row, path=path))
            continue
        given = by_kind.setdefault(kind, {}).setdefault(row, {})
        if entry.system in given:
            faults.append(Conflict("The row has two ids in this system here.", path=path, code="REPEATED"))
        given[entry.system] = entry.id
        at.setdefault((kind, row), ["entries", place])
    if faults:
        raise Several(faults[:MAX_TOLD])
    customers = [row for row in by_kind.get("cust", ()) if isinstance(row, int)]
    await refuse_erased(tx, {row: [*at["cust", row], "row"] for row in customers})
    for kind, rows in by_kind.items():
        named: dict[RowId, Ids] = dict(rows)
        await set_ids(tx, kind, named, paths={row: at[kind, row] for row in rows})
    return ExternalIdsRecordPayload(recorded=len(input.entries))
