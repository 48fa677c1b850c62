"""OAuth clients of customer groups."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_database, with_group
from app.cli.options import Group, MaybeGroup, TokenRoles, chosen_roles

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="OAuth clients of a customer group (for /oauth2/token).", no_args_is_help=True)


@app.command("create")
def create_oauth_client(
    group: Group,
    role: TokenRoles = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by hand",
    store: Annotated[int | None, typer.Option(help="Narrow it to this store.")] = None,
) -> None:
    """Make an OAuth client. Its secret is shown this once."""
    from app.auth.clients import create_client

    roles = chosen_roles(role)

    async def create(db: "Database", _: "Settings") -> None:
        made = await create_client(
            db,
            group_id=group,
            name=name,
            roles=roles,
            now=datetime.now(UTC),
            store_id=store,
        )
        typer.echo(f"client_id={made.client.client_id}\nclient_secret={made.secret}")

    with_group(group, create)


@app.command("list")
def list_oauth_clients(group: MaybeGroup = None) -> None:
    """List OAuth clients, newest first."""
    from app.auth.clients import list_clients

    async def show(db: "Database", _: "Settings") -> None:
        for one in await list_clients(db, group_id=group):
            state = "ended" if one.revoked_at else "holds"
            roles = ",".join(sorted(one.roles))
            typer.echo(f"{one.client_id}\tgroup {one.group_id}\t{roles}\t{state}\t{one.name}")

    with_group(group, show)


@app.command("revoke")
def revoke_oauth_client(
    client: Annotated[str, typer.Argument(help="Its client_id.")], group: MaybeGroup = None
) -> None:
    """End an OAuth client, and within five seconds the tokens it holds."""
    from app.auth.clients import revoke_client

    async def revoke(db: "Database", _: "Settings") -> None:
        await revoke_client(db, client_id=client, group_id=group, now=datetime.now(UTC))
        typer.echo(f"Client {client} no longer holds.")

    with_database(revoke)
