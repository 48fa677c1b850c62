"""Customer groups: the tenants."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_database
from app.cli.options import MAX_NUMBER, AsJson, Group
from app.cli.showing import show_made, show_rows

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Customer groups: the tenants.", no_args_is_help=True)


_NEXT = """
Its number stands above, by itself. Next:
  gateway stores create --group {group} --name 'My shop'         campaigns belong to stores; the first is the default
  gateway projects create --group {group} --name 'My website'    a slug, under which it takes events
  gateway keys create --group {group} --write                    a credential for programs
  gateway token --group {group} --role tenant_admin              one for a person, for an hour
Or, where rows come from another host (README, Moving in), make no stores nor projects:
  gateway import lagriffe FOLDER --group {group} --dry-run       then the other systems; rows bring their stores"""
"""What a new tenant needs before it can be used."""


@app.command("create")
def create_customer_group(
    name: Annotated[str, typer.Option(help="What it is called.")],
    currency: Annotated[str, typer.Option(help="The currency of its campaigns (ISO 4217).")],
    time_zone: Annotated[str, typer.Option(help="Its time zone (IANA), like Europe/Paris.")],
    country: Annotated[
        str | None,
        typer.Option(help="The country (ISO 3166) of telephone numbers that say none; else the time zone's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a customer group; its number is what other commands ask for. What to do next is said beside it."""
    from app.domain.groups.operations import create_group

    async def create(db: "Database", _: "Settings") -> None:
        made = await create_group(
            db, name=name, currency=currency, time_zone=time_zone, country=country, now=datetime.now(UTC)
        )
        show_made(made, name=name, as_json=as_json)
        typer.echo(_NEXT.format(group=made), err=True)

    with_database(create)


@app.command("list")
def list_customer_groups(as_json: AsJson = False) -> None:
    """List customer groups: number, name, currency, and how many stores."""
    from dataclasses import asdict

    from app.domain.groups.listing import list_groups

    async def show(db: "Database", _: "Settings") -> None:
        groups = [asdict(one) for one in await list_groups(db)]
        show_rows(
            groups,
            lambda one: (
                one["number"],
                one["name"],
                one["currency"],
                f"{one['stores']} store{'' if one['stores'] == 1 else 's'}",
            ),
            as_json=as_json,
        )

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
