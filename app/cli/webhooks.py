"""Webhook endpoints of a customer group."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_group
from app.cli.options import MAX_NUMBER, AsJson, Group
from app.cli.showing import show_done, show_rows

if TYPE_CHECKING:
    from app.db.database import Database, Transaction
    from app.settings import Settings

app = typer.Typer(help="Webhook endpoints of a customer group.", no_args_is_help=True)


@app.command("list")
def list_them(group: Group, as_json: AsJson = False) -> None:
    """List a group's webhook endpoints: number, provider, whether it takes deliveries, how old they may be."""
    from app.auth.webhooks.connections import list_connections

    async def show(db: "Database", _: "Settings") -> None:
        show_rows(
            await list_connections(db, group),
            lambda one: (one["number"], one["provider"], one["status"], _age(one["tolerance_s"])),
            as_json=as_json,
        )

    with_group(group, show)


@app.command("tolerance")
def tolerance(
    endpoint: Annotated[
        int, typer.Argument(help="Its number in `gateway webhooks list`.", min=1, max=MAX_NUMBER)
    ],
    group: Group,
    seconds: Annotated[
        int,
        typer.Option(help="How far a signed timestamp may be from now; 0: any age.", min=0, max=31_536_000),
    ],
    as_json: AsJson = False,
) -> None:
    """Say how old an endpoint's signed deliveries may be. Whatever comes twice counts once anyhow."""
    from app.auth.webhooks.connections import set_tolerance
    from app.domain.operating import operate

    async def work(db: "Database", _: "Settings") -> None:
        async def change(tx: "Transaction") -> int:
            await set_tolerance(tx, endpoint, seconds)
            return endpoint

        done = await operate(
            db, group, "webhook_endpoint.update", "webhook_connection", change, ident=endpoint,
            now=datetime.now(UTC),
        )  # fmt: skip
        show_done(
            done,
            f"Endpoint {done} takes deliveries of {_age(seconds)}.",
            as_json=as_json,
            tolerance_s=seconds or None,
        )

    with_group(group, work)


def _age(seconds: int | None) -> str:
    return f"{seconds} s" if seconds else "any age"
