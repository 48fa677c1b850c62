"""Customer groups: the tenants."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_database
from app.cli.options import MAX_NUMBER, Group

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Customer groups: the tenants.", no_args_is_help=True)


@app.command("create")
def create_customer_group(
    name: Annotated[str, typer.Option(help="What it is called.")],
    currency: Annotated[str, typer.Option(help="The currency of its campaigns (ISO 4217).")],
    time_zone: Annotated[str, typer.Option(help="Its time zone (IANA), like Europe/Paris.")],
) -> None:
    """Make a customer group; its number is what other commands ask for."""
    from app.domain.groups.operations import create_group

    async def create(db: "Database", _: "Settings") -> None:
        made = await create_group(
            db, name=name, currency=currency, time_zone=time_zone, now=datetime.now(UTC)
        )
        typer.echo(made)

    with_database(create)


@app.command("list")
def list_customer_groups(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """List customer groups: number, name, currency, and how many stores."""
    from dataclasses import asdict

    from app.domain.groups.listing import list_groups
    from app.values.json_text import write_json

    async def show(db: "Database", _: "Settings") -> None:
        for one in await list_groups(db):
            if as_json:
                typer.echo(write_json(asdict(one)).decode())
            else:
                typer.echo(f"{one.number}\t{one.name}\t{one.currency}\t{one.stores} stores")

    with_database(show)


@app.command("quota")
def set_quota(
    group: Group,
    files: Annotated[
        int | None,
        typer.Option(help="Bytes its files may take; 0: the server's setting.", min=0, max=MAX_NUMBER),
    ] = None,
    events: Annotated[
        int | None,
        typer.Option(help="Bytes its events may take; 0: the server's setting.", min=0, max=MAX_NUMBER),
    ] = None,
) -> None:
    """Give a customer group quotas of its own, and show what it takes."""
    from app.domain.groups.operations import set_quotas

    async def change(db: "Database", _: "Settings") -> None:
        shown = await set_quotas(db, group, files=files, events=events, now=datetime.now(UTC))
        if shown is None:
            raise SystemExit(f"There is no customer group {group}.")
        for name, taken, quota in shown:
            typer.echo(f"{name}: {taken:,} bytes of {'the setting' if quota is None else f'{quota:,}'}")

    with_database(change)
