"""Goals: targets and limits of reward campaigns."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
)
from sqlmodel import Field

from app.tables.base import (
    KnownElsewhere,
    TenantRow,
    child_of,
    of_group,
)
from app.values.numbers import MAX_SAFE_INTEGER


class Goal(TenantRow, KnownElsewhere, table=True):
    """A target or a limit of a campaign. Source: Benji, `goals`."""

    __tablename__ = "goal"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "position"),
        *child_of("partner", "partner_id", "created_at"),
        CheckConstraint(f"value BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="value_long"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    position: int = Field(default=0)
    partner_id: int = Field(sa_type=BigInteger)
    type_code: int
    value: int = Field(sa_type=BigInteger)
    operator_code: int
