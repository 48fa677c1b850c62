"""Lists of projects."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import contains_text, equals, filter_by, list_of
from app.graph.lists.conditions import CREATED_AT, NAME, is_archived


@input_type
class ProjectFilter:
    """Which projects. All conditions given must hold."""

    search: str | None = filter_by(
        "Part of the name or slug, upper or lower case.", contains_text("name", "slug")
    )
    slug: str | None = filter_by("The slug, exactly.", equals("slug", "text"))
    is_internal: bool | None = filter_by(
        "Whether it was made by itself for a campaign.", equals("is_internal", "boolean")
    )
    archived: bool | None = filter_by(
        "True: archived projects instead of the others.", is_archived, replaces_alive=True
    )


PROJECTS = list_of("Project", ProjectFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT)
