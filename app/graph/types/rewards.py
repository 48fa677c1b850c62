"""Rewards as they can be read: what was decided and why, the ledger, what customers have."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.enums import FlowTrigger, ReevaluationState, RewardEntryKind, RewardOutcome
from app.graph.declaring.fields import column, computed, connection, entity, listing, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    CampaignRef,
    CustomerRef,
    EventRef,
    PartnerRef,
    RewardEntryRef,
    RewardEvaluationRef,
    RewardReevaluationRef,
)
from app.graph.declaring.scalars import JSON, DateTime, Long
from app.graph.lists.rewards import EVALUATIONS
from app.plan.catalog import HIDDEN, Row, via
from app.plan.sql import Sql, sql
from app.tables import rewards as tables

_OF_CAMPAIGN = via("campaign_id", "Campaign")
_OF_CUSTOMER = via("customer_id", "Customer")


def _counts(row: Row) -> Sql:
    return sql("({row.amount} > 0 AND {row.reversed_at} IS NULL)", row=row)


@entity(table=tables.RewardEvaluation, prefix="reward", store=_OF_CAMPAIGN, project=HIDDEN)
class RewardEvaluation(Node):
    """What one event came to in one reward campaign, with everything it was decided by."""

    reference: str = column("The caller's name for what happened.")
    trigger_code: int = column("The trigger's code.")
    trigger: FlowTrigger = column("What happened.", "trigger_code")
    custom_trigger_id: Long | None = column("Which custom trigger, where it was one.")
    occurred_at: DateTime = column("When it happened.")
    created_at: DateTime = column("When it was evaluated.")
    version: int = column("The version of the campaign's flows and goals that was read.")
    outcome: RewardOutcome = column("What it came to.")
    wanted: Long = column("What it would have paid without limits, in the smallest currency unit.")
    amount: Long = column("What it paid, in the smallest currency unit.")
    currency: str = column("The currency.")
    counts: bool = computed("Whether it paid, and was not taken back.", _counts)
    reversed_at: DateTime | None = column(
        "When it was taken back as a whole, as far as it was there; null: it was not."
    )
    taken_back: Long = column("How much of it was taken back, in all.")
    outstanding: Long = computed(
        "How much was to be taken back and was not there any more.",
        lambda row: sql("({row.asked_back} - {row.taken_back})", row=row),
    )
    revision: int = column(
        "1: the first evaluation of the event in the campaign; each time it is judged otherwise there is a next one."
    )
    replaced_by: RewardEvaluationRef | None = to_one(
        "The evaluation that holds in its place, since the event was judged again; null: this one holds.",
        "replaced_by_id",
    )
    replaced: list[RewardEvaluationRef] = listing(
        "What was decided before, in whose place this one holds.", key="replaced_by_id", order="id"
    )
    inputs: JSON = column(
        "Everything that was known, by owner: user, transaction, partner, campaign.", roles=PERSONAL_READERS
    )
    trace: JSON = column(
        "Every flow, condition, multiplier and limit that was looked at, with the values and the results.",
        roles=PERSONAL_READERS,
    )
    entries: list[RewardEntryRef] = listing(
        "What it wrote into the ledger, in order.", key="evaluation_id", order="id"
    )
    reevaluation: RewardReevaluationRef | None = to_one(
        "What made it be judged again; null: it is the first.", "reevaluation_id"
    )
    campaign: CampaignRef = to_one("The campaign.", "campaign_id")
    customer: CustomerRef | None = to_one("Whom it rewards; null where out of sight.", "customer_id")
    event: EventRef | None = to_one("The event that says what happened; null where out of sight.", "event_id")


@entity(table=tables.RewardEntry, prefix="rentry", store=_OF_CAMPAIGN, project=HIDDEN)
class RewardEntry(Node):
    """A line of the reward ledger. A campaign's `totalRewards` is the sum of its lines."""

    kind: RewardEntryKind = column("Why it is there.")
    amount: Long = column(
        "What the campaign distributed, in the smallest currency unit; negative: taken back."
    )
    balance_change: Long = column("What it did to the customer's balance with the partner.")
    pending_change: Long = column("What it did to what waits there.")
    available_at: DateTime | None = column("From when it can be used; null: at once.")
    expires_at: DateTime | None = column("When it expires; null: it does not.")
    currency: str = column("The currency.")
    created_at: DateTime = column("When it was written; where another system wrote it, when it did.")
    as_of: DateTime | None = column("Openings: what happened up to this instant is in them.")
    campaign: CampaignRef | None = to_one(
        "The campaign; null: the opening of a balance, which no campaign paid.", "campaign_id"
    )
    evaluation: RewardEvaluationRef | None = to_one(
        "The evaluation it comes from; null where out of sight, or made in another system.", "evaluation_id"
    )
    customer: CustomerRef | None = to_one(
        "Whose it is; null where out of sight, and for the opening of a campaign's total.", "customer_id"
    )
    partner: PartnerRef | None = to_one(
        "The partner it is with; null for the opening of a campaign's total.", "partner_id"
    )


