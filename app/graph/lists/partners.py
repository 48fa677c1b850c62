"""Lists of partners and of their agreements."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import contains_text, filter_by, list_of
from app.graph.lists.conditions import CREATED_AT, NAME, is_archived


@input_type
class PartnerFilter:
    """Which partners. All conditions given must hold."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
    archived: bool | None = filter_by(
        "True: archived partners instead of the others.", is_archived, replaces_alive=True
    )


@input_type
class PartnershipFilter:
    """Which agreements. All conditions given must hold."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
    archived: bool | None = filter_by(
        "True: archived agreements instead of the others.", is_archived, replaces_alive=True
    )


PARTNERS = list_of("Partner", PartnerFilter, "NAME", name=NAME, created_at=CREATED_AT)
PARTNERSHIPS = list_of("Partnership", PartnershipFilter, "NAME", name=NAME, created_at=CREATED_AT)
