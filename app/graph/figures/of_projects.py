"""What belongs to a project: the projects a figure is asked for, campaigns and orders of them, and their zones."""

from app.graph.figures.windows import group_zone
from app.plan.catalog import AggregateRequest, Row
from app.plan.references import id_of
from app.plan.sql import Sql, also, sql


def projects_of(request: AggregateRequest, alias: str) -> Sql:
    """The projects in scope, or the requested one, as an array."""
    p = request.table("Project", alias)
    asked = []
    if is_for_a_project(request):
        slug = request.args.param("project", cast="text")
        own = request.args.param("project", cast="bigint", convert=id_of("proj"))
        asked = [sql("({p.slug} = {slug} OR {p.id} = {own})", p=p, slug=slug, own=own)]
    return sql("ARRAY(SELECT {p.id} FROM {p} WHERE {p.scope} {asked})", p=p, asked=also(asked))


def is_for_a_project(request: AggregateRequest) -> bool:
    """Whether one project is asked for."""
    return request.parent is None and request.args.given("project")


def tracked(request: AggregateRequest, c: Row, alias: str) -> Sql:
    """The campaign belongs to the requested project, itself or through its integration."""
    return sql(
        """
        ({c.project_id} = ANY ({projects}) OR {c.integration_id} = ANY (ARRAY(
            SELECT {i.id} FROM {i} WHERE {i.scope} AND {i.project_id} = ANY ({integrated})
        )))
        """,
        c=c,
        projects=projects_of(request, f"{alias}k"),
        i=request.table("Integration", f"{alias}i"),
        integrated=projects_of(request, f"{alias}j"),
    )


def tracked_campaigns(request: AggregateRequest, alias: str) -> Sql:
    """Those campaigns, as an array."""
    c = request.table("Campaign", alias)
    return sql(
        "ARRAY(SELECT {c.id} FROM {c} WHERE {c.scope} AND {tracked})",
        c=c,
        tracked=tracked(request, c, alias),
    )


def project_zones(request: AggregateRequest, alias: str) -> Sql:
    """A SELECT of `id` and `zone` of each project: its store's zone, else the group's."""
    p, s = request.table("Project", f"{alias}p"), request.table("Store", f"{alias}s")
    return sql(
        """
        SELECT {p.id}, coalesce({s.time_zone}, {zone}) AS zone
        FROM {p} LEFT JOIN {s} ON {s.scope} AND {s.id} = {p.store_id}
        WHERE {p.scope}
        """,
        p=p,
        s=s,
        zone=group_zone(request, f"{alias}g"),
    )


def store_zones(request: AggregateRequest, alias: str) -> Sql:
    """A SELECT of `id` and `zone` of each store."""
    s = request.table("Store", f"{alias}s")
    return sql(
        "SELECT {s.id}, coalesce({s.time_zone}, {zone}) AS zone FROM {s} WHERE {s.scope}",
        s=s,
        zone=group_zone(request, f"{alias}g"),
    )
