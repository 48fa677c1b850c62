"""API keys of customer groups."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_database, with_group
from app.cli.options import MAX_NUMBER, Group, MaybeGroup

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="API keys of a customer group.", no_args_is_help=True)


@app.command("create")
def create_key(
    group: Group,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by hand",
    write: Annotated[bool, typer.Option(help="May it change things?")] = False,
    personal_data: Annotated[bool, typer.Option(help="Is it shown what identifies customers?")] = False,
    administration: Annotated[
        bool, typer.Option(help="Is it shown credentials, connections and the audit trail?")
    ] = False,
    store: Annotated[int | None, typer.Option(help="Bind it to this store.")] = None,
    also: Annotated[
        list[int] | None,
        typer.Option(help="A further group it belongs to; repeatable.", min=1, max=MAX_NUMBER),
    ] = None,
    days: Annotated[int | None, typer.Option(help="After how many days it ends.", min=1, max=36_500)] = None,
) -> None:
    """Make an API key. It is shown this once."""
    from app.auth.keys import create_api_key
    from app.auth.minting import require_group

    async def create(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
        for further in also or ():
            await require_group(db, further)
        made = await create_api_key(
            db,
            group_id=group,
            name=name,
            now=now,
            access="write" if write else "read",
            personal_data=personal_data,
            administration=administration,
            store_id=store,
            further_group_ids=also or (),
            expires_at=None if days is None else now + timedelta(days=days),
        )
        typer.echo(made.secret)

    with_group(group, create)


@app.command("list")
def list_keys(group: MaybeGroup = None) -> None:
    """List API keys, newest first: number, group, store, roles, first characters, whether and until when, last use."""
    from app.auth.keys import list_api_keys
    from app.values.instants import show_instant

    async def show(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
        for key in await list_api_keys(db, group_id=group):
            state = "holds" if key.holds(now=now) else "ended"
            used = "never" if key.last_used_at is None else show_instant(key.last_used_at)
            access = ",".join(sorted(key.roles))
            store = "all stores" if key.store_id is None else f"store {key.store_id}"
            ends = "no end" if key.expires_at is None else f"until {show_instant(key.expires_at)}"
            typer.echo(
                f"{key.id}\tgroup {key.group_id}\t{store}\t{access}\t{key.hint}…\t{state}\t{ends}\tused {used}"
                f"\t{key.name}"
            )

    with_group(group, show)


@app.command("rotate")
def rotate_key(
    key: Annotated[int, typer.Argument(help="Its number in `gateway keys list`.", min=1, max=MAX_NUMBER)],
    group: MaybeGroup = None,
    keep_hours: Annotated[
        int, typer.Option(help="How long the former secret holds as well.", min=0, max=720)
    ] = 24,
) -> None:
    """Give an API key a new secret, which is shown this once."""
    from app.auth.keys import rotate_api_key

    async def rotate(db: "Database", _: "Settings") -> None:
        made = await rotate_api_key(
            db, key_id=key, group_id=group, overlap=timedelta(hours=keep_hours), now=datetime.now(UTC)
        )
        typer.echo(made.secret)

    with_database(rotate)


@app.command("revoke")
def revoke_key(
    key: Annotated[int, typer.Argument(help="Its number in `gateway keys list`.", min=1, max=MAX_NUMBER)],
    group: MaybeGroup = None,
) -> None:
    """End an API key; it stops working within five seconds."""
    from app.auth.keys import revoke_api_key

    async def revoke(db: "Database", _: "Settings") -> None:
        ended = await revoke_api_key(db, key_id=key, group_id=group, now=datetime.now(UTC))
        typer.echo(f"Key {ended.id} ({ended.name}) no longer holds.")

    with_database(revoke)
