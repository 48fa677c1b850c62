"""What each list can be filtered and ordered by, wherever it appears in the graph."""

from collections.abc import Callable
from typing import Any

import strawberry

from app.graph.enums import (
    CampaignStatus,
    CampaignType,
    ConnectionStatus,
    EventOutcome,
    EventStatus,
    Objective,
    Provider,
    SegmentType,
)
from app.graph.listing import (
    compares,
    contains_text,
    date_key,
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
from app.graph.scalars import Date, DateTime
from app.plan.catalog import Arguments, FilterArguments, Predicate, Row
from app.plan.sql import Sql, sql
from app.values.ids import read_id, read_whole

NAME = (text_key("name"), "By name, by code point.")
CREATED_AT = (instant_key("created_at"), "By the moment it was made.")


def _ids(prefix: str) -> Callable[[Any], object]:
    return lambda ids: [read_id(prefix, str(i)) for i in ids]


def _id(prefix: str) -> Callable[[Any], object]:
    return lambda text: read_id(prefix, str(text))


def _named(prefix: str) -> Predicate:
    ours = _id(prefix)

    def predicate(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
        imported, own = args.param(*path, cast="text"), args.param(*path, cast="bigint", convert=ours)
        return sql(
            "({row.external_id} = {imported} OR {row.id} = {own})", row=row, imported=imported, own=own
        )

    return predicate


def _whole(texts: Any) -> object:
    return [read_whole(str(text)) for text in texts]


def _numbered(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    imported = args.param(*path, cast="text[]")
    own = args.param(*path, cast="bigint[]", convert=_whole)
    return sql(
        "({row.external_id} = ANY ({imported}) OR {row.id} = ANY ({own}))",
        row=row,
        imported=imported,
        own=own,
    )


def _of_numbered_store(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    s = args.table("Store", "s")
    return sql(
        "{row.store_id} = ANY (ARRAY(SELECT {s.id} FROM {s} WHERE {s.scope} AND {numbered}))",
        row=row,
        s=s,
        numbered=_numbered(s, args, path),
    )


def _is_deleted(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.deleted_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def _uses_channel(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("{row.channels} && {value}", row=row, value=args.param(*path, cast="text[]"))


def _runs_after(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "coalesce({row.ends_at} > {value}, true)", row=row, value=args.param(*path, cast="timestamptz")
    )


def _runs_before(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "coalesce({row.starts_at} < {value}, true)", row=row, value=args.param(*path, cast="timestamptz")
    )


def _has_reward_type(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.reward_type} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def _has_fault(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "EXISTS (SELECT 1 FROM {ef} WHERE {ef.scope} AND {ef.event_id} = {row.id} AND {ef.code} = {code})",
        ef=args.table("EventFault", "ef"),
        row=row,
        code=args.param(*path, cast="text"),
    )


def _is_active(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.status} = 'active') = {value}", row=row, value=args.param(*path, cast="boolean"))


@strawberry.input(description="Which stores. All conditions given must hold.")
class StoreFilter:
    """Which stores."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
    is_default: bool | None = filter_by(
        "Whether it is the group's default store.", equals("is_default", "boolean")
    )
    deleted: bool | None = filter_by(
        "True: deleted stores instead of living ones.", _is_deleted, replaces_alive=True
    )


@strawberry.input(description="Which projects. All conditions given must hold.")
class ProjectFilter:
    """Which projects."""

    search: str | None = filter_by(
        "Part of the name or slug, upper or lower case.", contains_text("name", "slug")
    )
    slug: str | None = filter_by("The slug, exactly.", equals("slug", "text"))
    is_internal: bool | None = filter_by(
        "Whether it was made by itself for a campaign.", equals("is_internal", "boolean")
    )


@strawberry.input(description="Which rows, by name.")
class NameFilter:
    """Which rows, by name."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))


@strawberry.input(description="Which integrations. All conditions given must hold.")
class IntegrationFilter:
    """Which integrations."""

    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))
    wmkt_id: str | None = filter_by("The tracking id, exactly.", equals("wmkt_id", "text"))


@strawberry.input(description="Which campaigns. All conditions given must hold.")
class CampaignFilter:
    """Which campaigns."""

    status: list[CampaignStatus] | None = filter_by("Any of these states.", one_of("status", "text"))
    type: list[CampaignType] | None = filter_by("Any of these types.", one_of("type", "text"))
    objective: list[Objective] | None = filter_by("Any of these objectives.", one_of("objective", "text"))
    channels: list[str] | None = filter_by("Using any of these channels.", _uses_channel)
    store_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these stores.", one_of("store_id", "bigint", _ids("store"))
    )
    project_id: strawberry.ID | None = filter_by(
        "Of this project.", equals("project_id", "bigint", _id("proj"))
    )
    segment_id: strawberry.ID | None = filter_by(
        "For this segment.", equals("segment_id", "bigint", _id("seg"))
    )
    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", _ids("camp"))
    )
    numbers: list[str] | None = filter_by(
        "With any of these numbers: the id it was imported with, or ours without its prefix.",
        _numbered,
    )
    store_numbers: list[str] | None = filter_by("Of any of these stores, by number.", _of_numbered_store)
    named: strawberry.ID | None = filter_by(
        "With this id, or imported with it. Two rows where one was imported with what is another's id here.",
        _named("camp"),
    )
    external_ids: list[str] | None = filter_by(
        "With any of these ids in the system they were imported from.", one_of("external_id", "text")
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
    is_active: bool | None = filter_by("Whether it runs.", _is_active)
    starts_from: DateTime | None = filter_by(
        "Starting at this instant or later.", compares("starts_at", ">=", "timestamptz")
    )
    runs_after: DateTime | None = filter_by(
        "Not over by this instant (no end counts as running on).", _runs_after
    )
    runs_before: DateTime | None = filter_by(
        "Begun before this instant (no start counts as begun).", _runs_before
    )
    is_template: bool | None = filter_by("Whether it is a template.", equals("is_template", "boolean"))
    has_rewards: bool | None = filter_by("Whether it is a reward campaign.", _has_reward_type)
    reward_type_codes: list[int] | None = filter_by(
        "With any of these reward types, by code.", one_of("reward_type", "integer")
    )
    partner_ids: list[strawberry.ID] | None = filter_by(
        "With any of these partners.", one_of("partner_id", "bigint", _ids("part"))
    )
    partnership_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these partnerships.", one_of("partnership_id", "bigint", _ids("pship"))
    )
    deleted: bool | None = filter_by(
        "True: deleted campaigns instead of living ones.", _is_deleted, replaces_alive=True
    )


@strawberry.input(description="Which outlays. All conditions given must hold.")
class OutlayFilter:
    """Which outlays."""

    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", _ids("outlay"))
    )
    since: DateTime | None = filter_by("Not over by this instant.", compares("ends_at", ">", "timestamptz"))
    until: DateTime | None = filter_by(
        "Begun before this instant.", compares("starts_at", "<", "timestamptz")
    )
    country: str | None = filter_by("The country, exactly.", equals("country", "text"))


