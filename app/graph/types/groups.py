"""Customer groups: the tenants."""

from app.graph.declaring.fields import column, connection, entity
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import CampaignRef, StoreRef
from app.graph.declaring.scalars import DateTime
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.stores import STORES
from app.tables import groups as tables


@entity(table=tables.CustomerGroup, prefix="group", tenant="id")
class CustomerGroup(Node):
    """A customer group: a tenant, with its stores and everything that belongs to them."""

    name: str = column("What the group is called.")
    currency: str = column("The currency of its campaigns, unless an integration says otherwise (ISO 4217).")
    time_zone: str = column("Its time zone (IANA), where a store has none of its own.")
    created_at: DateTime = column("When it was made.")
    stores: Connection[StoreRef] = connection("Its stores.", STORES, key="group_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", CAMPAIGNS, key="group_id")
