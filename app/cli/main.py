"""`gateway`: run it, look after its database, hand out credentials.

A file here is a subject. Imports stand inside the commands, so that `gateway --help` answers at once.
"""

import typer

from app.cli import clients, customers, groups, keys, partners, projects, promos, stores, tokens, webhooks
from app.cli.audit import audit
from app.cli.checking import check
from app.cli.database import migrate, restore, seed
from app.cli.graph import explain, plan_coverage, schema
from app.cli.importing import import_rows
from app.cli.leaving import export_group, import_group
from app.cli.moving import compare, pull
from app.cli.serving import serve, worker
from app.cli.tokens import token

app = typer.Typer(
    help="Campaign Gateway: one typed graph over marketing campaigns, and the legacy APIs served from it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(worker)
app.command()(check)
app.command()(migrate)
app.command()(restore)
app.command()(seed)
app.command("import")(import_rows)
app.command("export")(export_group)
app.command()(compare)
app.command()(pull)
app.command()(schema)
app.command()(explain)
app.command()(plan_coverage)
app.command()(token)
app.command()(audit)
groups.app.command("import")(import_group)
app.add_typer(groups.app, name="groups")
app.add_typer(stores.app, name="stores")
app.add_typer(projects.app, name="projects")
app.add_typer(partners.app, name="partners")
app.add_typer(customers.app, name="customers")
app.add_typer(promos.app, name="promos")
app.add_typer(keys.app, name="keys")
app.add_typer(clients.app, name="clients")
app.add_typer(tokens.app, name="tokens")
app.add_typer(webhooks.app, name="webhooks")


def main() -> None:
    """The console script. A failure of ours is one line, not a traceback."""
    import warnings

    from app.errors import Failure

    # The embedded server's package says this on import wherever nobody is logged in; it has its fallback.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    try:
        app()
    except Failure as failure:
        typer.echo(failure.message, err=True)
        raise SystemExit(1) from None