@strawberry.input(description="Which ledger entries. All conditions given must hold.")
class SpendEntryFilter:
    """Which ledger entries."""

    since: Date | None = filter_by("From this day on.", compares("day", ">=", "date"))
    until: Date | None = filter_by("Up to and including this day.", compares("day", "<=", "date"))
    channels: list[str] | None = filter_by("Of any of these channels.", one_of("channel", "text"))
    source: str | None = filter_by("From this source.", equals("source", "text"))


@strawberry.input(description="Which segments. All conditions given must hold.")
class SegmentFilter:
    """Which segments."""

    type: list[SegmentType] | None = filter_by("Any of these types.", one_of("type", "text"))
    ids: list[strawberry.ID] | None = filter_by("With any of these ids.", one_of("id", "bigint", _ids("seg")))
    external_ids: list[str] | None = filter_by(
        "With any of these ids in the system they were imported from.", one_of("external_id", "text")
    )
    search: str | None = filter_by("Part of the name, upper or lower case.", contains_text("name"))


@strawberry.input(description="Which customers. All conditions given must hold.")
class CustomerFilter:
    """Which customers."""

    search: str | None = filter_by(
        "Part of the name, e-mail or phone.", contains_text("name", "email", "phone")
    )
    external_ids: list[str] | None = filter_by(
        "With any of these ids in the system they were imported from.", one_of("external_id", "text")
    )
    emails: list[str] | None = filter_by(
        "With any of these addresses, upper or lower case.",
        lambda row, args, path: sql(
            "{row.email_key} = ANY (ARRAY(SELECT lower(x) FROM unnest({value}) x))",
            row=row,
            value=args.param(*path, cast="text[]"),
        ),
    )
    loyalty_tiers: list[str] | None = filter_by("In any of these tiers.", one_of("loyalty_tier", "text"))
    tags: list[str] | None = filter_by(
        "With any of these tags.",
        lambda row, args, path: sql("{row.tags} && {value}", row=row, value=args.param(*path, cast="text[]")),
    )


@strawberry.input(description="Which promos. All conditions given must hold.")
class PromoFilter:
    """Which promos."""

    search: str | None = filter_by("Part of the code, upper or lower case.", contains_text("code"))
    type: str | None = filter_by("The type, exactly.", equals("type", "text"))


@strawberry.input(description="Which assets. All conditions given must hold.")
class AssetFilter:
    """Which assets."""

    search: str | None = filter_by("Part of the file's name, upper or lower case.", contains_text("name"))
    content_type: str | None = filter_by("The media type, exactly.", equals("content_type", "text"))


