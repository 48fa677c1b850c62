"""Who did what of administration."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_group
from app.cli.options import Group

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings


def audit(
    group: Group,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines, with everything there is.")] = False,
    since: Annotated[datetime | None, typer.Option(help="From this day or moment on (UTC).")] = None,
) -> None:
    """List who did what of administration in a group, oldest first."""
    from app.db.auditing import entries
    from app.values.instants import show_instant
    from app.values.json_text import write_json

    async def show(db: "Database", _: "Settings") -> None:
        from_then = None if since is None else since.replace(tzinfo=UTC)
        async for entry in entries(db, group, since=from_then):
            at = show_instant(entry.pop("created_at"))
            if as_json:
                typer.echo(write_json({"at": at, **entry}).decode())
            else:
                where = entry["address"] or "-"
                typer.echo(f"{at}\t{entry['actor']}\t{where}\t{entry['action']}\t{entry['subject'] or '-'}")

    with_group(group, show)
