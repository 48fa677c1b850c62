"""Tracking projects of a customer group."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.connecting import with_group
from app.cli.options import MAX_NUMBER, AsJson, Group
from app.cli.showing import show_done, show_rows

if TYPE_CHECKING:
    from app.db.database import Database
    from app.settings import Settings

app = typer.Typer(help="Tracking projects of a customer group.", no_args_is_help=True)

Project = Annotated[int, typer.Argument(help="Its number in `gateway projects list`.", min=1, max=MAX_NUMBER)]


@app.command("list")
def list_them(group: Group, as_json: AsJson = False) -> None:
    """List a group's tracking projects: number, name, slug, store. Archived ones are left out."""
    from app.domain.groups.listing import list_projects

    async def show(db: "Database", _: "Settings") -> None:
        show_rows(
            await list_projects(db, group),
            lambda one: (
                one["number"], one["name"], one["slug"],
                "whole group" if one["store"] is None else f"store {one['store']}",
            ),
            as_json=as_json,
        )  # fmt: skip

    with_group(group, show)


@app.command("create")
def create(
    group: Group,
    name: Annotated[str, typer.Option(help="What it is called.")],
    slug: Annotated[
        str | None,
        typer.Option(help="Its name in tracking requests, unique over all groups; of the name unless given."),
    ] = None,
    store: Annotated[
        int | None,
        typer.Option(help="The store it belongs to; the whole group's unless given.", min=1, max=MAX_NUMBER),
    ] = None,
    identity_field: Annotated[
        list[str] | None,
        typer.Option(
            help="What its users are known by, surest first; repeatable; email and phone unless given."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a tracking project; it takes events at once, under the slug that is printed behind its number."""
    from app.domain.groups.fields import ProjectFields
    from app.domain.groups.listing import list_projects
    from app.domain.groups.projects import create_project
    from app.domain.operating import operate
    from app.values.changes import UNSET

    fields = ProjectFields(
        name=name,
        slug=UNSET if slug is None else slug,
        store_id=store,
        identity_fields=identity_field or UNSET,
    )

    async def make(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
        made = await operate(
            db, group, "project.create", "project", lambda tx: create_project(tx, fields, now=now), now=now
        )
        [row] = [one for one in await list_projects(db, group) if one["number"] == made]
        show_rows([row], lambda one: (one["number"], one["slug"]), as_json=as_json)

    with_group(group, make)


@app.command("archive")
def archive(project: Project, group: Group, as_json: AsJson = False) -> None:
    """Take nothing new in a project: no events, event types, integrations or campaigns."""
    from app.domain.groups.projects import archive_project
    from app.domain.operating import operate

    async def close(db: "Database", _: "Settings") -> None:
        now = datetime.now(UTC)
        done = await operate(
            db, group, "project.archive", "project", lambda tx: archive_project(tx, project, now=now),
            ident=project, now=now,
        )  # fmt: skip
        show_done(done, f"Project {done} is archived.", as_json=as_json, archived=True)

    with_group(group, close)


@app.command("restore")
def restore(project: Project, group: Group, as_json: AsJson = False) -> None:
    """Take new things in an archived project again."""
    from app.domain.groups.projects import restore_project
    from app.domain.operating import operate

    async def reopen(db: "Database", _: "Settings") -> None:
        done = await operate(
            db, group, "project.restore", "project", lambda tx: restore_project(tx, project),
            ident=project, now=datetime.now(UTC),
        )  # fmt: skip
        show_done(done, f"Project {done} takes new things again.", as_json=as_json, archived=False)

    with_group(group, reopen)
