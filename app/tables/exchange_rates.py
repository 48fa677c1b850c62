"""Exchange rates of the group."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, Index, Numeric, UniqueConstraint
from sqlmodel import Field

from app.tables.base import CODE, TenantRow, of_group


class ExchangeRate(TenantRow, table=True):
    """What one unit of a currency is worth in another from this day until the pair's next rate."""

    __tablename__ = "exchange_rate"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "from_currency", "to_currency", "day"),
        CheckConstraint("rate > 0", name="rate_positive"),
        CheckConstraint(
            "from_currency ~ '^[A-Z]{3}$' AND to_currency ~ '^[A-Z]{3}$'", name="currencies_code"
        ),
        CheckConstraint("from_currency <> to_currency", name="currencies_differ"),
        Index(None, "group_id", "day", "id"),
    )
    from_currency: str = Field(sa_type=CODE)
    to_currency: str = Field(sa_type=CODE)
    day: date = Field(sa_type=Date)
    rate: Decimal = Field(sa_type=Numeric(20, 10))
