"""Starting and cancelling imports."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import ADMIN_ROLES
from app.db.database import Transaction
from app.domain.assets.storage import shelf
from app.domain.imports.files import SentFile, keep_sent
from app.domain.imports.operations import NewImport, add_import, cancel_import
from app.errors import Invalid
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import DateOrder, DecimalMark
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.scalars import JSON, Upload
from app.graph.declaring.writing import (
    Administration,
    UserError,
    errors_field,
    given,
    optional,
    own_id,
    writes,
    written_down,
)
from app.graph.types.imports import Import

MAX_TOLD = 1_000
"""Columns that are mapped, or ignored."""


@object_type
class ImportPayload:
    """An import that was started or cancelled."""

    import_: Import | None = strawberry.field(
        name="import", default=None, description="The import; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class ImportStartInput:
    """A file, what it is, and how it is written, where that is not to be found out."""

    what: str = strawberry.field(
        description="A concept, whose columns are ours or mapped to ours (customers, campaigns, …), or a system, whose"
        " printed answers go in as they are (lagriffe, crm, webmarketer, benji, criteo)."
    )
    file: Upload = strawberry.field(
        description="CSV with a header, JSON, or JSON lines; compressed by gzip, if you like. IMPORT_MAX_BYTES (256 MiB"
        " unless set) at most."
    )
    system: str | None = optional("Whose ids `external_id` holds, where it is a concept; crm unless said.")
    separator: str | None = optional(
        "What is between cells: comma, semicolon, tab, pipe, or a sign; found out unless said."
    )
    encoding: str | None = optional(
        "utf-8, utf-16, latin-1, windows-1252, …; of these four found out unless said."
    )
    decimal: DecimalMark | None = optional("How numbers are written; found out where that is clear.")
    dates: DateOrder | None = optional("How days are written; ISO unless said.")
    mapping: JSON | None = optional(
        'A column\'s name in the file, and what it is here: {"Kundennr": "external_id"}.'
    )
    ignored: list[str] | None = optional("Columns to leave out.")
    dry_run: bool = strawberry.field(
        default=False, description="Whether to write nothing, and only tell what would be done."
    )


@input_type
class ImportCancelInput:
    """An import to cancel."""

    id: strawberry.ID = strawberry.field(description="Which one.")


_START = Administration("import.start", "import_run", "import")


@writes(roles=ADMIN_ROLES, administration=_START, shapes=WHOLE_GROUP)
async def start(
    info: strawberry.Info,
    input: Annotated[
        ImportStartInput, strawberry.argument(description="What, and the file (multipart request).")
    ],
) -> ImportPayload:
    """Keeps a file and has it imported in the background, one of a group after the other. Watch importProgress, or ask
    for it again. The same file twice is imported once: what is in already is told as the same.
    """
    context: Any = info.context
    new = NewImport(input.what, _told(input), given(input.system), input.dry_run)
    context.services.check_import(new.what, new.told, new.system)
    async with shelf(context.services.assets) as kept:
        file = await keep_sent(
            kept,
            input.file.filename or "",
            input.file.file,
            group_id=context.scope.group_id,
            most=context.services.settings.import_max_bytes,
        )
        queued = written_down(_START, _queued)
        async with context.transaction() as tx:
            payload: ImportPayload = await queued(info=info, tx=tx, input=new, file=file)
            return payload


async def _queued(info: strawberry.Info, tx: Transaction, input: NewImport, file: SentFile) -> ImportPayload:
    context: Any = info.context
    ident = await add_import(
        tx,
        input,
        file,
        asked_by=context.principal.name,
        quota=context.services.settings.file_quota,
        now=context.now,
    )
    return ImportPayload(import_=await shown(info, tx, "Import", ident))


@writes(
    roles=ADMIN_ROLES,
    administration=Administration("import.cancel", "import_run", "import"),
    shapes=WHOLE_GROUP,
)
async def cancel(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ImportCancelInput, strawberry.argument(description="Which one.")],
) -> ImportPayload:
    """Cancels an import: one that waits at once, one that runs after the batch at hand. What is in by then stays in.
    One that is over stays as it is.
    """
    ident = own_id(input.id, "import", "import", "id")
    await cancel_import(tx, ident, now=info.context.now)
    return ImportPayload(import_=await shown(info, tx, "Import", ident))


def _told(input: ImportStartInput) -> dict[str, Any]:
    """How the file is written, with nothing in it that was not said."""
    mapping, ignored = given(input.mapping), given(input.ignored)
    if mapping is not None and not isinstance(mapping, dict):
        raise Invalid('`mapping` is an object like {"Kundennr": "external_id"}.', path=["mapping"])
    for name, many in (("mapping", mapping), ("ignored", ignored)):
        if many is not None and len(many) > MAX_TOLD:
            raise Invalid(f"`{name}` names {len(many)} columns; {MAX_TOLD} are the most.", path=[name])
    decimal, dates = given(input.decimal), given(input.dates)
    told = {
        "separator": given(input.separator),
        "encoding": given(input.encoding),
        "decimal": None if decimal is None else decimal.value,
        "dates": None if dates is None else dates.value,
        "mapping": mapping,
        "ignored": ignored,
    }
    return {name: value for name, value in told.items() if value is not None}
