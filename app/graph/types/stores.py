"""Stores, and what they can use."""

from typing import Any

from app.graph.declaring.described import object_type
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, computed, connection, embed, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    AssetRef,
    CampaignRef,
    CustomerGroupRef,
    CustomerRef,
    OrderRef,
    PartnershipRef,
    ProjectRef,
    PromoRedemptionRef,
)
from app.graph.declaring.scalars import DateTime
from app.graph.figures.customers import CustomerFigures, customer_figures
from app.graph.figures.metrics import OF_CHANNELS, MetricFigures, metric_figures
from app.graph.figures.orders import OrderFigures, order_figures
from app.graph.figures.redemptions import RedemptionFigures, redemption_figures
from app.graph.lists.assets import ASSETS
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.customers import CUSTOMERS
from app.graph.lists.orders import ORDERS
from app.graph.lists.partners import PARTNERSHIPS
from app.graph.lists.projects import PROJECTS
from app.graph.lists.promos import REDEMPTIONS
from app.plan.catalog import own
from app.plan.sql import quoted, sql
from app.tables import stores as tables


def _has(feature: tables.StoreFeature) -> Any:
    return lambda row: sql("({name} <> ALL ({row.unavailable_features}))", name=quoted(feature), row=row)


@object_type
class StoreFeatures:
    """What a store can use; all of it unless it was taken away."""

    spend_limits: bool = computed(
        "Whether spend limits of its campaigns can be set and changed.",
        _has(tables.StoreFeature.SPEND_LIMITS),
    )
    daily_limits: bool = computed("Those that start again daily.", _has(tables.StoreFeature.DAILY_LIMITS))
    monthly_limits: bool = computed(
        "Those that start again monthly.", _has(tables.StoreFeature.MONTHLY_LIMITS)
    )
    lifetime_limits: bool = computed("Those that hold for ever.", _has(tables.StoreFeature.LIFETIME_LIMITS))


@entity(table=tables.Store, prefix="store", store=own("id"), alive="deleted_at IS NULL")
class Store(Node):
    """A shop, restaurant or advertiser of the group. Every campaign belongs to exactly one."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("store")
    name: str = column("What the store is called.")
    beacon_key: str = column(
        "Names the store inside its group; a request that carries it sees this store alone."
    )
    time_zone: str | None = column("Its own time zone (IANA); null: the group's.")
    country: str | None = column(
        "The country (ISO 3166) of its customers' telephone numbers that say none; null: the group's."
    )
    is_default: bool = column("Whether campaigns that name no store go here.")
    features: StoreFeatures = embed("What it can use.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    deleted_at: DateTime | None = column("When it was deleted; null: it is not.")
    group: CustomerGroupRef = to_one("The group it belongs to.", "group_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", CAMPAIGNS, key="store_id")
    projects: Connection[ProjectRef] = connection("Its projects.", PROJECTS, key="store_id")
    partnerships: Connection[PartnershipRef] = connection(
        "Its agreements with partners.", PARTNERSHIPS, key="store_id"
    )
    customers: Connection[CustomerRef] = connection("Its customers.", CUSTOMERS, key="store_id")
    orders: Connection[OrderRef] = connection("Orders made there.", ORDERS, key="store_id")
    assets: Connection[AssetRef] = connection(
        "Files of the store and of its campaigns.", ASSETS, key="store_id"
    )
    promo_redemptions: Connection[PromoRedemptionRef] = connection(
        "Promos used there.", REDEMPTIONS, key="store_id"
    )
    figures: list[MetricFigures] = metric_figures(
        "Metrics of its campaigns, by what you ask.", OF_CHANNELS, of="Store"
    )
    order_figures: list[OrderFigures] = order_figures("Orders made there, in numbers.", of="Store")
    redemption_figures: list[RedemptionFigures] = redemption_figures(
        "Promos used there, in numbers.", of="Store"
    )
    customer_figures: list[CustomerFigures] = customer_figures("Its customers, in numbers.", of="Store")
