"""Lists of evaluations, of the reward ledger, and of balances."""

import strawberry

from app.graph.declaring.enums import RewardEntryKind, RewardOutcome
from app.graph.declaring.listing import compares, equals, filter_by, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import Arguments, Row
from app.plan.sql import Sql, sql


def _reversed(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("(", row("reversed_at"), " IS NOT NULL) = ", args.param(*path, cast="boolean"))


@strawberry.input(description="Which evaluations. All conditions given must hold.")
class RewardEvaluationFilter:
    """Which evaluations."""

    since: DateTime | None = filter_by(
        "Made at this instant or later.", compares("created_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by(
        "Made before this instant.", compares("created_at", "<", "timestamptz")
    )
    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))
    outcome: list[RewardOutcome] | None = filter_by("With any of these outcomes.", one_of("outcome", "text"))
    reversed: bool | None = filter_by("Whether it was taken back.", _reversed)


@strawberry.input(description="Which lines of the reward ledger. All conditions given must hold.")
class RewardEntryFilter:
    """Which lines of the reward ledger."""

    since: DateTime | None = filter_by(
        "Written at this instant or later.", compares("created_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by(
        "Written before this instant.", compares("created_at", "<", "timestamptz")
    )
    kind: list[RewardEntryKind] | None = filter_by("Of any of these kinds.", one_of("kind", "text"))


@strawberry.input(description="Which balances. All conditions given must hold.")
class RewardBalanceFilter:
    """Which balances."""

    currency: str | None = filter_by("In this currency.", equals("currency", "text"))


EVALUATIONS = list_of(
    "RewardEvaluation", RewardEvaluationFilter, "CREATED_AT", descending=True,
    created_at=(instant_key("created_at"), "By the moment it was made."),
)  # fmt: skip
ENTRIES = list_of(
    "RewardEntry", RewardEntryFilter, "CREATED_AT", descending=True,
    created_at=(instant_key("created_at"), "By the moment it was written."),
)  # fmt: skip
BALANCES = list_of(
    "RewardBalance", RewardBalanceFilter, "CREATED_AT",
    created_at=(instant_key("created_at"), "By the moment the account was opened."),
)  # fmt: skip
