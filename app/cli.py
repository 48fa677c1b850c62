"""`gateway`: run it, look after its database, hand out credentials.

Imports stand inside the commands, so that `gateway --help` answers at once.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.db.database import Database
    from app.domain.assets.storage import AssetStorage
    from app.settings import Settings

app = typer.Typer(
    help="Campaign Gateway: one typed graph over marketing campaigns, and the legacy APIs served from it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
customer_groups = typer.Typer(help="Customer groups: the tenants.", no_args_is_help=True)
keys = typer.Typer(help="API keys of a customer group.", no_args_is_help=True)
clients = typer.Typer(help="OAuth clients of a customer group (for /oauth2/token).", no_args_is_help=True)
app.add_typer(customer_groups, name="groups")
app.add_typer(keys, name="keys")
app.add_typer(clients, name="clients")
tokens = typer.Typer(help="Bearer tokens of ours.", no_args_is_help=True)
app.add_typer(tokens, name="tokens")

MAX_NUMBER = 2**63 - 1
Group = Annotated[int, typer.Option("--group", help="The customer group's number.", min=1, max=MAX_NUMBER)]
MaybeGroup = Annotated[
    int | None,
    typer.Option("--group", help="Only this customer group; all when left out.", min=1, max=MAX_NUMBER),
]
DEFAULT_ROLE = "marketing"
# Written out, so that --help needs no import; a test compares.
ROLES = (
    "administration, manager, marketing, marketing_manager, personal_data, platform_admin, read, restaurant_manager,"
    " super_admin, system_admin, tenant_admin, write"
)
TokenRoles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help=f"A role; repeat for several. {DEFAULT_ROLE} unless said; roles are {ROLES}."
    ),
]
SCHEMA = Path("schema.graphql")
ROLES_PAGE = Path("docs/roles.md")


@app.command()
def serve(
    demo: Annotated[bool, typer.Option(help="Fill an empty database with demonstration data first.")] = False,
) -> None:
    """Serve the graph and the legacy APIs (HOST, PORT, WORKERS, DATABASE_URL, DATA_DIR …)."""
    from app.serving.journal import set_up_logging
    from app.serving.running import serve as run
    from app.settings import read_settings

    settings = read_settings()
    _storage(settings)
    set_up_logging()

    async def before(ready: "Settings") -> None:
        if demo:
            await _seed_demo(ready)

    def announce() -> None:
        _announce(settings)

    run(settings, before=before, announce=announce)


@app.command()
def worker() -> None:
    """Run the background work alone (beside servers with WORKER_INLINE=0)."""
    from app.serving.journal import set_up_logging
    from app.serving.running import refuse_unsafe_login, stop_on_signal
    from app.settings import read_settings
    from app.worker.loop import Worker
    from app.worker.pipeline import Pipeline

    storage = _storage(read_settings())
    set_up_logging()

    async def work(db: "Database", settings: "Settings") -> None:
        if os.environ.get("DATABASE_URL"):
            await refuse_unsafe_login(settings)
        stop = stop_on_signal()
        await asyncio.gather(Worker(db, assets=storage).run(stop), Pipeline(db, listens=True).run(stop))

    _with_database(work)


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema, as its owner (DATABASE_MIGRATE_URL, else DATABASE_URL)."""
    from app.serving.running import bring_up_to_date, database
    from app.settings import read_settings

    with database(read_settings()) as settings:
        asyncio.run(bring_up_to_date(settings))
    typer.echo("The database is at this version's schema.")


@app.command()
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


@app.command()
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
            asyncio.run(_seed_demo(settings))
            typer.echo(
                f"Demonstration data is in place; credentials are in {settings.data_dir / 'demo.json'}."
            )
            return

        async def fill() -> None:
            async with _connected(settings) as db:
                with progress_bar() as progress:
                    made = await seed_bench(
                        db, now=datetime.now(UTC), groups=groups, campaigns=campaigns, progress=progress
                    )
            owner = settings.database_migrate_url or settings.database_url
            assert owner is not None
            await analyze(owner)
            typer.echo(f"{len(made.group_ids)} groups are in place, {made.made} of them new.")

        asyncio.run(fill())


@app.command("import")
def import_rows(
    kind: Annotated[str, typer.Argument(help="customers, segments or campaigns.")],
    file: Annotated[
        Path, typer.Argument(help="CSV with a header, or JSON lines.", exists=True, dir_okay=False)
    ],
    group: Group,
    refused: Annotated[
        Path | None,
        typer.Option(help="Where refused rows go, with the reason; FILE.refused.jsonl unless said."),
    ] = None,
) -> None:
    """Bring rows of another system in. They keep their old ids; the same file again changes nothing more.

    CSV (with a header) or JSON lines, by the file's name. Lists in CSV cells have `;` between their entries. Columns of
    customers that mean nothing here become free attributes, called as in the file; of other rows they are refused.
    """
    from app.importing.running import RowKind, import_file
    from app.seeding.progress import progress_bar
    from app.values.scope import Scope

    try:
        what = RowKind(kind)
    except ValueError:
        raise typer.BadParameter(f"There are no {kind}; there are {', '.join(RowKind)}.") from None
    into = refused or file.with_name(f"{file.name}.refused.jsonl")

    async def bring_in(db: "Database", _: "Settings") -> None:
        with file.open("rb") as opened:
            total = sum(chunk.count(b"\n") for chunk in iter(lambda: opened.read(1 << 20), b""))
        with progress_bar() as show:
            done = await import_file(
                db, Scope(group), what, file, refused_into=into, now=datetime.now(UTC),
                progress=lambda rows, bad: show(f"{what}, {bad} refused", rows, max(rows, total)),
            )  # fmt: skip
        typer.echo(f"{done.imported} {what} are in.")
        if done.refused:
            typer.echo(
                f"{done.refused} rows were refused; they are in {into}, each with its reason.", err=True
            )
            raise typer.Exit(1)

    _with_database(bring_in)


