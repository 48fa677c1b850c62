"""The graph: printed, a document of it explained, what of it is planned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import storage_of, with_group
from app.cli.options import Group

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

SCHEMA = Path("schema.graphql")
ROLES_PAGE = Path("docs/roles.md")


def schema(
    check: Annotated[bool, typer.Option(help="Only say whether the two files are current.")] = False,
) -> None:
    """Print the graph into schema.graphql, and who may do what in it into docs/roles.md."""
    from app.graph.schema import schema as graph
    from app.rest.roles_page import roles_page

    old = False
    for file, text in ((SCHEMA, graph.as_str().strip() + "\n"), (ROLES_PAGE, roles_page())):
        if not check:
            file.write_text(text, encoding="utf-8")
            typer.echo(f"{file} is written.")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            typer.echo(
                f"{file} is not what the code says: run `make schema`, and look at the difference.", err=True
            )
            old = True
    if old:
        raise typer.Exit(1)


def explain(
    file: Annotated[
        Path, typer.Argument(help="A file with a GraphQL document.", exists=True, dir_okay=False)
    ],
    group: Group,
    store: Annotated[int | None, typer.Option(help="As a credential narrowed to this store.")] = None,
    variables: Annotated[str, typer.Option(help="The variables, as JSON.")] = "{}",
    operation: Annotated[
        str | None, typer.Option(help="Which operation, where the file has several.")
    ] = None,
    analyze: Annotated[bool, typer.Option(help="Run it, and show what PostgreSQL really did.")] = False,
) -> None:
    """Show the SQL a document becomes, and PostgreSQL's EXPLAIN of it."""
    from app.auth.principal import Principal, Role
    from app.graph.running.context import Context, Services
    from app.graph.running.explaining import explain as explained
    from app.graph.running.operations import Operation
    from app.values.json_text import read_object
    from app.values.scope import Scope

    try:
        given = read_object(variables.encode())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--variables") from None
    try:
        document = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter("It is not UTF-8.", param_hint="FILE") from None

    async def show(db: "Database", settings: "Settings") -> None:
        principal = Principal("cli", Scope(group, store_id=store), frozenset({Role.SUPER_ADMIN}))
        context = Context(Services(settings, db, storage_of(settings)), principal)
        told = explained(Operation(document, given, operation), context)
        typer.echo(f"-- {told.execution}, at most {told.cost} values, {told.work} rows of work")
        if told.statement is None or told.bindings is None:
            typer.echo(f"-- {told.reason}")
            return
        typer.echo(f"{told.sql};\n")
        typer.echo(await db.explain(told.sql, told.statement.values(told.bindings), analyze=analyze))

    with_group(group, show)


def plan_coverage() -> None:
    """List which fields of the schema are planned, and why the others are not."""
    from app.graph.running.explaining import coverage

    covered = coverage()
    for name in covered.planned:
        typer.echo(f"planned    {name}")
    for name, reason in covered.unplanned.items():
        typer.echo(f"resolved   {name}: {reason}")
    typer.echo(f"\n{len(covered.planned)} fields are planned, {len(covered.unplanned)} run on resolvers.")
