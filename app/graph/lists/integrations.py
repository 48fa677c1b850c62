"""Lists of integrations."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import contains_text, equals, filter_by, list_of
from app.graph.lists.conditions import CREATED_AT, NAME, is_archived


@input_type
class IntegrationFilter:
    """Which integrations. All conditions given must hold."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
    wmkt_id: str | None = filter_by(
        "The tracking id, exactly; an archived one is found by it as well.",
        equals("wmkt_id", "text"),
        replaces_alive=True,
    )
    archived: bool | None = filter_by(
        "True: archived integrations instead of the others.", is_archived, replaces_alive=True
    )


INTEGRATIONS = list_of("Integration", IntegrationFilter, "NAME", name=NAME, created_at=CREATED_AT)
