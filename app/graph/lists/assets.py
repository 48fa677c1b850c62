"""Lists of assets."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import contains_text, equals, filter_by, list_of
from app.graph.lists.conditions import CREATED_AT, NAME


@input_type
class AssetFilter:
    """Which assets. All conditions given must hold."""

    search: str | None = filter_by("Part of the file's name, upper or lower case.", contains_text("name"))
    content_type: str | None = filter_by("The media type, exactly.", equals("content_type", "text"))


ASSETS = list_of("Asset", AssetFilter, "CREATED_AT", name=NAME, created_at=CREATED_AT)
