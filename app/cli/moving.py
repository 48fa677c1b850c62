"""Moving from another host: two hosts compared, and all that the old one prints pulled.

Exit statuses: 0, nothing differs or all is kept; 1, something differs or is missing; 2, it could not be done.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.moving.recorded import Recorded
    from app.moving.walks.steps import Walk

System = Annotated[
    str, typer.Argument(help="lagriffe, crm, webmarketer, benji or criteo; or all, for all of them.")
]
Projects = Annotated[
    list[str] | None,
    typer.Option("--project", help="A Webmarketer project's id; no documented call lists them. Repeatable."),
]
Integrations = Annotated[
    list[str] | None,
    typer.Option("--integration", help="The wmktId of a Webmarketer integration. Repeatable."),
]
Users = Annotated[
    str | None,
    typer.Option(help="Of a Webmarketer host that numbers its users, which numbers to ask for: 1-5000."),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        help="Of the documented base paths another than the first: crm=/v1/commerce/marketing, webmarketer=/api or"
        " webmarketer=/. Repeatable."
    ),
]
Rate = Annotated[float, typer.Option(help="Requests a second that a host is asked, at most.", min=0.01)]
AtOnce = Annotated[int, typer.Option("--at-once", help="Requests that wait at the same time.", min=1, max=64)]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds an answer may take.", min=0.1)]
Attempts = Annotated[
    int,
    typer.Option(help="How often a call that gets no answer, or 502, 503 or 504, is made.", min=1, max=50),
]
COULD_NOT = 2


def compare(
    system: System,
    old: Annotated[
        list[str],
        typer.Option(help="The host that is left: an address, or SYSTEM=ADDRESS for one of several."),
    ],
    new: Annotated[list[str], typer.Option(help="The host that is moved to, said in the same way.")],
    old_credential: Annotated[
        list[str],
        typer.Option(
            help="A key or token, env:NAME, @FILE or 'Header: value'; SYSTEM=… for one of several. Repeatable."
        ),
    ],
    new_credential: Annotated[list[str], typer.Option(help="That of the new host, said in the same way.")],
    requests: Annotated[
        Path | None,
        typer.Option(
            help="Recorded requests instead of everything: an access log, a HAR file, lines like GET /campaigns, or a"
            " folder that was pulled."
        ),
    ] = None,
    project: Projects = None,
    integration: Integrations = None,
    users: Users = None,
    header: Annotated[
        list[str] | None, typer.Option(help="A further header of answers that counts. Repeatable.")
    ] = None,
    at: At = None,
    rate: Rate = 20.0,
    at_once: AtOnce = 4,
    timeout_s: Timeout = 60.0,
    attempts: Attempts = 6,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page for reading into this file.")] = None,
) -> None:
    """Ask two hosts the same, and show in what their answers differ.

    Asks for everything that the documented APIs can read: lists to their end, and with the ids that the old host prints
    whatever is below them. Nothing is changed on either host. What comes with every move, such as the signed addresses
    of files, counts as no difference and is shown as expected.
    """
    from app.moving.comparing import HEADERS, Comparison, compare_requests, compare_walk
    from app.moving.credentials import address_of, by_system, headers_of
    from app.moving.hosts import Host, Pace
    from app.moving.reporting import as_json as shown
    from app.moving.reporting import lines, page
    from app.seeding.progress import progress_bar
    from app.values.json_text import write_json

    found = Comparison()

    async def run() -> None:
        walks = _walks(system, at)
        names = [walk.system for walk in walks]
        olds, news = by_system(old, names, option="--old"), by_system(new, names, option="--new")
        old_keys = by_system(old_credential, names, option="--old-credential")
        new_keys = by_system(new_credential, names, option="--new-credential")
        recorded = _recorded(requests, walks, olds)
        starts = _starts(project, integration, users)
        counted = (*HEADERS, *(name.lower() for name in header or ()))
        pace = Pace(rate=rate, at_once=at_once, timeout_s=timeout_s, attempts=attempts)
        for walk in walks:
            left = address_of(olds[walk.system], option="--old")
            right = address_of(news[walk.system], option="--new")
            found.old[walk.system], found.new[walk.system] = left, right
            async with (
                Host(left, headers=headers_of(walk, old_keys[walk.system]), pace=pace) as old_host,
                Host(right, headers=headers_of(walk, new_keys[walk.system]), pace=pace) as new_host,
            ):
                if recorded is not None:
                    await compare_requests(
                        [one for one in recorded.requests if one.system == walk.system],
                        old_host, new_host, found, headers=counted, at_once=at_once, progress=show,
                    )  # fmt: skip
                else:
                    await compare_walk(
                        walk, old_host, new_host, found, today=datetime.now(UTC).date(),
                        starts=starts if walk.system == "webmarketer" else (),
                        headers=counted, at_once=at_once, progress=show,
                    )  # fmt: skip
        for why, count in recorded.left_out.items() if recorded else ():
            found.notes.append(f"{count:,} recorded requests were left out: {why}.")

    if html is not None:
        _writable(html)
    with progress_bar() as show:
        trouble = _run(run())
    if trouble is not None and found.asked:
        found.notes.append(f"It ended early. {trouble}")
    if html is not None:
        html.write_text(page(found), encoding="utf-8")
    if as_json:
        typer.echo(write_json(shown(found)).decode())
    else:
        for line in lines(found):
            typer.echo(line)
    if trouble is not None or not found.asked:
        raise typer.Exit(COULD_NOT)
    if found.differs:
        raise typer.Exit(1)


def pull(
    system: System,
    source: Annotated[
        list[str],
        typer.Option(
            "--from", help="The old host: an address, or SYSTEM=ADDRESS for one of several. Repeatable."
        ),
    ],
    credential: Annotated[
        list[str],
        typer.Option(
            help="A key or token, env:NAME, @FILE or 'Header: value'; SYSTEM=… for one of several. Repeatable."
        ),
    ],
    into: Annotated[Path, typer.Option(help="The folder that keeps every answer.", file_okay=False)],
    requests: Annotated[
        Path | None,
        typer.Option(
            help="Recorded requests whose ids the walk begins from as well: an access log, a HAR file, lines."
        ),
    ] = None,
    project: Projects = None,
    integration: Integrations = None,
    users: Users = None,
    at: At = None,
    rate: Rate = 10.0,
    at_once: AtOnce = 4,
    timeout_s: Timeout = 60.0,
    attempts: Attempts = 6,
) -> None:
    """Keep all that an old host prints in a folder, from which `gateway import` reads it.

    Walks every documented call that reads. Stopped at any moment, the same command goes on where it was and asks
    nothing twice; after its end, the same command asks for what may have changed since.
    """
    from app.moving.credentials import address_of, by_system, headers_of
    from app.moving.hosts import Host, Pace
    from app.moving.keeping import Folder
    from app.moving.pulling import Pulled
    from app.moving.pulling import pull as keep
    from app.seeding.progress import progress_bar

    done: list[Pulled] = []

    async def run() -> None:
        walks = _walks(system, at)
        names = [walk.system for walk in walks]
        sources = by_system(source, names, option="--from")
        keys = by_system(credential, names, option="--credential")
        recorded = _recorded(requests, walks, sources)
        pace = Pace(rate=rate, at_once=at_once, timeout_s=timeout_s, attempts=attempts)
        for walk in walks:
            address = address_of(sources[walk.system], option="--from")
            starts = _starts(project, integration, users) if walk.system == "webmarketer" else []
            starts += recorded.names.get(walk.system, []) if recorded else []
            headers = headers_of(walk, keys[walk.system])
            with Folder(into, walk, source=address, now=datetime.now(UTC)) as folder:
                async with Host(address, headers=headers, pace=pace) as host:
                    done.append(await keep(walk, host, folder, starts=starts, at_once=at_once, progress=show))

    with progress_bar() as show:
        trouble = _run(run())
    for one in done:
        counts = ", ".join(f"{count:,} {name}" for name, count in sorted(one.counts.items())) or "nothing new"
        end = "complete" if one.complete else "not complete: the same command asks again for what failed"
        typer.echo(f"{one.system}: run {one.run} is {end} ({counts}).")
        for note in one.notes:
            typer.echo(f"  Note: {note}")
    if trouble is not None:
        raise typer.Exit(COULD_NOT)
    if not all(one.complete for one in done):
        raise typer.Exit(1)


def _recorded(
    path: Path | None, walks: "Sequence[Walk]", hosts: Mapping[str, list[str]]
) -> "Recorded | None":
    """What was recorded, as it was asked of the old host."""
    from urllib.parse import urlsplit

    from app.moving.recorded import read_recorded

    if path is None:
        return None
    mounted = {urlsplit(address.rstrip("/")).path for said in hosts.values() for address in said}
    return read_recorded(path, walks, below=sorted(mounted, key=len, reverse=True))


def _walks(system: str, at: list[str] | None) -> "Sequence[Walk]":
    from app.moving.walks.all import WALKS

    walks = dict(WALKS)
    for one in at or ():
        name, _, base = one.partition("=")
        walk = walks.get(name)
        if walk is None or base.rstrip("/") not in walk.bases:
            known = ", ".join(f"{name}={base or '/'}" for name, walk in WALKS.items() for base in walk.bases)
            raise typer.BadParameter(f"{one!r} is none of {known}.", param_hint="--at")
        walks[name] = replace(walk, at=base.rstrip("/"))
    if system == "all":
        return list(walks.values())
    if system not in walks:
        raise typer.BadParameter(f"There is no {system!r}; there are {', '.join(WALKS)}, or all.")
    return [walks[system]]


def _starts(
    projects: list[str] | None, integrations: list[str] | None, users: str | None
) -> list[Mapping[str, str]]:
    """What the walk over Webmarketer is told, since no documented call lists it."""
    from app.moving.numbering import user_ids

    for one in (*(projects or ()), *(integrations or ())):
        if not one or not one.isprintable():
            raise typer.BadParameter(f"{one!r} is no id.", param_hint="--project, --integration")
    starts: list[Mapping[str, str]] = []
    for name in projects or ():
        starts.append({"project": name})
        starts += [{"project": name, "integration": one} for one in integrations or ()]
        starts += [{"project": name, "user": one} for one in user_ids(users)]
    return starts


def _writable(file: Path) -> None:
    """Find out before the work, not after it."""
    try:
        with file.open("ab"):
            pass
    except OSError as why:
        raise typer.BadParameter(f"{file} cannot be written: {why.strerror}.", param_hint="--html") from None


def _run(work: Coroutine[Any, Any, None]) -> str | None:
    """Run it; a failure of ours is told, and given back."""
    from app.errors import Failure

    try:
        asyncio.run(work)
    except* Failure as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        trouble = first.message if isinstance(first, Failure) else str(first)
        typer.echo(trouble, err=True)
    else:
        return None
    return trouble
