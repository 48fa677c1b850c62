"""Tenants and their customer groups."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Identity,
    text,
)
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, WORDS, _known_zone


class Tenant(SQLModel, table=True):
    """Directory: which groups exist, for work that visits every group in turn. No policy, no content."""

    __tablename__ = "tenant"
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])


class CustomerGroup(SQLModel, table=True):
    """A customer group. Its row-level policy asks for `app.group_ids`, every group of the credential."""

    __tablename__ = "customer_group"
    __table_args__ = (ForeignKeyConstraint(["id"], ["tenant.id"], ondelete="CASCADE"), _known_zone())
    id: int = Field(sa_type=BigInteger, primary_key=True)
    name: str = Field(sa_type=WORDS)
    currency: str = Field(sa_type=CODE)
    time_zone: str = Field(sa_type=CODE)
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
