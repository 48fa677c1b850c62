"""Saying how far seeding has come."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

Progress = Callable[[str, int, int], None]
"""What is being made, how many of its steps are done, and of how many."""


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Progress]:
    """A bar on the terminal; plain lines where there is none. Goes to stderr: stdout is for results."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console or Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show
