"""Partners of a customer group."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_group
from app.cli.options import MAX_NUMBER, AsJson, Group
from app.cli.showing import show_done, show_made, show_rows

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Partners of a customer group, and their agreements.", no_args_is_help=True)

Partner = Annotated[int, typer.Argument(help="Its number in `gateway partners list`.", min=1, max=MAX_NUMBER)]


@app.command("list")
def list_them(group: Group, as_json: AsJson = False) -> None:
    """List a group's partners: number, name, how many agreements. Archived ones are left out."""
    from app.domain.groups.listing import list_partners

    async def show(db: "Database", _: "Settings") -> None:
        show_rows(
            await list_partners(db, group),
            lambda one: (
                one["number"],
                one["name"],
                f"{one['agreements']} agreement{'' if one['agreements'] == 1 else 's'}",
            ),
            as_json=as_json,
        )

    with_group(group, show)


@app.command("create")
def create(
    group: Group, name: Annotated[str, typer.Option(help="What it is called.")], as_json: AsJson = False
) -> None:
    """Make a partner, a company whose customers earn or redeem rewards."""
    from app.domain.groups.fields import PartnerFields
    from app.domain.groups.partners import create_partner
    from app.values.scope import Scope

    async def make(db: "Database", _: "Settings") -> None:
        async with db.transaction(Scope(group)) as tx:
            made = await create_partner(tx, PartnerFields(name=name), now=datetime.now(UTC))
        show_made(made, name=name, as_json=as_json)

    with_group(group, make)


@app.command("agree")
def agree(
    partner: Partner,
    group: Group,
    name: Annotated[str, typer.Option(help="What the agreement is called.")],
    store: Annotated[
        int | None,
        typer.Option(help="The store; the group's default unless given.", min=1, max=MAX_NUMBER),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an agreement of a partner with a store."""
    from app.domain.groups.fields import PartnershipFields
    from app.domain.groups.partners import create_partnership
    from app.values.changes import UNSET
    from app.values.scope import Scope

    fields = PartnershipFields(name=name, partner_id=partner, store_id=UNSET if store is None else store)

    async def make(db: "Database", _: "Settings") -> None:
        async with db.transaction(Scope(group)) as tx:
            made = await create_partnership(tx, fields, now=datetime.now(UTC))
        show_made(made, name=name, as_json=as_json)

    with_group(group, make)


@app.command("archive")
def archive(partner: Partner, group: Group, as_json: AsJson = False) -> None:
    """Let nothing new name a partner. Refused while campaigns that pay with it, or agreements, live."""
    from app.domain.groups.closing import archive_partner
    from app.values.scope import Scope

    async def close(db: "Database", _: "Settings") -> None:
        async with db.transaction(Scope(group)) as tx:
            done = await archive_partner(tx, partner, now=datetime.now(UTC))
        show_done(done, f"Partner {done} is archived.", as_json=as_json, archived=True)

    with_group(group, close)
