"""Lists of imports."""

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import ImportState
from app.graph.declaring.listing import filter_by, list_of, one_of
from app.graph.lists.conditions import CREATED_AT


@input_type
class ImportFilter:
    """Which imports. All conditions given must hold."""

    states: list[ImportState] | None = filter_by("In any of these states.", one_of("state", "text"))
    what: list[str] | None = filter_by("Of any of these concepts or systems.", one_of("what", "text"))


IMPORTS = list_of("Import", ImportFilter, "CREATED_AT", descending=True, created_at=CREATED_AT)
