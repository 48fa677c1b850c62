"""Customers of a customer group: what the operator is asked to do about one of them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import storage_of, with_group
from app.cli.options import MAX_NUMBER, AsJson, Group
from app.cli.showing import show_done

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Customers of a customer group.", no_args_is_help=True)


@app.callback()
def _subject() -> None:
    """Keeps `erase` a command of its own."""


@app.command("erase")
def erase(
    customer: Annotated[int, typer.Argument(help="Its number: 5 of cust_5.", min=1, max=MAX_NUMBER)],
    group: Group,
    as_json: AsJson = False,
) -> None:
    """Erase who a customer is, for good, from every table and the files of imports. Orders and figures stay.

    However much there is of the customer, and for as long as that takes; docs/privacy.md says what stays.
    """
    from app.db.auditing import OPERATOR
    from app.domain.erasing.erasing import erase as erase_customer

    async def work(db: "Database", settings: "Settings") -> None:
        done = await erase_customer(
            db, storage_of(settings), group, customer, by=OPERATOR, now=datetime.now(UTC)
        )
        rows = sum(done.emptied.values()) + sum(done.deleted.values())
        show_done(
            customer,
            f"Customer {customer} is erased, since {done.erased_at:%Y-%m-%d %H:%M:%S} UTC: {rows} rows emptied or"
            f" deleted, {sum(done.cut.values())} of others without it now, {done.files_rewritten} files written anew,"
            f" {done.files_removed} deleted.",
            as_json=as_json, erased_at=done.erased_at.isoformat(), emptied=dict(done.emptied),
            deleted=dict(done.deleted), cut=dict(done.cut), files_rewritten=done.files_rewritten,
            files_removed=done.files_removed,
        )  # fmt: skip

    with_group(group, work)
