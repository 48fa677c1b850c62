"""Rewards: the attributes a group declares, what was decided and why, what was paid, and customers' balances.

Amounts are whole numbers in the smallest unit of the currency. Source: Benji, and what it leaves open.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, Uuid, text
from sqlmodel import Field

from app.tables.base import (
    CODE,
    INSTANT,
    KEPT_JSON,
    TEXTS,
    WORDS,
    TenantRow,
    child_of,
    counted,
    in_group,
    of_group,
    one_of,
)
from app.values.numbers import MAX_SAFE_INTEGER


class RewardAttributeKind(StrEnum):
    """What kind of values a group's own attribute has."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    TEXTS = "texts"


class RewardOutcome(StrEnum):
    """What an evaluation came to."""

    PAID = "paid"
    TRIMMED = "trimmed"
    """Paid in part: as much as the limit on rewards, or the largest balance we can store, allowed."""
    NOT_LIVE = "not_live"
    """The campaign was not live when it happened, or it was told too late."""
    NO_FLOW = "no_flow"
    """No live flow has this trigger."""
    NOT_MET = "not_met"
    """The conditions hold for no flow."""
    NOTHING_DUE = "nothing_due"
    """Conditions hold, but the amount comes to nothing."""
    LIMIT_REACHED = "limit_reached"
    """The campaign's limit, or the largest balance we can store."""
    NO_BALANCE = "no_balance"
    """It would redeem more than the customer has."""


class RewardEntryKind(StrEnum):
    """Why an entry is in the ledger."""

    PAYMENT = "payment"
    REDEMPTION = "redemption"
    REVERSAL = "reversal"
    PENDING = "pending"
    """A payment that cannot be used yet."""
    RELEASE = "release"
    """What waited can be used now."""
    EXPIRY = "expiry"
    """What was not used in time."""
    RESTORATION = "restoration"
    """What was taken back is given again, since the order stands again."""
    OPENING = "opening"
    """What was paid, or is on a balance, elsewhere, and is known as a sum alone."""


class RewardAttribute(TenantRow, table=True):
    """One of the group's own attributes, which conditions and multipliers can name by its number."""

    __tablename__ = "reward_attribute"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "type_code", "attribute"),
        UniqueConstraint("group_id", "type_code", "name"),
        CheckConstraint("type_code BETWEEN 1 AND 4", name="type_code_named"),
        CheckConstraint(f"attribute BETWEEN 1000 AND {MAX_SAFE_INTEGER}", name="attribute_own"),
        one_of("kind", list(RewardAttributeKind)),
        Index(None, "group_id", "name", "id"),
    )
    type_code: int
    """Whose: 1 user, 2 transaction, 3 partner, 4 campaign."""
    attribute: int = Field(sa_type=BigInteger)
    """Its number; those below 1000 are built in."""
    name: str = Field(sa_type=WORDS)
    """The key under which its value comes."""
    kind: str = Field(sa_type=CODE)


