"""Bearer tokens of ours."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_database
from app.cli.options import MAX_NUMBER, Group, TokenRoles, chosen_roles

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Bearer tokens of ours.", no_args_is_help=True)


def token(
    group: Group,
    role: TokenRoles = None,
    store: Annotated[int | None, typer.Option(help="Narrow the token to this store.")] = None,
    hours: Annotated[int, typer.Option(help="How long it holds.", min=1, max=24 * 365)] = 1,
    subject: Annotated[str, typer.Option(help="Who it is for, as the log will show it.")] = "cli",
) -> None:
    """Mint a bearer token, signed with JWT_SECRET (or the secret under DATA_DIR); the group's audit has its `jti`."""
    from app.auth.minting import mint_token
    from app.auth.tokens import Tokens

    roles = chosen_roles(role)

    async def mint(db: "Database", settings: "Settings") -> None:
        made = await mint_token(
            db,
            Tokens(settings),
            group_id=group,
            subject=subject,
            roles=roles,
            now=datetime.now(UTC),
            store_id=store,
            life_s=hours * 3600,
        )
        typer.echo(made)

    with_database(mint)


@app.command("revoke")
def revoke_one_token(
    jti: Annotated[str, typer.Argument(help="Its claim `jti`; one that begins with a dash after `--`.")],
    group: Annotated[
        int | None,
        typer.Option(
            "--group",
            help="End it in this group, whose audit then has it. Left out: everywhere, and in the audit of the group"
            " that `gateway token` minted it for.",
            min=1,
            max=MAX_NUMBER,
        ),
    ] = None,
) -> None:
    """End a bearer token of ours; it stops working within five seconds."""
    from app.auth.minting import end_minted

    async def revoke(db: "Database", _: "Settings") -> None:
        of_group = await end_minted(db, jti=jti, group_id=group, now=datetime.now(UTC))
        if of_group is not None:
            typer.echo(f"Token {jti} of group {of_group} no longer holds.")
            return
        where = "everywhere" if group is None else f"in group {group}"
        typer.echo(
            f"`gateway token` minted no token {jti} that is written down (those of /oauth2/token are not);"
            f" it is refused {where} from now on."
        )
        if group is None:
            typer.echo("No group's audit has this: say --group for that.", err=True)

    with_database(revoke)
