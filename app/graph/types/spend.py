"""Spend: limits of campaigns, and the ledger."""

from app.graph.declaring.enums import SpendLimitRenewal, SpendLimitType
from app.graph.declaring.fields import amount_of, column, embed, entity, is_set, to_one
from app.graph.declaring.nodes import Money, Node
from app.graph.declaring.refs import CampaignRef
from app.graph.declaring.scalars import Date, DateTime
from app.graph.figures.pacing import SpendPacing, pacing, planned_in_period, remaining, spent_in_period
from app.plan.catalog import via
from app.tables import spend as tables

_OF_CAMPAIGN = via("campaign_id", "Campaign")


@entity(table=tables.SpendLimit, prefix="limit", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN)
class SpendLimit(Node):
    """How much a campaign may spend per renewal period."""

    type: SpendLimitType = column("Whether spend is capped.")
    renewal: SpendLimitRenewal | None = column("How often the limit starts again; null: uncapped.")
    amount: Money | None = embed(
        "The cap; null: uncapped.", present=is_set("amount"), amount=amount_of("amount"), currency="currency"
    )
    pending_amount: Money | None = embed(
        "The cap from effectiveFrom on; null: it stays as it is.",
        present=is_set("pending_amount"), amount=amount_of("pending_amount"), currency="currency",
    )  # fmt: skip
    pending_renewal: SpendLimitRenewal | None = column("How often it starts again from effectiveFrom on.")
    effective_from: DateTime | None = column(
        "When what is pending takes effect: the start of the next period, in the store's time zone."
    )
    spent_in_period: Money = spent_in_period(
        "What the ledger holds for the present period up to today: the store's today, its month, or all of a lifetime"
        " (and of what is uncapped)."
    )
    planned: Money = planned_in_period(
        "What the ledger holds for the days to come of the present period, such as an outlay that still runs. Not spent"
        " yet, so it counts in none of the figures beside it."
    )
    remaining: Money | None = remaining(
        "What may still be spent in the present period, 0 where it is more than spent; null: uncapped."
    )
    pacing: SpendPacing | None = pacing("How fast it spends; null: uncapped.")
    campaign: CampaignRef = to_one("The campaign it belongs to.", "campaign_id")


@entity(table=tables.SpendEntry, prefix="spend", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN)
class SpendEntry(Node):
    """One line of the spend ledger: what a campaign cost on a day in a channel."""

    day: Date = column("The day.")
    channel: str = column("The channel.")
    source: str = column("Where the entry comes from: reported spend, an outlay, …")
    source_ref: str = column("What it stands for at its source; unique there.")
    amount: Money = embed("How much.", amount=amount_of("amount"), currency="currency")
    created_at: DateTime = column("When it was booked.")
    campaign: CampaignRef = to_one("The campaign that spent it.", "campaign_id")