@app.command()
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


@app.command()
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
        context = Context(Services(settings, db, _storage(settings)), principal)
        told = explained(Operation(document, given, operation), context)
        typer.echo(f"-- {told.execution}, at most {told.cost} values, {told.work} rows of work")
        if told.statement is None or told.bindings is None:
            typer.echo(f"-- {told.reason}")
            return
        typer.echo(f"{told.sql};\n")
        typer.echo(await db.explain(told.sql, told.statement.values(told.bindings), analyze=analyze))

    _with_database(show)


@app.command()
def plan_coverage() -> None:
    """List which fields of the schema are planned, and why the others are not."""
    from app.graph.running.explaining import coverage

    covered = coverage()
    for name in covered.planned:
        typer.echo(f"planned    {name}")
    for name, reason in covered.unplanned.items():
        typer.echo(f"resolved   {name}: {reason}")
    typer.echo(f"\n{len(covered.planned)} fields are planned, {len(covered.unplanned)} run on resolvers.")


@app.command()
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

    roles = _roles(role)

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

    _with_database(mint)


@tokens.command("revoke")
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

    _with_database(revoke)


@app.command()
def audit(
    group: Group,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines, with everything there is.")] = False,
    since: Annotated[datetime | None, typer.Option(help="From this day or moment on (UTC).")] = None,
) -> None:
    """List who did what of administration in a group, oldest first."""
    from app.auth.minting import require_group
    from app.db.auditing import entries
    from app.values.instants import show_instant
    from app.values.json_text import write_json

    async def show(db: "Database", _: "Settings") -> None:
        await require_group(db, group)
        from_then = None if since is None else since.replace(tzinfo=UTC)
        async for entry in entries(db, group, since=from_then):
            at = show_instant(entry.pop("created_at"))
            if as_json:
                typer.echo(write_json({"at": at, **entry}).decode())
            else:
                where = entry["address"] or "-"
                typer.echo(f"{at}\t{entry['actor']}\t{where}\t{entry['action']}\t{entry['subject'] or '-'}")

    _with_database(show)


@customer_groups.command("create")
def create_customer_group(
    name: Annotated[str, typer.Option(help="What it is called.")],
    currency: Annotated[str, typer.Option(help="The currency of its campaigns (ISO 4217).")],
    time_zone: Annotated[str, typer.Option(help="Its time zone (IANA), like Europe/Paris.")],
) -> None:
    """Make a customer group; its number is what other commands ask for."""
    from app.domain.groups.operations import create_group

    async def create(db: "Database", _: "Settings") -> None:
        made = await create_group(
            db, name=name, currency=currency, time_zone=time_zone, now=datetime.now(UTC)
        )
        typer.echo(made)

    _with_database(create)


@customer_groups.command("list")
def list_customer_groups(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
) -> None:
    """List customer groups: number, name, currency, and how many stores."""
    from dataclasses import asdict

    from app.domain.groups.listing import list_groups
    from app.values.json_text import write_json

    async def show(db: "Database", _: "Settings") -> None:
        for one in await list_groups(db):
            if as_json:
                typer.echo(write_json(asdict(one)).decode())
            else:
                typer.echo(f"{one.number}\t{one.name}\t{one.currency}\t{one.stores} stores")

    _with_database(show)


@customer_groups.command("quota")
def set_quota(
    group: Group,
    files: Annotated[
        int | None,
        typer.Option(help="Bytes its files may take; 0: the server's setting.", min=0, max=MAX_NUMBER),
    ] = None,
    events: Annotated[
        int | None,
        typer.Option(help="Bytes its events may take; 0: the server's setting.", min=0, max=MAX_NUMBER),
    ] = None,
) -> None:
    """Give a customer group quotas of its own, and show what it takes."""
    from app.domain.groups.operations import set_quotas

    async def change(db: "Database", _: "Settings") -> None:
        shown = await set_quotas(db, group, files=files, events=events, now=datetime.now(UTC))
        if shown is None:
            raise SystemExit(f"There is no customer group {group}.")
        for name, taken, quota in shown:
            typer.echo(f"{name}: {taken:,} bytes of {'the setting' if quota is None else f'{quota:,}'}")

    _with_database(change)


