"""Parameters that several routes of the Webmarketer API share, as its documentation shows them."""

from app.plan.checking import MAX_FIRST
from app.rest.route import Parameter
from app.rest.webmarketer.parameters import LIMIT
from app.rest.webmarketer.schemas import INSTANT, OBJECT_ID, PROJECT, TEXT

PROJECT_ID = Parameter("projectId", "path", "The project's id.", PROJECT)
WMKT_ID = Parameter(
    "wmktId", "path", "The integration's id in tracking links.", {**TEXT, "examples": ["ab12cd"]}
)
PAGE = (
    Parameter("offset", "query", "How many to pass over.", {"type": "integer", "minimum": 0}),
    Parameter(
        "limit",
        "query",
        f"How many at most; {LIMIT} unless said.",
        {"type": "integer", "minimum": 0, "maximum": MAX_FIRST},
    ),
)
STRETCH = (
    Parameter("since", "query", "From this moment on, inclusive.", INSTANT),
    Parameter("until", "query", "Up to this moment, inclusive.", INSTANT),
)


def id_parameter(name: str, description: str) -> Parameter:
    """An id in the path."""
    return Parameter(name, "path", description, {**OBJECT_ID, "examples": ["00000000000000000000002a"]})


def sorting(fields: dict[str, str]) -> tuple[Parameter, ...]:
    """`sort` and `order`."""
    return (
        Parameter("sort", "query", "By which field.", {**TEXT, "enum": list(fields)}),
        Parameter("order", "query", "Which way; ASC unless said.", {**TEXT, "enum": ["ASC", "DESC"]}),
    )
