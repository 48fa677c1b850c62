"""Lists of stores."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import contains_text, equals, filter_by, list_of
from app.graph.lists.conditions import CREATED_AT, NAME, is_deleted


@input_type
class StoreFilter:
    """Which stores. All conditions given must hold."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
    is_default: bool | None = filter_by(
        "Whether it is the group's default store.", equals("is_default", "boolean")
    )
    deleted: bool | None = filter_by(
        "True: deleted stores instead of living ones.", is_deleted, replaces_alive=True
    )


STORES = list_of("Store", StoreFilter, "NAME", name=NAME, created_at=CREATED_AT)
