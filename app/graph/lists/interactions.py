"""Lists of interactions."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.described import input_type
from app.graph.declaring.enums import InteractionKind
from app.graph.declaring.listing import compares, equals, filter_by, in_project, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import Arguments, Row
from app.plan.sql import Sql, sql


def _is_direct(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "({row.campaign_id} IS NULL AND {row.channel} IS NULL) = {value}",
        row=row,
        value=args.param(*path, cast="boolean"),
    )


@input_type
class InteractionFilter:
    """Which interactions. All conditions given must hold."""

    project: str | None = filter_by("Of the project with this slug or id.", in_project)
    kinds: list[InteractionKind] | None = filter_by("Of any of these kinds.", one_of("kind", "text"))
    tracker_id: str | None = filter_by(
        "From this browser or device, exactly.", equals("tracker_id", "text"), roles=PERSONAL_READERS
    )
    channels: list[str] | None = filter_by("By any of these channels.", one_of("channel", "text"))
    direct: bool | None = filter_by("Whether it led from no campaign, and by no channel.", _is_direct)
    since: DateTime | None = filter_by(
        "At this instant or later.", compares("occurred_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by(
        "At this instant or before.", compares("occurred_at", "<=", "timestamptz")
    )


INTERACTIONS = list_of(
    "Interaction", InteractionFilter, "OCCURRED_AT", descending=True,
    occurred_at=(instant_key("occurred_at"), "By the moment it happened."),
)  # fmt: skip
