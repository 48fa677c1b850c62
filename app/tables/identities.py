"""Identities: what customers are known by in projects."""

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from app.tables.base import CODE, WORDS, TenantRow, child_of, of_group


class CustomerIdentity(TenantRow, table=True):
    """Something a user is known by in a project: a tracker, or the value of an identity field, normalised."""

    __tablename__ = "customer_identity"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id"),
        *child_of("project", "project_id", "created_at"),
        UniqueConstraint("group_id", "project_id", "kind", "value"),
    )
    project_id: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=CODE)
    """`tracker`, `email`, `phone`, or a name from the project's user schema."""
    value: str = Field(sa_type=WORDS)
    customer_id: int = Field(sa_type=BigInteger)
    is_vouched: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether somebody with a credential said so. What strangers alone said never decides whom a vouched event pays."""