@entity(table=tables.RewardBalance, prefix="balance", store=_OF_CUSTOMER, project=_OF_CUSTOMER)
class RewardBalance(Node):
    """What a customer has with a partner: what was earned, less what was redeemed.

    Below zero only where a programme says so and something was taken back that is spent.
    """

    balance: Long = column("How much, in the smallest currency unit.")
    pending: Long = column("How much was earned besides and cannot be used yet.")
    outstanding: Long = computed(
        "How much of what is earned next makes up for what was taken back.",
        lambda row: sql("greatest(-{row.balance}, 0)", row=row),
    )
    currency: str = column("The currency.")
    customer: CustomerRef = to_one("The customer.", "customer_id")
    partner: PartnerRef = to_one("The partner.", "partner_id")


@entity(table=tables.RewardReevaluation, prefix="reeval", store=_OF_CAMPAIGN, project=HIDDEN)
class RewardReevaluation(Node):
    """What a campaign decided is judged again: how far that is, and what came of it. What was decided before stays
    visible beside what holds now.
    """

    what: list[str] = column("Which decisions: clock, pause, configuration, limits or all.")
    since: DateTime | None = column("Of what happened from here on; null: one event alone is meant.")
    until: DateTime | None = column("Of what happened before; null: one event alone is meant.")
    preview: bool = column("Whether nothing is written, and only told what would be.", "is_preview")
    state: ReevaluationState = column("Where it stands.")
    looked: Long = column("How many decisions were looked at.", "looked_at")
    differing: Long = column("How many came, or would come, to something else.")
    skipped: Long = column(
        "How many were left as they are: their reward was taken back, or less of it is there than would be."
    )
    paid_before: Long = column("What those that were looked at had paid, in the smallest currency unit.")
    paid_after: Long = column("What they have paid now, or would have.")
    differences: JSON = column(
        "The first 100 that differ: evaluation, reference, occurredAt, outcomes and amounts before and after."
    )
    failure: str | None = column("Why it could not go on.")
    created_at: DateTime = column("When it was asked for.")
    finished_at: DateTime | None = column("When it was over; null: it goes on by itself.")
    campaign: CampaignRef = to_one("The campaign.", "campaign_id")
    evaluations: Connection[RewardEvaluationRef] = connection(
        "What holds since then in place of what was decided.", EVALUATIONS, key="reevaluation_id"
    )


@entity(table=tables.RewardTier, prefix="rtier")
class RewardTier(Node):
    """A tier of the group: who earned so much in so many days up to now is in it."""

    name: str = column("What it is called.")
    threshold: Long = column(
        "What has to be earned for it, in the smallest unit of the group's currency: points, where one is paid as 1."
    )
    window_days: int = column("In how many days up to now.")
    created_at: DateTime = column("When it was made.")
