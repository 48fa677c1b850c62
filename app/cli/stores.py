"""Stores of a customer group."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_group
from app.cli.options import MAX_NUMBER, AsJson, Group
from app.cli.showing import show_done, show_made, show_rows

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Stores of a customer group.", no_args_is_help=True)


@app.command("list")
def list_them(group: Group, as_json: AsJson = False) -> None:
    """List a group's stores: number, name, beacon key, whether campaigns that name none go there."""
    from app.domain.groups.listing import list_stores

    async def show(db: "Database", _: "Settings") -> None:
        show_rows(
            await list_stores(db, group),
            lambda one: (
                one["number"], one["name"], one["beacon_key"], "default" if one["is_default"] else "-",
            ),
            as_json=as_json,
        )  # fmt: skip

    with_group(group, show)


@app.command("create")
def create(
    group: Group,
    name: Annotated[str, typer.Option(help="What it is called.")],
    beacon_key: Annotated[
        str | None, typer.Option(help="Names it inside the group; a random one unless given.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Its own time zone (IANA); the group's unless given.")
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(help="The country (ISO 3166) of telephone numbers that say none; else the group's."),
    ] = None,
    default: Annotated[bool, typer.Option(help="Campaigns that name no store go here from now on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a store; a group's first one becomes its default."""
    from app.domain.groups.fields import StoreFields
    from app.domain.groups.operations import create_store
    from app.domain.operating import operate
    from app.values.changes import UNSET

    fields = StoreFields(
        name=name,
        beacon_key=beacon_key or UNSET,
        time_zone=time_zone,
        country=country,
        is_default=default or UNSET,
    )

    async def make(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
        made = await operate(
            db, group, "store.create", "store", lambda tx: create_store(tx, fields, now=now), now=now
        )
        show_made(made, name=name, as_json=as_json)

    with_group(group, make)


@app.command("delete")
def delete(
    store: Annotated[int, typer.Argument(help="Its number in `gateway stores list`.", min=1, max=MAX_NUMBER)],
    group: Group,
    as_json: AsJson = False,
) -> None:
    """Delete a store; `restore` has it back. Refused while campaigns, projects or agreements of it live."""
    from app.domain.groups.closing import delete_store
    from app.domain.operating import operate

    async def close(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
        done = await operate(
            db,
            group,
            "store.delete",
            "store",
            lambda tx: delete_store(tx, store, now=now),
            ident=store,
            now=now,
        )
        show_done(done, f"Store {done} is deleted.", as_json=as_json, deleted=True)

    with_group(group, close)


@app.command("restore")
def restore(
    store: Annotated[int, typer.Argument(help="Its number, as it was listed.", min=1, max=MAX_NUMBER)],
    group: Group,
    as_json: AsJson = False,
) -> None:
    """Restore a deleted store: it is as it was, and its credentials work again."""
    from app.domain.groups.closing import restore_store
    from app.domain.operating import operate

    async def reopen(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
        done = await operate(
            db,
            group,
            "store.restore",
            "store",
            lambda tx: restore_store(tx, store, now=now),
            ident=store,
            now=now,
        )
        show_done(done, f"Store {done} is open again.", as_json=as_json, deleted=False)

    with_group(group, reopen)
