"""Customer groups, stores, projects, partners and integrations."""

from typing import Any

import strawberry

from app.graph import lists
from app.graph.declare import column, computed, connection, embed, entity, to_one
from app.graph.event_types import EVENT_TYPES, EventType
from app.graph.interactions import INTERACTIONS, Interaction
from app.graph.nodes import Node
from app.graph.orders import ORDERS, Order
from app.graph.paging import Connection
from app.graph.refs import AssetRef, CampaignRef, CustomerRef, EventRef, OutlayRef, PartnershipRef, ProjectRef
from app.graph.scalars import DateTime
from app.plan.catalog import own, own_or_group, via
from app.plan.sql import quoted, sql
from app.tables import groups as tables


@entity(
    table=tables.CustomerGroup,
    prefix="group",
    tenant="id",
    description="A customer group: a tenant, with its stores and everything that belongs to them.",
)
class CustomerGroup(Node):
    """A customer group."""

    name: str = column("What the group is called.")
    currency: str = column("The currency of its campaigns, unless an integration says otherwise (ISO 4217).")
    time_zone: str = column("Its time zone (IANA), where a store has none of its own.")
    created_at: DateTime = column("When it was made.")
    stores: "Connection[Store]" = connection("Its stores.", lists.STORES, key="group_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", lists.CAMPAIGNS, key="group_id")


def _has(feature: tables.StoreFeature) -> Any:
    return lambda row: sql("({name} <> ALL ({row.unavailable_features}))", name=quoted(feature), row=row)


@strawberry.type(description="What a store can use; all of it unless it was taken away.")
class StoreFeatures:
    """What a store can use."""

    spend_limits: bool = computed(
        "Whether spend limits of its campaigns can be set and changed.",
        _has(tables.StoreFeature.SPEND_LIMITS),
    )
    daily_limits: bool = computed("Those that start again daily.", _has(tables.StoreFeature.DAILY_LIMITS))
    monthly_limits: bool = computed(
        "Those that start again monthly.", _has(tables.StoreFeature.MONTHLY_LIMITS)
    )
    lifetime_limits: bool = computed("Those that hold for ever.", _has(tables.StoreFeature.LIFETIME_LIMITS))


@entity(
    table=tables.Store,
    prefix="store",
    store=own("id"),
    alive="deleted_at IS NULL",
    description="A shop, restaurant or advertiser of the group. Every campaign belongs to exactly one.",
)
class Store(Node):
    """A store."""

    name: str = column("What the store is called.")
    beacon_key: str = column(
        "Names the store inside its group; a request that carries it sees this store alone."
    )
    time_zone: str | None = column("Its own time zone (IANA); null: the group's.")
    is_default: bool = column("Whether campaigns that name no store go here.")
    external_id: str | None = column("Its id in the system it was imported from.")
    features: StoreFeatures = embed("What it can use.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    deleted_at: DateTime | None = column("When it was deleted; null: it is not.")
    group: CustomerGroup = to_one("The group it belongs to.", "group_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", lists.CAMPAIGNS, key="store_id")
    projects: Connection[ProjectRef] = connection("Its projects.", lists.PROJECTS, key="store_id")
    partnerships: Connection[PartnershipRef] = connection(
        "Its agreements with partners.", lists.PARTNERSHIPS, key="store_id"
    )
    customers: Connection[CustomerRef] = connection("Its customers.", lists.CUSTOMERS, key="store_id")
    orders: Connection[Order] = connection("Orders made there.", ORDERS, key="store_id")
    assets: Connection[AssetRef] = connection(
        "Files of the store and of its campaigns.", lists.ASSETS, key="store_id"
    )


@entity(
    table=tables.Project,
    prefix="proj",
    store=own_or_group("store_id"),
    project=own("id"),
    description="A project: made by itself for a campaign (internal), or a tracking project with a slug.",
)
class Project(Node):
    """A project."""

    name: str = column("What the project is called.")
    slug: str | None = column("Its name in tracking requests, unique over all groups; null: internal.")
    identity_fields: list[str] = column("What its users are known by, surest first.")
    is_internal: bool = column("Whether it was made by itself for a campaign.")
    created_at: DateTime = column("When it was made.")
    store: Store | None = to_one("The store it belongs to; null: the whole group's.", "store_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", lists.CAMPAIGNS, key="project_id")
    integrations: "Connection[Integration]" = connection(
        "Its integrations.", lists.INTEGRATIONS, key="project_id"
    )
    event_types: Connection[EventType] = connection(
        "Kinds of events it takes.", EVENT_TYPES, key="project_id"
    )
    events: Connection[EventRef] = connection("Events it received.", lists.EVENTS, key="project_id")
    trashed_events: Connection[EventRef] = connection(
        "Those of them in the trash.", lists.EVENTS, key="project_id", where=lists.IN_TRASH
    )
    interactions: Connection[Interaction] = connection(
        "Contacts with its users.", INTERACTIONS, key="project_id"
    )


@entity(
    table=tables.Partner,
    prefix="part",
    description="A company whose customers earn or redeem rewards.",
)
class Partner(Node):
    """A partner."""

    name: str = column("What the partner is called.")
    external_id: str | None = column("Its id in the system it was imported from.")
    created_at: DateTime = column("When it was made.")
    partnerships: "Connection[Partnership]" = connection(
        "Its agreements with stores.", lists.PARTNERSHIPS, key="partner_id"
    )
    campaigns: Connection[CampaignRef] = connection(
        "Reward campaigns with this partner.", lists.CAMPAIGNS, key="partner_id"
    )


@entity(
    table=tables.Partnership,
    prefix="pship",
    store=own("store_id"),
    description="An agreement between a partner and a store.",
)
class Partnership(Node):
    """An agreement between a partner and a store."""

    name: str = column("What the agreement is called.")
    created_at: DateTime = column("When it was made.")
    partner: Partner = to_one("The partner.", "partner_id")
    store: Store = to_one("The store.", "store_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", lists.CAMPAIGNS, key="partnership_id")


@entity(
    table=tables.Integration,
    prefix="intg",
    store=via("project_id", "Project"),
    project=own("project_id"),
    description="A connection of a project to an advertising tool. Campaigns tracked by it have a slug of their own.",
)
class Integration(Node):
    """An integration."""

    name: str = column("What the integration is called.")
    kind: str = column(
        "Which kind of tool it connects, such as custom_ads. Kinds that begin with custom_ are one's own to fill."
    )
    wmkt_id: str = column("Its id in tracking links, unique in the group.")
    currency: str = column("The currency of its outlays (ISO 4217).")
    created_at: DateTime = column("When it was made.")
    project: Project = to_one("The project it belongs to.", "project_id")
    campaigns: Connection[CampaignRef] = connection(
        "Campaigns it tracks.", lists.CAMPAIGNS, key="integration_id"
    )
    outlays: Connection[OutlayRef] = connection(
        "Money put into its campaigns.", lists.OUTLAYS, key="integration_id"
    )
    interactions: Connection[Interaction] = connection(
        "Contacts that came through it.", INTERACTIONS, key="integration_id"
    )
