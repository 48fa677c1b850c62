"""Rows of another system, brought in from files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_database
from app.cli.options import Group

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings


def import_rows(
    kind: Annotated[str, typer.Argument(help="customers, segments or campaigns.")],
    file: Annotated[
        Path, typer.Argument(help="CSV with a header, or JSON lines.", exists=True, dir_okay=False)
    ],
    group: Group,
    refused: Annotated[
        Path | None,
        typer.Option(help="Where refused rows go, with the reason; FILE.refused.jsonl unless said."),
    ] = None,
) -> None:
    """Bring rows of another system in. They keep their old ids; the same file again changes nothing more.

    CSV (with a header) or JSON lines, by the file's name. Lists in CSV cells have `;` between their entries. Columns of
    customers that mean nothing here become free attributes, called as in the file; of other rows they are refused.
    """
    from app.importing.running import RowKind, import_file
    from app.seeding.progress import progress_bar
    from app.values.scope import Scope

    try:
        what = RowKind(kind)
    except ValueError:
        raise typer.BadParameter(f"There are no {kind}; there are {', '.join(RowKind)}.") from None
    into = refused or file.with_name(f"{file.name}.refused.jsonl")

    async def bring_in(db: "Database", _: "Settings") -> None:
        with file.open("rb") as opened:
            total = sum(chunk.count(b"\n") for chunk in iter(lambda: opened.read(1 << 20), b""))
        with progress_bar() as show:
            done = await import_file(
                db, Scope(group), what, file, refused_into=into, now=datetime.now(UTC),
                progress=lambda rows, bad: show(f"{what}, {bad} refused", rows, max(rows, total)),
            )  # fmt: skip
        typer.echo(f"{done.imported} {what} are in.")
        if done.refused:
            typer.echo(
                f"{done.refused} rows were refused; they are in {into}, each with its reason.", err=True
            )
            raise typer.Exit(1)

    with_database(bring_in)
