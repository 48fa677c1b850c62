"""Serving, and the work that time does."""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import refuse_without_database, storage_of, with_database
from app.cli.database import seed_demonstration

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings


def serve(
    demo: Annotated[bool, typer.Option(help="Fill an empty database with demonstration data first.")] = False,
) -> None:
    """Serve the graph and the legacy APIs (HOST, PORT, WORKERS, DATABASE_URL, DATA_DIR …)."""
    from app.serving.journal import set_up_logging
    from app.serving.running import serve as run
    from app.settings import read_settings

    settings = read_settings()
    storage_of(settings)
    set_up_logging()

    async def before(ready: "Settings") -> None:
        if demo:
            await seed_demonstration(ready)

    def announce() -> None:
        _announce(settings)

    run(settings, before=before, announce=announce)


def worker() -> None:
    """Run the background work alone (beside servers with WORKER_INLINE=0)."""
    from app.importing.queued import Imports
    from app.serving.journal import set_up_logging
    from app.serving.running import refuse_unsafe_login, stop_on_signal
    from app.settings import read_settings
    from app.worker.loop import Worker
    from app.worker.pipeline import Pipeline

    refuse_without_database()
    storage = storage_of(read_settings())
    set_up_logging()

    async def work(db: "Database", settings: "Settings") -> None:
        if os.environ.get("DATABASE_URL"):
            await refuse_unsafe_login(settings)
        stop = stop_on_signal()
        await asyncio.gather(
            Worker(db, assets=storage).run(stop),
            Pipeline(db, listens=True).run(stop),
            Imports(db, storage, settings).run(stop),
        )

    with_database(work)


def _announce(settings: "Settings") -> None:
    """Where it is, and in development what to copy."""
    base = f"http://{'localhost' if settings.host in ('127.0.0.1', '::1') else settings.host}:{settings.port}"
    lines = [f"Campaign Gateway serves at {base}", ""]
    demo = settings.data_dir / "demo.json"
    if settings.development and demo.exists():
        group = json.loads(demo.read_text())["groups"][0]
        key = group["api_key"]
        lines += [
            f"  GraphiQL           {base}/graphql   (open it in a browser; the demo key is filled in)",
            f"  Legacy APIs        {base}/docs",
            f"  API key            {key}",
            f"  All credentials    {demo}",
            "",
            "  GraphQL:",
            f"    curl {base}/graphql -H 'X-API-KEY: {key}' -H 'Content-Type: application/json' \\",
            """      -d '{"query": "{ campaigns(first: 3) { totalCount nodes { id name status } } }"}'""",
            "",
            "  La Griffe:",
            f"    curl {base}/api/campaigns -H 'X-API-KEY: {key}'",
            "",
            "  Marketing & CRM (the token holds for a week):",
            f"    curl {base}/api/v1/marketing/campaigns -H 'Authorization: Bearer {group['token']}'",
            "",
            "  Webmarketer (the same token):",
            f"    curl {base}/api/v1/projects/{group['project']}/event-types \\",
            f"      -H 'Authorization: Bearer {group['token']}'",
            "",
            "  Benji (the same token):",
            f"    curl {base}/campaigns -H 'Authorization: Bearer {group['token']}'",
            "",
            "  Criteo (the same token):",
            f"    curl {base}/preview/marketing-solutions/campaigns/search -H 'Content-Type: application/json' \\",
            f"      -H 'Authorization: Bearer {group['token']}' -d '{{\"filters\": {{}}}}'",
            "",
            "Ctrl+C stops it.",
        ]
    typer.echo("\n".join(lines))
