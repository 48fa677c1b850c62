"""Orders of customers."""

from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import amount_of, column, embed, entity, to_one
from app.graph.declaring.nodes import Money, Node
from app.graph.declaring.refs import CampaignRef, CustomerRef, PromoRef, StoreRef
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import HIDDEN, own
from app.tables import orders as tables


@entity(table=tables.CustomerOrder, prefix="order", store=own("store_id"), project=HIDDEN)
class Order(Node):
    """An order of a customer."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("order")
    reference: str = column("Its number in the system it was made in, unique in the group.")
    amount: Money = embed("What it came to.", amount=amount_of("amount"), currency="currency")
    channel: str | None = column("The channel its campaign's metrics count it in; null without a campaign.")
    ordered_at: DateTime = column("When it was made.")
    created_at: DateTime = column("When it was recorded.")
    customer: CustomerRef | None = to_one("Who ordered; null where out of sight.", "customer_id")
    store: StoreRef = to_one("Where it was ordered.", "store_id")
    campaign: CampaignRef | None = to_one(
        "The campaign it is attributed to, named with it or by its promo.", "campaign_id"
    )
    promo: PromoRef | None = to_one("The promo it was made with.", "promo_id")
