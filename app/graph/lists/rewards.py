"""Lists of evaluations, of the reward ledger, and of balances."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import ReevaluationState, RewardEntryKind, RewardOutcome
from app.graph.declaring.listing import equals, filter_by, instant_key, list_of, number_key, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.plan.catalog import Arguments, Row
from app.plan.references import id_of, ids_of
from app.plan.sql import Sql, sql


def _reversed(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.reversed_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def _replaced(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "({row.replaced_by_id} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean")
    )


@input_type
class RewardEvaluationFilter:
    """Which evaluations. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "Made at this instant or later.", moments.since("created_at", moments.of_campaign)
    )
    until: DateTime | None = filter_by(
        "Made before this instant.", moments.until("created_at", moments.of_campaign)
    )
    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))
    outcome: list[RewardOutcome] | None = filter_by("With any of these outcomes.", one_of("outcome", "text"))
    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )
    customer_id: strawberry.ID | None = filter_by(
        "For this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    reversed: bool | None = filter_by("Whether it was taken back.", _reversed)
    replaced: bool | None = filter_by("Whether another one holds in its place.", _replaced)


@input_type
class RewardEntryFilter:
    """Which lines of the reward ledger. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "Written at this instant or later.", moments.since("created_at", moments.of_campaign)
    )
    until: DateTime | None = filter_by(
        "Written before this instant.", moments.until("created_at", moments.of_campaign)
    )
    kind: list[RewardEntryKind] | None = filter_by("Of any of these kinds.", one_of("kind", "text"))
    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )
    customer_id: strawberry.ID | None = filter_by(
        "Of this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    partner_ids: list[strawberry.ID] | None = filter_by(
        "Paid by any of these partners.", one_of("partner_id", "bigint", ids_of("part"))
    )


@input_type
class RewardBalanceFilter:
    """Which balances. All conditions given must hold."""

    currency: str | None = filter_by("In this currency.", equals("currency", "text"))
    customer_id: strawberry.ID | None = filter_by(
        "Of this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    partner_ids: list[strawberry.ID] | None = filter_by(
        "With any of these partners.", one_of("partner_id", "bigint", ids_of("part"))
    )


@input_type
class RewardReevaluationFilter:
    """Which of them. All conditions given must hold."""

    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )
    state: list[ReevaluationState] | None = filter_by("In any of these states.", one_of("state", "text"))


@input_type
class RewardTierFilter:
    """Which tiers. All conditions given must hold."""

    name: str | None = filter_by("With this name, exactly.", equals("name", "text"))


TIERS = list_of(
    "RewardTier", RewardTierFilter, "THRESHOLD", threshold=(number_key("threshold"), "By what has to be earned."),
)  # fmt: skip
REEVALUATIONS = list_of(
    "RewardReevaluation", RewardReevaluationFilter, "CREATED_AT", descending=True,
    created_at=(instant_key("created_at"), "By the moment it was asked for."),
)  # fmt: skip
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