@strawberry.input(description="Which events. All conditions given must hold.")
class EventFilter:
    """Which events."""

    since: DateTime | None = filter_by(
        "Received at this instant or later.", compares("received_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by(
        "Received at this instant or before.", compares("received_at", "<=", "timestamptz")
    )
    occurred_since: DateTime | None = filter_by(
        "Happened at this instant or later.", compares("occurred_at", ">=", "timestamptz")
    )
    occurred_until: DateTime | None = filter_by(
        "Happened at this instant or before.", compares("occurred_at", "<=", "timestamptz")
    )
    project: str | None = filter_by("Sent to the project with this slug or id.", in_project)
    status: list[EventStatus] | None = filter_by("In any of these states.", one_of("status", "text"))
    event_type: str | None = filter_by("The event type, exactly.", equals("event_type", "text"))
    customer_id: strawberry.ID | None = filter_by(
        "About this customer.", equals("customer_id", "bigint", _id("cust"))
    )
    tracker_id: str | None = filter_by("From this tracker, exactly.", equals("tracker_id", "text"))
    fault_code: str | None = filter_by("In the trash for a reason of this code.", _has_fault)
    source: str | None = filter_by(
        "The interface it came through, exactly, such as webhook.sendgrid.", equals("source", "text")
    )
    kind: str | None = filter_by("What happened in our words, exactly.", equals("kind", "text"))
    outcome: list[EventOutcome] | None = filter_by("With any of these outcomes.", one_of("outcome", "text"))


@strawberry.input(description="Which webhook connections. All conditions given must hold.")
class WebhookEndpointFilter:
    """Which webhook connections."""

    provider: list[Provider] | None = filter_by("Of any of these providers.", one_of("provider", "text"))
    status: list[ConnectionStatus] | None = filter_by("In any of these states.", one_of("status", "text"))


STORES = list_of("Store", StoreFilter, "NAME", name=NAME, created_at=CREATED_AT)
PROJECTS = list_of("Project", ProjectFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT)
PARTNERS = list_of("Partner", NameFilter, "NAME", name=NAME, created_at=CREATED_AT)
PARTNERSHIPS = list_of("Partnership", NameFilter, "NAME", name=NAME, created_at=CREATED_AT)
INTEGRATIONS = list_of("Integration", IntegrationFilter, "NAME", name=NAME, created_at=CREATED_AT)
CAMPAIGNS = list_of(
    "Campaign", CampaignFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT,
    starts_at=(instant_key("starts_key"), "By start; those without one come last."),
    budget=(decimal_key("budget_key"), "By budget; those without one count as zero."),
    id=(number_key("id"), "By number, as they came."),
    status=(text_key("status"), "By state, by its name: active ones first, scheduled ones last."),
)  # fmt: skip
OUTLAYS = list_of(
    "Outlay", OutlayFilter, "STARTS_AT",
    starts_at=(instant_key("starts_at"), "By start."),
    ends_at=(instant_key("ends_at"), "By end."),
    amount=(decimal_key("amount"), "By amount."),
    campaign=(number_key("campaign_id"), "By the number of its campaign."),
    country=(text_key("country_key"), "By country, by code point; those without one first."),
    region=(text_key("region_key"), "By region, by code point; those without one first."),
)  # fmt: skip
SPEND_ENTRIES = list_of(
    "SpendEntry", SpendEntryFilter, "DAY",
    day=(date_key("day"), "By day."), amount=(decimal_key("amount"), "By amount."),
)  # fmt: skip
SEGMENTS = list_of("Segment", SegmentFilter, "NAME", name=NAME, created_at=CREATED_AT)
CUSTOMERS = list_of(
    "Customer", CustomerFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT,
    total_spent=(decimal_key("total_spent"), "By what they spent."),
)  # fmt: skip
PROMOS = list_of(
    "Promo", PromoFilter, "CREATED_AT", descending=True,
    code=(text_key("code"), "By code, by code point."), created_at=CREATED_AT,
)  # fmt: skip
ASSETS = list_of("Asset", AssetFilter, "CREATED_AT", name=NAME, created_at=CREATED_AT)
EVENTS = list_of(
    "Event", EventFilter, "RECEIVED_AT", descending=True,
    received_at=(instant_key("received_at"), "By the moment it came in."),
    occurred_at=(instant_key("occurred_at"), "By the moment it says it happened."),
)  # fmt: skip
IN_TRASH = "status = 'trashed'"
"""Which events are in the trash: few among many, and so found by an index of their own."""
API_KEYS = list_of("ApiKey", NameFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT)
OAUTH_CLIENTS = list_of(
    "OAuthClient", NameFilter, "CREATED_AT", descending=True, name=NAME, created_at=CREATED_AT
)
WEBHOOK_CONNECTIONS = list_of(
    "WebhookEndpoint", WebhookEndpointFilter, "CREATED_AT", descending=True, created_at=CREATED_AT
)
