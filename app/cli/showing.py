"""How commands print rows: a line each, its cells between tabs, or as JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import typer


def show_rows(
    rows: Iterable[Mapping[str, Any]],
    cells: Callable[[Mapping[str, Any]], Sequence[object]],
    *,
    as_json: bool,
) -> None:
    """Print each row: as `cells` has it, or with everything there is."""
    from app.values.json_text import write_json

    for row in rows:
        if as_json:
            typer.echo(write_json(dict(row)).decode())
        else:
            typer.echo("\t".join(str(cell) for cell in cells(row)))


def show_made(number: int, *, as_json: bool, **more: object) -> None:
    """Print the number of what was made: alone, for scripts, or in an object."""
    show_rows([{"number": number, **more}], lambda row: (row["number"],), as_json=as_json)


def show_done(number: int, sentence: str, *, as_json: bool, **more: object) -> None:
    """Print what became of something, in a sentence, or in an object with its number."""
    show_rows([{"number": number, **more}], lambda _: (sentence,), as_json=as_json)
