"""Lists of assets."""

import strawberry

from app.graph.declaring.listing import contains_text, equals, filter_by, list_of
from app.graph.lists.conditions import CREATED_AT, NAME


@strawberry.input(description="Which assets. All conditions given must hold.")
class AssetFilter:
    """Which assets."""

    search: str | None = filter_by("Part of the file's name, upper or lower case.", contains_text("name"))
    content_type: str | None = filter_by("The media type, exactly.", equals("content_type", "text"))


ASSETS = list_of("Asset", AssetFilter, "CREATED_AT", name=NAME, created_at=CREATED_AT)