@keys.command("create")
def create_key(
    group: Group,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by hand",
    write: Annotated[bool, typer.Option(help="May it change things?")] = False,
    personal_data: Annotated[bool, typer.Option(help="Is it shown what identifies customers?")] = False,
    administration: Annotated[
        bool, typer.Option(help="Is it shown credentials, connections and the audit trail?")
    ] = False,
    store: Annotated[int | None, typer.Option(help="Bind it to this store.")] = None,
    also: Annotated[list[int] | None, typer.Option(help="A further group it belongs to; repeatable.")] = None,
    days: Annotated[int | None, typer.Option(help="After how many days it ends.", min=1, max=36_500)] = None,
) -> None:
    """Make an API key. It is shown this once."""
    from app.auth.keys import create_api_key

    async def create(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
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

    _with_database(create)


@keys.command("list")
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

    _with_database(show)


@keys.command("rotate")
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

    _with_database(rotate)


@keys.command("revoke")
def revoke_key(
    key: Annotated[int, typer.Argument(help="Its number in `gateway keys list`.", min=1, max=MAX_NUMBER)],
    group: MaybeGroup = None,
) -> None:
    """End an API key; it stops working within five seconds."""
    from app.auth.keys import revoke_api_key

    async def revoke(db: "Database", _: "Settings") -> None:
        ended = await revoke_api_key(db, key_id=key, group_id=group, now=datetime.now(UTC))
        typer.echo(f"Key {ended.id} ({ended.name}) no longer holds.")

    _with_database(revoke)


@clients.command("create")
def create_oauth_client(
    group: Group,
    role: TokenRoles = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by hand",
    store: Annotated[int | None, typer.Option(help="Narrow it to this store.")] = None,
) -> None:
    """Make an OAuth client. Its secret is shown this once."""
    from app.auth.clients import create_client

    roles = _roles(role)

    async def create(db: "Database", _: "Settings") -> None:
        made = await create_client(
            db,
            group_id=group,
            name=name,
            roles=roles,
            now=datetime.now(UTC),
            store_id=store,
        )
        typer.echo(f"client_id={made.client.client_id}\nclient_secret={made.secret}")

    _with_database(create)


@clients.command("list")
def list_oauth_clients(group: MaybeGroup = None) -> None:
    """List OAuth clients, newest first."""
    from app.auth.clients import list_clients

    async def show(db: "Database", _: "Settings") -> None:
        for one in await list_clients(db, group_id=group):
            state = "ended" if one.revoked_at else "holds"
            roles = ",".join(sorted(one.roles))
            typer.echo(f"{one.client_id}\tgroup {one.group_id}\t{roles}\t{state}\t{one.name}")

    _with_database(show)


@clients.command("revoke")
def revoke_oauth_client(
    client: Annotated[str, typer.Argument(help="Its client_id.")], group: MaybeGroup = None
) -> None:
    """End an OAuth client, and within five seconds the tokens it holds."""
    from app.auth.clients import revoke_client

    async def revoke(db: "Database", _: "Settings") -> None:
        await revoke_client(db, client_id=client, group_id=group, now=datetime.now(UTC))
        typer.echo(f"Client {client} no longer holds.")

    _with_database(revoke)


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


def _with_database(work: "Callable[[Database, Settings], Awaitable[None]]") -> None:
    """Run something on a database that is up to date: the operator's, or the embedded one."""
    from app.serving.running import bring_up_to_date, database, refuse_unless_current
    from app.settings import read_settings

    chosen = read_settings()

    async def run(settings: "Settings") -> None:
        await (refuse_unless_current if chosen.database_url else bring_up_to_date)(settings)
        async with _connected(settings) as db:
            await work(db, settings)

    with database(chosen) as settings:
        asyncio.run(run(settings))


@asynccontextmanager
async def _connected(settings: "Settings") -> "AsyncIterator[Database]":
    from app.db.database import connect

    assert settings.database_url is not None
    db = await connect(settings.database_url, readers=2, writers=4)
    try:
        yield db
    finally:
        await db.close()


def _storage(settings: "Settings") -> "AssetStorage":
    """Where files are; SystemExit where ASSETS_URL names nothing that can be opened, before anything starts."""
    from app.domain.assets.storage import AssetStorage, NoStorage

    try:
        return AssetStorage(settings)
    except NoStorage as problem:
        raise SystemExit(str(problem)) from None


def _roles(names: list[str] | None) -> "frozenset[Any]":
    from app.auth.principal import CLAIMABLE, Role

    asked = names or [DEFAULT_ROLE]
    wrong = [name for name in asked if name not in CLAIMABLE]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is none of them: {ROLES}.", param_hint="--role")
    return frozenset(Role(name) for name in asked)


async def _seed_demo(settings: "Settings") -> None:
    """Demonstration data where there is none yet, and tokens that hold again."""
    from app.seeding.demo import seed_demo, write_demo_json

    now = datetime.now(UTC)
    async with _connected(settings) as db:
        groups = await seed_demo(db, now=now, storage=_storage(settings))
        await write_demo_json(db, settings, groups, now=now)


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


if __name__ == "__main__":
    main()
