"""Promos of a customer group: their generated codes as a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from app.cli.connecting import with_group
from app.cli.options import MAX_NUMBER, Group

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Promos of a customer group: their generated codes.", no_args_is_help=True)


@app.command("export")
def export(
    promo: Annotated[
        int, typer.Argument(help="Its number: 7 of the graph's promo_7.", min=1, max=MAX_NUMBER)
    ],
    into: Annotated[Path, typer.Argument(help="The file, which must be new.", dir_okay=False)],
    group: Group,
) -> None:
    """Write all generated codes of a promo as CSV: the code, when it was generated, used, withdrawn.

    Whoever has the file has the codes; only its owner can read it.
    """
    import csv

    from app.domain.promos.generating import count_of, exported_codes
    from app.seeding.progress import progress_bar
    from app.values.instants import show_instant

    async def write(db: "Database", _: "Settings") -> None:
        total = await count_of(db, group, promo)
        written = 0
        with _new_file(into) as file, progress_bar() as show:
            rows = csv.writer(file)
            rows.writerow(["code", "created_at", "redeemed_at", "disabled_at"])
            async for page in exported_codes(db, group, promo):
                for one in page:
                    moments = (one["created_at"], one["redeemed_at"], one["disabled_at"])
                    rows.writerow([one["code"], *("" if at is None else show_instant(at) for at in moments)])
                written += len(page)
                show("codes", written, total)
        typer.echo(f"{written} codes are in {into}.")

    with_group(group, write)


def _new_file(path: Path) -> TextIO:
    import os

    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as why:
        raise SystemExit(f"{path} cannot be made: {why.strerror}.") from None
    return os.fdopen(made, "w", encoding="utf-8", newline="")
