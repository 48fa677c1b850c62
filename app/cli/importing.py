"""Rows of another system, brought in from files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import storage_of, with_group
from app.cli.options import Group

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings


def import_rows(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SYSTEM|CONCEPT",
            help="What the file is: answers of a system (lagriffe, crm, webmarketer, benji, criteo), or rows of a"
            " concept (customers, segments, campaigns, …).",
        ),
    ],
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|FOLDER|-", help="CSV with a header, JSON, or JSON lines; .gz as well."),
    ],
    group: Group,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing: only report what would be done.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar='"THEIRS=OURS"', help="A column's name in the file, and what it is here."
        ),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help='The same in a file: {"Kundennr": "external_id", …}.')
    ] = None,
    ignored: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="COLUMN", help="A column to leave out.")
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(
            help="What is between cells: comma, semicolon, tab, pipe, or a sign; found out unless said."
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="utf-8, utf-16, latin-1, windows-1252, …; of these four found out unless said."),
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(help="`comma` (1.234,50) or `point` (1,234.50); found out by column where it is clear."),
    ] = None,
    dates: Annotated[
        str | None, typer.Option(help="`day-first` reads 31.12.2025; ISO (2025-12-31) always holds.")
    ] = None,
    system: Annotated[
        str, typer.Option(help="Whose ids `external_id` holds, where a concept's rows are imported.")
    ] = "crm",
    totals_as_of: Annotated[
        str | None,
        typer.Option(
            "--totals-as-of",
            metavar="INSTANT",
            help="Up to when totals in the files count (orders of customers, uses of promos, figures of campaigns):"
            " what happened until then is in them. The moment the answers were pulled, else now, unless said.",
        ),
    ] = None,
    one_gateway: Annotated[
        bool,
        typer.Option(
            "--one-gateway",
            help="The answers are those of another gateway, whose five systems show the same rows under the same"
            " numbers. Without it rows of different systems are different rows.",
        ),
    ] = False,
    refused: Annotated[
        Path | None,
        typer.Option(
            help="Where refused rows go: a file, or a folder; FILE.refused.csv (or .jsonl) beside the file unless said."
            " Why they were refused is in FILE.reasons.jsonl. A dry run makes these files only if this is said."
        ),
    ] = None,
) -> None:
    """Bring rows of another system in. They keep their old ids; the same file again changes nothing more.

    Refused rows come out as they came in: mend them there, and import that file. Lists in CSV cells have `;` between
    their entries. Columns of customers that mean nothing here become free attributes, called as in the file; of other
    rows they are refused. What has no place here is counted and told.
    """
    from app.importing.reading.sources import find_sources
    from app.importing.reading.told import read_told
    from app.importing.running import import_files, names
    from app.seeding.progress import progress_bar
    from app.values.json_text import write_json
    from app.values.scope import Scope

    if what not in names():
        raise typer.BadParameter(f"There are no {what} to import; there are {', '.join(names())}.")
    told = read_told(
        separator=separator, encoding=encoding, decimal=decimal, dates=dates,
        maps=maps or (), mapping=mapping, ignored=ignored or (), system=system, totals_as_of=totals_as_of,
        one_gateway=one_gateway,
    )  # fmt: skip
    sources = find_sources(file)

    async def bring_in(db: "Database", settings: "Settings") -> None:
        with progress_bar() as show:
            report = await import_files(
                db, Scope(group), what, sources, told=told, dry=dry_run, refused_into=refused, now=datetime.now(UTC),
                storage=storage_of(settings),
                progress=lambda rows, bad, total: show(f"{what}, {bad} refused", rows, total),
            )  # fmt: skip
        if as_json:
            typer.echo(write_json(report.as_json()).decode())
        else:
            for line in report.lines():
                typer.echo(line)
        if report.refused:
            raise typer.Exit(1)

    with_group(group, bring_in)
