"""Imports: files that were sent to be brought in, how far that is, and what came of it."""

from collections.abc import Callable

from app.auth.principal import ADMIN_READERS
from app.domain.imports.files import REASONS, REFUSED
from app.graph.declaring.described import object_type
from app.graph.declaring.enums import ImportState
from app.graph.declaring.fields import column, computed, embed, entity, given, is_set
from app.graph.declaring.nodes import Node
from app.graph.declaring.scalars import JSON, DateTime, Long
from app.graph.types.assets import signed_path
from app.plan.catalog import HIDDEN, Row
from app.plan.sql import Sql, quoted, sql
from app.tables import imports as tables


def _is_over(row: Row) -> Sql:
    return sql("({row.state} NOT IN ('queued', 'running'))", row=row)


def _link_to(part: str) -> Callable[[Row], Sql]:
    """A signed link; NULL where there is no such file. The name that is signed is `files.link_name`."""

    def link(row: Row) -> Sql:
        name = sql("'import/' || {row.id} || {part}", row=row, part=quoted(f"/{part}"))
        path = sql("'/imports/' || {row.id} || {part}", row=row, part=quoted(f"/{part}"))
        return sql(
            "CASE WHEN {key} IS NULL THEN NULL ELSE {link} END",
            key=row(f"{part}_key"),
            link=signed_path(path, name),
        )

    return link


@object_type
class ImportFailure:
    """Why an import could not be done."""

    code: str = given("What is wrong, for programs; INTERRUPTED: its process died again and again.")
    message: str = given("What is wrong and what would be right, for people.")


@entity(table=tables.ImportRun, prefix="import", store=HIDDEN, project=HIDDEN, roles=ADMIN_READERS)
class Import(Node):
    """A file that was sent to be imported. It can be seen, and its refused rows downloaded, for two weeks after its
    end. Where the process dies that does it, it is done again from its beginning: rows that are in are the same then.
    """

    what: str = column("The concept or system that was named.")
    system: str | None = column("Whose ids `external_id` holds; null: nobody said.")
    told: JSON = column("How the file is written, as it was said.")
    dry_run: bool = column("Whether nothing is written, and only told what would be.", "is_dry")
    state: ImportState = column("Where it stands.")
    done: bool = computed("Whether it is over, however it ended.", _is_over)
    asked_by: str = column("Who sent it, as the log calls it.")
    file_name: str = column("The name of the file.")
    file_size: Long = column("Its size in bytes, as it was sent.")
    rows: Long = column("How many rows have been read.")
    refused: Long = column("How many of them were refused, wholly or in part.")
    total: Long | None = column("How many rows there are; null: the file was not looked through yet.")
    made: Long = column("How many records were made, or would be.")
    changed: Long = column("How many records were changed, or would be.")
    same: Long = column("How many records were as the file says already.")
    lost: Long = column("How many values have no place here; the report names them.")
    report: JSON | None = column(
        "What came of it: counts by concept, what was lost, the commonest reasons; null while it is not over."
    )
    failure: ImportFailure | None = embed(
        "Why it failed; null: it did not.",
        present=is_set("failure_code"),
        code="failure_code",
        message="failure_message",
    )
    refused_url: str | None = computed(
        "The refused rows in the form they came in, to be mended and sent again: a link, signed and good for an hour;"
        " null: there are none, or it is not over.",
        _link_to(REFUSED),
    )
    reasons_url: str | None = computed(
        "Why they were refused, a JSON object a line: a link like the other.", _link_to(REASONS)
    )
    created_at: DateTime = column("When it was sent.")
    started_at: DateTime | None = column("When it was first begun; null: it waits.")
    finished_at: DateTime | None = column("When it was over; null: it is not.")
    cancel_at: DateTime | None = column("When somebody asked to cancel it; null: nobody did.")
