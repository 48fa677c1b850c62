"""Outlays: money put into campaigns."""

from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import amount_of, column, embed, entity, to_one
from app.graph.declaring.nodes import Money, Node
from app.graph.declaring.refs import CampaignRef, IntegrationRef
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import via
from app.tables import outlays as tables

_OF_CAMPAIGN = via("campaign_id", "Campaign")


@entity(
    table=tables.Outlay, prefix="outlay", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN, alive="deleted_at IS NULL"
)
class Outlay(Node):
    """Money put into a campaign over a stretch of time. It is spread over its days in the spend ledger."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("outlay")
    amount: Money = embed("How much.", amount=amount_of("amount"), currency="currency")
    starts_at: DateTime = column("From when.")
    ends_at: DateTime = column("Until when.")
    country: str | None = column("Where, as it was given.")
    region: str | None = column("Where in the country, as it was given.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    deleted_at: DateTime | None = column("When it was deleted; null: it is not.")
    campaign: CampaignRef = to_one("The campaign it belongs to.", "campaign_id")
    integration: IntegrationRef | None = to_one("The integration it came through.", "integration_id")