class RewardEvaluation(TenantRow, table=True):
    """What one event came to in one campaign, once. A campaign's evaluations count in the order of their ids."""

    __tablename__ = "reward_evaluation"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "created_at"),
        *in_group(
            event_id="event",
            customer_id="customer",
            replaced_by_id="reward_evaluation",
            reevaluation_id="reward_reevaluation",
        ),
        UniqueConstraint("group_id", "event_id", "campaign_id", "revision"),
        one_of("outcome", list(RewardOutcome)),
        CheckConstraint(f"wanted BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="wanted_long"),
        CheckConstraint("amount BETWEEN 0 AND wanted", name="amount_within_wanted"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint(
            "taken_back BETWEEN 0 AND asked_back AND asked_back <= amount", name="taken_within_asked"
        ),
        CheckConstraint("asked_by_hand BETWEEN 0 AND asked_back", name="asked_by_hand_within"),
        Index(None, "group_id", "customer_id", "created_at", "id"),
        Index(None, "group_id", "campaign_id", "id"),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "replaced_by_id", "id"),
        Index(None, "group_id", "reevaluation_id", "created_at", "id"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    event_id: UUID = Field(sa_type=Uuid)
    customer_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=WORDS)
    """The caller's name for the event; the event's own where it came through the pipeline."""
    trigger_code: int
    custom_trigger_id: int | None = Field(default=None, sa_type=BigInteger)
    occurred_at: datetime = Field(sa_type=INSTANT)
    version: int
    """The version of the campaign's flows and goals that was read."""
    inputs: Any = Field(default=None, sa_type=KEPT_JSON, nullable=False)
    """Everything the decision was based on, so that it can be made again."""
    trace: Any = Field(default=None, sa_type=KEPT_JSON, nullable=False)
    outcome: str = Field(sa_type=CODE)
    wanted: int = Field(sa_type=BigInteger)
    """What it would have paid without limits."""
    amount: int = Field(sa_type=BigInteger)
    """What it paid."""
    currency: str = Field(sa_type=CODE)
    reversed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When it was taken back as a whole, as far as there was something to take."""
    taken_back: int = counted()
    """How much of it was taken back, in all."""
    asked_back: int = counted()
    """How much of it should have been; the difference was not there any more."""
    asked_by_hand: int = counted()
    """As much of that was asked by somebody, and stays; the rest follows what is left of the order."""
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """1 is the first evaluation of the event in the campaign; each time it is judged otherwise there is a next one."""
    replaced_by_id: int | None = Field(default=None, sa_type=BigInteger)
    """The evaluation that holds in its place."""
    reevaluation_id: int | None = Field(default=None, sa_type=BigInteger)
    """What made it be judged again."""


class Reconsidered(StrEnum):
    """Which decisions are judged again."""

    CLOCK = "clock"
    """What was refused since the campaign was not live, by its own date."""
    PAUSE = "pause"
    """The same, as though the campaign had not been paused."""
    CONFIGURATION = "configuration"
    """What no flow paid for."""
    LIMITS = "limits"
    """What a limit or a balance refused or trimmed."""
    ALL = "all"
    """Everything, what was paid as well."""


class ReevaluationState(StrEnum):
    """Where judging again stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class RewardReevaluation(TenantRow, table=True):
    """A stretch of time in which what a campaign decided is judged again, how far that is, and what came of it."""

    __tablename__ = "reward_reevaluation"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "created_at"),
        one_of("state", list(ReevaluationState)),
        CheckConstraint("(state = 'waiting') = (finished_at IS NULL)", name="over_or_not"),
        CheckConstraint("least(looked_at, differing, skipped) >= 0", name="counts_not_negative"),
        Index(None, "group_id", "created_at", "id"),
        # What the worker looks for.
        Index("ix_reward_reevaluation_open", "group_id", "id", postgresql_where=text("state = 'waiting'")),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    event_id: UUID | None = Field(default=None, sa_type=Uuid)
    """One event alone."""
    since: datetime | None = Field(default=None, sa_type=INSTANT)
    """By when things happened; the end is exclusive."""
    until: datetime | None = Field(default=None, sa_type=INSTANT)
    what: list[str] = Field(sa_type=TEXTS)
    is_preview: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    state: str = Field(default="waiting", sa_type=CODE, sa_column_kwargs={"server_default": "waiting"})
    last_id: int = counted()
    """The last evaluation that was looked at."""
    end_id: int = Field(sa_type=BigInteger)
    """Evaluations from here on are newer than the question."""
    looked_at: int = counted()
    differing: int = counted()
    skipped: int = counted()
    """How many were left as they are, since their reward was taken back, or is spent."""
    paid_before: int = counted()
    """What those that were looked at had paid."""
    paid_after: int = counted()
    differences: Any = Field(
        default=None, sa_type=KEPT_JSON, nullable=False, sa_column_kwargs={"server_default": "[]"}
    )
    """The first of those that differ."""
    failure: str | None = Field(default=None, sa_type=WORDS)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)


