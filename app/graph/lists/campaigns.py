"""Lists of campaigns."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import CampaignStatus, CampaignType, Objective
from app.graph.declaring.listing import (
    contains_text,
    decimal_key,
    equals,
    filter_by,
    in_project,
    instant_key,
    list_of,
    number_key,
    one_of,
    text_key,
)
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.graph.lists.conditions import CREATED_AT, NAME, is_active, is_deleted
from app.plan.catalog import Arguments, FilterArguments, Row
from app.plan.references import id_of, ids_of
from app.plan.sql import NOW, Sql, sql


def _uses_channel(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("{row.channels} && {value}", row=row, value=args.param(*path, cast="text[]"))


def _has_reward_type(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.reward_type} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def _limit_used(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    # What `figures/pacing` says of one limit.
    return sql(
        """
        EXISTS (
            SELECT 1 FROM {sl}
            CROSS JOIN LATERAL (SELECT {now} AT TIME ZONE {zone} AS at) w
            WHERE {sl.scope} AND {sl.campaign_id} = {row.id} AND {sl.amount} > 0
            AND {sl.amount} * {value} <= 100 * (
                SELECT coalesce(sum({se.amount}), 0) FROM {se}
                WHERE {se.scope} AND {se.campaign_id} = {row.id} AND {se.day} <= w.at::date
                AND {se.day} >= CASE {sl.renewal} WHEN 'daily' THEN w.at::date
                    WHEN 'monthly' THEN date_trunc('month', w.at)::date ELSE '-infinity' END
            )
        )
        """,
        sl=args.table("SpendLimit", "sl"),
        se=args.table("SpendEntry", "se"),
        row=row,
        now=NOW,
        zone=moments.of_store(row, args),
        value=args.param(*path, cast="integer"),
    )


@input_type
class CampaignFilter:
    """Which campaigns. All conditions given must hold."""

    status: list[CampaignStatus] | None = filter_by("Any of these states.", one_of("status", "text"))
    type: list[CampaignType] | None = filter_by("Any of these types.", one_of("type", "text"))
    objective: list[Objective] | None = filter_by("Any of these objectives.", one_of("objective", "text"))
    channels: list[str] | None = filter_by("Using any of these channels.", _uses_channel)
    store_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these stores.", one_of("store_id", "bigint", ids_of("store"))
    )
    project: str | None = filter_by("Of this project, by slug or id.", in_project)
    segment_id: strawberry.ID | None = filter_by(
        "For this segment.", equals("segment_id", "bigint", id_of("seg"))
    )
    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", ids_of("camp"))
    )
    search: str | None = filter_by(
        "Part of the name or description, upper or lower case.", contains_text("name", "description")
    )
    name_like: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
    slug: str | None = filter_by("The slug in landing page addresses, exactly.", equals("slug", "text"))
    is_explicit: bool | None = filter_by(
        "Whether a person made it, not the system for traffic without a slug.",
        equals("is_explicit", "boolean"),
    )
    is_active: bool | None = filter_by("Whether it runs.", is_active)
    starts_from: DateTime | None = filter_by(
        "Starting at this instant or later.", moments.since("starts_at", moments.of_store)
    )
    runs_after: DateTime | None = filter_by(
        "Not over by this instant (no end counts as running on).",
        moments.since("ends_at", moments.of_store, ">", empty=True),
    )
    runs_before: DateTime | None = filter_by(
        "Begun before this instant (no start counts as begun).",
        moments.until("starts_at", moments.of_store, empty=True),
    )
    is_template: bool | None = filter_by("Whether it is a template.", equals("is_template", "boolean"))
    has_rewards: bool | None = filter_by("Whether it is a reward campaign.", _has_reward_type)
    reward_type_codes: list[int] | None = filter_by(
        "With any of these reward types, by code.", one_of("reward_type", "integer")
    )
    partner_ids: list[strawberry.ID] | None = filter_by(
        "With any of these partners.", one_of("partner_id", "bigint", ids_of("part"))
    )
    partnership_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these partnerships.", one_of("partnership_id", "bigint", ids_of("pship"))
    )
    limit_used_from: int | None = filter_by(
        "With at least so many percent of the cap of its spend limit spent in the present period, up to today.",
        _limit_used,
    )
    deleted: bool | None = filter_by(
        "True: deleted campaigns instead of living ones.", is_deleted, replaces_alive=True
    )


CAMPAIGNS = list_of(
    "Campaign", CampaignFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT,
    starts_at=(instant_key("starts_key"), "By start; those without one come last."),
    budget=(decimal_key("budget_key"), "By budget; those without one count as zero."),
    id=(number_key("id"), "By number, as they came."),
    status=(text_key("status"), "By state, by its name: active ones first, scheduled ones last."),
)  # fmt: skip
