"""The database: brought up to date, brought back from a dump, filled."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import connected, storage_of

if TYPE_CHECKING:
    from app.settings import Settings


def migrate() -> None:
    """Bring the database to this version's schema, as its owner (DATABASE_MIGRATE_URL, else DATABASE_URL)."""
    from app.serving.running import bring_up_to_date, database
    from app.settings import read_settings

    with database(read_settings()) as settings:
        asyncio.run(bring_up_to_date(settings))
    typer.echo("The database is at this version's schema.")


def restore(
    dump: Annotated[Path, typer.Argument(help="A file that `pg_dump -Fc` made.", exists=True)],
) -> None:
    """Bring a dump back into the embedded server of an empty DATA_DIR, and up to this version's schema."""
    from app.db.restoring import NotRestored
    from app.db.restoring import restore as bring_back
    from app.serving.running import bring_up_to_date, embedded
    from app.settings import read_settings

    settings = read_settings()
    if settings.database_url:
        raise typer.BadParameter(
            "DATABASE_URL is set. This is for the embedded server; into your own, use pg_restore as README says.",
            param_hint="DATABASE_URL",
        )
    with embedded(settings) as (server, ready):
        try:
            tables = asyncio.run(bring_back(server, dump))
        except NotRestored as problem:
            raise SystemExit(str(problem)) from None
        asyncio.run(bring_up_to_date(ready))
    typer.echo(f"{tables} tables are back, and the database is at this version's schema.")


def seed(
    groups: Annotated[int | None, typer.Option(help="Bench size: how many customer groups.", min=1)] = None,
    campaigns: Annotated[int, typer.Option(help="Bench size: how many campaigns over all.", min=1)] = 10_000,
) -> None:
    """Fill the database: two believable groups, or with --groups the size the benchmark wants."""
    from app.seeding.bench import analyze, seed_bench
    from app.seeding.progress import progress_bar
    from app.serving.running import bring_up_to_date, database
    from app.settings import read_settings

    with database(read_settings()) as settings:
        asyncio.run(bring_up_to_date(settings))
        if groups is None:
            asyncio.run(seed_demonstration(settings))
            typer.echo(
                f"Demonstration data is in place; credentials are in {settings.data_dir / 'demo.json'}."
            )
            return

        async def fill() -> None:
            async with connected(settings) as db:
                with progress_bar() as progress:
                    made = await seed_bench(
                        db, now=datetime.now(UTC), groups=groups, campaigns=campaigns, progress=progress
                    )
            owner = settings.database_migrate_url or settings.database_url
            assert owner is not None
            await analyze(owner)
            typer.echo(f"{len(made.group_ids)} groups are in place, {made.made} of them new.")

        asyncio.run(fill())


async def seed_demonstration(settings: "Settings") -> None:
    """Demonstration data where there is none yet, and tokens that hold again."""
    from app.seeding.demo import seed_demo, write_demo_json

    now = datetime.now(UTC)
    async with connected(settings) as db:
        groups = await seed_demo(db, now=now, storage=storage_of(settings))
        await write_demo_json(db, settings, groups, now=now)