class RewardEntry(TenantRow, table=True):
    """A line of the ledger, never changed. A campaign's `total_rewards` is the sum of its lines."""

    __tablename__ = "reward_entry"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "created_at"),
        *child_of("reward_evaluation", "evaluation_id", "step", "position"),
        *in_group(customer_id="customer", partner_id="partner"),
        UniqueConstraint("group_id", "evaluation_id", "step", "position"),
        UniqueConstraint("group_id", "reference"),
        one_of("kind", list(RewardEntryKind)),
        CheckConstraint(
            f"amount BETWEEN -{MAX_SAFE_INTEGER} AND {MAX_SAFE_INTEGER}"
            f" AND balance_change BETWEEN -{MAX_SAFE_INTEGER} AND {MAX_SAFE_INTEGER}"
            f" AND pending_change BETWEEN -{MAX_SAFE_INTEGER} AND {MAX_SAFE_INTEGER}"
            " AND CASE kind WHEN 'opening' THEN pending_change = 0 AND (amount <> 0 OR balance_change <> 0)"
            " WHEN 'release' THEN amount = 0 AND balance_change > 0 AND pending_change = -balance_change"
            " WHEN 'expiry' THEN amount = 0 AND balance_change < 0 AND pending_change = 0"
            " WHEN 'pending' THEN amount > 0 AND balance_change = 0 AND pending_change = amount"
            " ELSE amount <> 0 AND (kind = 'reversal') = (amount < 0)"
            " AND (kind IN ('reversal', 'restoration') OR pending_change = 0)"
            # What had expired is neither taken from a balance nor given to it again.
            " AND CASE WHEN kind IN ('reversal', 'restoration')"
            " THEN abs(balance_change + pending_change) <= abs(amount)"
            " ELSE abs(balance_change + pending_change) = abs(amount) END END",
            name="amount_fits_kind",
        ),
        CheckConstraint(
            "CASE kind WHEN 'opening' THEN evaluation_id IS NULL AND as_of IS NOT NULL"
            " AND (amount = 0 OR campaign_id IS NOT NULL)"
            " AND (balance_change = 0 OR num_nulls(customer_id, partner_id) = 0)"
            " ELSE num_nulls(campaign_id, customer_id, partner_id) = 0"
            " AND (reference IS NOT NULL OR num_nulls(evaluation_id, flow, action) = 0) END",
            name="whole",
        ),
        Index(None, "group_id", "customer_id", "created_at", "id"),
        Index(None, "group_id", "partner_id", "created_at", "id"),
        Index(None, "group_id", "created_at", "id"),
    )
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    """None: the opening of a balance, which no campaign paid."""
    evaluation_id: int | None = Field(default=None, sa_type=BigInteger)
    """None: it comes from another system, which evaluated it."""
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    """None: the opening of a campaign's total. Of the partner, too."""
    partner_id: int | None = Field(default=None, sa_type=BigInteger)
    kind: str = Field(sa_type=CODE)
    step: int = Field(sa_type=BigInteger)
    """Its place among all entries of its campaign: the evaluation's id, else the next one."""
    position: int
    flow: int | None = Field(default=None, sa_type=BigInteger)
    """The id of the flow that paid; the flow may be gone."""
    action: int | None = Field(default=None, sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    """What the campaign paid out; negative where it was taken back."""
    balance_change: int = Field(sa_type=BigInteger)
    """What it did to the customer's balance with the partner."""
    pending_change: int = counted()
    """What it did to what waits there."""
    available_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """Points with dates: from when they can be used; None: at once."""
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """Until when."""
    as_of: datetime | None = Field(default=None, sa_type=INSTANT)
    """Openings: up to when what happened is in them."""
    reference: str | None = Field(default=None, sa_type=WORDS)
    """Lines of another system's ledger: the system, and the line's id there."""
    currency: str = Field(sa_type=CODE)


class RewardBalance(TenantRow, table=True):
    """What a customer has with a partner: the sum of the ledger's balance changes.

    Below zero only where a programme lets what is taken back bring it there.
    """

    __tablename__ = "reward_balance"
    __table_args__ = (
        of_group(),
        *in_group(customer_id="customer", partner_id="partner"),
        UniqueConstraint("group_id", "customer_id", "partner_id", "currency"),
        CheckConstraint(
            f"balance BETWEEN CASE WHEN may_owe THEN -{MAX_SAFE_INTEGER} ELSE 0 END AND {MAX_SAFE_INTEGER}",
            name="balance_within",
        ),
        CheckConstraint(f"pending BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="pending_not_negative"),
        Index(None, "group_id", "customer_id", "created_at", "id"),
        Index(None, "group_id", "partner_id", "created_at", "id"),
    )
    customer_id: int = Field(sa_type=BigInteger)
    partner_id: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=CODE)
    balance: int = Field(sa_type=BigInteger)
    pending: int = counted()
    """What is earned and cannot be used yet; not in the balance."""
    may_owe: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """A programme that allows it has taken back from it."""


class RewardLot(TenantRow, table=True):
    """What is left of a payment that waits, or that expires."""

    __tablename__ = "reward_lot"
    __table_args__ = (
        of_group(),
        *child_of("reward_evaluation", "evaluation_id", "position"),
        *in_group(customer_id="customer", partner_id="partner"),
        UniqueConstraint("group_id", "evaluation_id", "position"),
        CheckConstraint(f"remaining BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="remaining_long"),
        CheckConstraint("num_nonnulls(available_at, expires_at) > 0", name="has_dates"),
        Index(None, "group_id", "customer_id", "partner_id", "currency", "expires_at", "id"),
        Index(None, "group_id", "partner_id", "id"),
        # What the worker looks for.
        Index(
            "ix_reward_lot_waiting",
            "group_id",
            "available_at",
            postgresql_where=text("released_at IS NULL AND remaining > 0"),
        ),
        Index(
            "ix_reward_lot_expiring",
            "group_id",
            "expires_at",
            postgresql_where=text("released_at IS NOT NULL AND remaining > 0"),
        ),
    )
    evaluation_id: int = Field(sa_type=BigInteger)
    position: int
    customer_id: int = Field(sa_type=BigInteger)
    partner_id: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=CODE)
    remaining: int = Field(sa_type=BigInteger)
    available_at: datetime | None = Field(default=None, sa_type=INSTANT)
    released_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """None: it waits, and is not in the balance."""
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)


