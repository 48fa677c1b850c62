"""The flow tree of a reward campaign: flows with actions, conditions and multipliers. Source: Benji.

Codes are stored as they came; a code outside the named sets keeps its number and is given no meaning.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field

from app.tables.base import (
    CODE,
    INSTANT,
    KEPT_JSON,
    KnownElsewhere,
    TenantRow,
    amount,
    child_of,
    of_group,
    one_of,
)
from app.values.numbers import MAX_SAFE_INTEGER


class RewardRounding(StrEnum):
    """How a share is made a whole number."""

    DOWN = "down"
    HALF_UP = "half_up"
    UP = "up"


class RewardPer(StrEnum):
    """What a share is paid for."""

    AMOUNT = "amount"
    """Each unit of the currency that was paid."""
    QUANTITY = "quantity"
    """Each article."""


class Flow(TenantRow, KnownElsewhere, table=True):
    """One path through a campaign: a trigger and what it pays."""

    __tablename__ = "flow"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "position"),
        CheckConstraint(f"custom_trigger_id BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="custom_trigger_long"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    position: int = Field(default=0)
    trigger_code: int
    custom_trigger_id: int | None = Field(default=None, sa_type=BigInteger)
    is_active: bool = Field(default=True)
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class FlowAction(TenantRow, KnownElsewhere, table=True):
    """What a flow pays, in the smallest currency unit, before multipliers: a fixed amount, a share, or both."""

    __tablename__ = "flow_action"
    __table_args__ = (
        of_group(),
        *child_of("flow", "flow_id", "position"),
        *child_of("partner", "partner_id", "created_at"),
        CheckConstraint(f"base_reward BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="base_reward_long"),
        CheckConstraint("rate >= 0", name="rate_not_negative"),
        one_of("rounding", list(RewardRounding)),
        one_of("per", list(RewardPer)),
    )
    flow_id: int = Field(sa_type=BigInteger)
    position: int = Field(default=0)
    action_code: int
    partner_id: int = Field(sa_type=BigInteger)
    base_reward: int = Field(sa_type=BigInteger)
    rate: Decimal | None = amount(default=None, nullable=True)
    """How much it pays besides for each unit of what `per` says."""
    rounding: str = Field(
        default=RewardRounding.DOWN, sa_type=CODE, sa_column_kwargs={"server_default": "down"}
    )
    per: str = Field(default=RewardPer.AMOUNT, sa_type=CODE, sa_column_kwargs={"server_default": "amount"})
    extra_data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)


class FlowCondition(TenantRow, KnownElsewhere, table=True):
    """What must hold for a flow to pay; `joiner_code` ties it to the next condition."""

    __tablename__ = "flow_condition"
    __table_args__ = (
        of_group(),
        *child_of("flow", "flow_id", "position"),
        *child_of("partner", "partner_id", "created_at"),
        CheckConstraint(f"attribute BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="attribute_long"),
    )
    flow_id: int = Field(sa_type=BigInteger)
    position: int = Field(default=0)
    partner_id: int = Field(sa_type=BigInteger)
    type_code: int
    operator_code: int
    joiner_code: int
    attribute: int = Field(sa_type=BigInteger)
    value: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)


class FlowMultiplier(TenantRow, KnownElsewhere, table=True):
    """What raises a flow's reward: 1.5 pays half as much again."""

    __tablename__ = "flow_multiplier"
    __table_args__ = (
        of_group(),
        *child_of("flow", "flow_id", "position"),
        *child_of("partner", "partner_id", "created_at"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint(f"attribute BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="attribute_long"),
    )
    flow_id: int = Field(sa_type=BigInteger)
    position: int = Field(default=0)
    partner_id: int = Field(sa_type=BigInteger)
    type_code: int
    attribute: int = Field(sa_type=BigInteger)
    amount: Decimal = amount()
    value: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
