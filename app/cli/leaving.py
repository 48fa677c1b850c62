"""A customer group as a folder: written out, and brought into another installation."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import storage_of, with_database
from app.cli.options import Group

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings


def export_group(
    into: Annotated[Path, typer.Argument(help="A folder that is new or empty.", file_okay=False)],
    group: Group,
    sheets: Annotated[
        bool, typer.Option("--csv", help="A CSV of each table as well, to be read by people.")
    ] = False,
) -> None:
    """Write everything of a group into a folder: rows as JSON lines, as of one moment, and its files.

    `gateway groups import` makes the same group of it elsewhere. Credentials stay, and what else `manifest.json` names
    with its reason. The folder holds what identifies customers; only its owner can read it.
    """
    from app.exporting.writing import export_group as write
    from app.seeding.progress import progress_bar

    async def leave(db: "Database", settings: "Settings") -> None:
        with progress_bar() as show:
            said = await write(
                db, storage_of(settings), group, into, now=datetime.now(UTC), sheets=sheets, progress=show
            )
        rows = sum(one.rows for one in said.tables)
        typer.echo(
            f"Group {group} is in {into} as of {said.instant}: {rows} rows of {len(said.tables)} tables,"
            f" {said.files} files."
        )
        if said.missing_files:
            typer.echo(
                f"{len(said.missing_files)} files that its rows name were not to be had; the manifest names them.",
                err=True,
            )
            raise typer.Exit(1)

    with_database(leave)


def import_group(
    folder: Annotated[
        Path, typer.Argument(help="What `gateway export` wrote.", exists=True, file_okay=False)
    ],
) -> None:
    """Make the customer group that a folder holds; its number is what other commands ask for.

    All of it or nothing. Ids stay what they are; the number stays where it is free here. Credentials have to be made
    anew: `gateway keys create`, `gateway clients create`, webhook endpoints.
    """
    from app.exporting.bringing_back import import_group as bring_back
    from app.seeding.progress import progress_bar

    async def arrive(db: "Database", settings: "Settings") -> None:
        with progress_bar() as show:
            number, said = await bring_back(
                db, storage_of(settings), folder, now=datetime.now(UTC), progress=show
            )
        if said.missing_files:
            typer.echo(
                f"{len(said.missing_files)} files that its rows name were not to be had when it was exported.",
                err=True,
            )
        typer.echo(number)

    with_database(arrive)
