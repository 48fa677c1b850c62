"""Orders of customers, and their refunds."""

from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import amount_of, column, connection, embed, entity, to_one
from app.graph.declaring.nodes import Money, Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import CampaignRef, CustomerRef, OrderRef, OrderRefundRef, PromoRef, StoreRef
from app.graph.declaring.scalars import DateTime, Long
from app.graph.lists.orders import ORDER_REFUNDS
from app.plan.catalog import HIDDEN, own, via
from app.tables import orders as tables


@entity(table=tables.CustomerOrder, prefix="order", store=own("store_id"), project=HIDDEN)
class Order(Node):
    """An order of a customer."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("order")
    reference: str = column("Its number in the system it was made in, unique in the group.")
    amount: Money = embed("What it came to.", amount=amount_of("amount"), currency="currency")
    refunded: Money = embed(
        "What of it was given back: what reports say, or what its refunds add up to, whichever is more.",
        amount=amount_of("refunded"),
        currency="currency",
    )
    worth: Money = embed(
        "What is left of it; nothing where it was cancelled.", amount=amount_of("worth"), currency="currency"
    )
    cancelled_at: DateTime | None = column("When it was found to be cancelled; null: it holds.")
    version: Long = column("The sender's version of what is shown; 0 where it gave none.")
    channel: str | None = column("The channel its campaign's metrics count it in; null without a campaign.")
    ordered_at: DateTime = column("When it was made.")
    created_at: DateTime = column("When it was recorded.")
    updated_at: DateTime = column("When it was recorded, corrected, refunded or cancelled last.")
    customer: CustomerRef | None = to_one("Who ordered; null where out of sight.", "customer_id")
    store: StoreRef = to_one("Where it was ordered.", "store_id")
    campaign: CampaignRef | None = to_one(
        "The campaign it is attributed to, named with it or by its promo.", "campaign_id"
    )
    promo: PromoRef | None = to_one("The promo it was made with.", "promo_id")
    refunds: Connection[OrderRefundRef] = connection(
        "What was given back one by one.", ORDER_REFUNDS, key="order_id"
    )


@entity(table=tables.OrderRefund, prefix="refund", store=via("order_id", "Order"), project=HIDDEN)
class OrderRefund(Node):
    """Money given back for an order."""

    reference: str = column("Its name at its sender, unique in the group.")
    amount: Money = embed("How much.", amount=amount_of("amount"), currency="currency")
    refunded_at: DateTime = column("When it was recorded.")
    order: OrderRef = to_one("The order.", "order_id")