class RewardTier(TenantRow, table=True):
    """A tier of the group: who earned so much in so many days up to now is in it."""

    __tablename__ = "reward_tier"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "name"),
        CheckConstraint(f"threshold BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="threshold_long"),
        CheckConstraint("window_days BETWEEN 1 AND 3650", name="window_days_within"),
        Index(None, "group_id", "threshold", "id"),
    )
    name: str = Field(sa_type=WORDS)
    threshold: int = Field(sa_type=BigInteger)
    """In the smallest unit of the group's currency."""
    window_days: int


class RewardParticipant(TenantRow, table=True):
    """Whom a campaign rewarded, and how often, less reversals."""

    __tablename__ = "reward_participant"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id")[:1],
        *in_group(customer_id="customer"),
        UniqueConstraint("group_id", "campaign_id", "customer_id"),
        CheckConstraint("rewarded >= 0", name="rewarded_not_negative"),
        CheckConstraint("rewarded_before >= 0", name="rewarded_before_within"),
        Index(None, "group_id", "customer_id", "id"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    customer_id: int = Field(sa_type=BigInteger)
    rewarded: int = Field(sa_type=BigInteger)
    rewarded_before: int = counted()
    """How much of that another system said."""


__all__ = [
    "Reconsidered",
    "ReevaluationState",
    "RewardAttribute",
    "RewardAttributeKind",
    "RewardBalance",
    "RewardEntry",
    "RewardEntryKind",
    "RewardEvaluation",
    "RewardLot",
    "RewardOutcome",
    "RewardParticipant",
    "RewardReevaluation",
    "RewardTier",
]
