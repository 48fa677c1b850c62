"""Identities: what customers are known by in projects."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.tables.base import CODE, WORDS, TenantRow, child_of, of_group


def _ids() -> Any:
    return Field(
        default_factory=list, sa_column=Column(ARRAY(BigInteger), nullable=False, server_default="{}")
    )


class CustomerIdentity(TenantRow, table=True):
    """Something a user is known by in a project: a tracker, or the value of an identity field, normalised."""

    __tablename__ = "customer_identity"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id"),
        *child_of("project", "project_id", "created_at"),
        UniqueConstraint("group_id", "project_id", "kind", "value"),
        # Addresses and numbers are the same in all projects.
        Index(
            "ix_customer_identity_everywhere",
            "group_id",
            "kind",
            "value",
            postgresql_where=text("kind IN ('email', 'phone')"),
        ),
    )
    project_id: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=CODE)
    """`tracker`, `email`, `phone`, or a name from the project's user schema."""
    value: str = Field(sa_type=WORDS)
    customer_id: int = Field(sa_type=BigInteger)
    is_vouched: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether somebody with a credential said so. What strangers alone said never decides whom a vouched event pays."""
    said_with: list[int] = _ids()
    """The surer identities it was said with, by whoever vouched for it; negative: the id of a customer it was told of
    by name. Kept until two of them differ."""
    claimed_with: list[int] = _ids()
    """The same by strangers."""
    is_shared: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether it was said with two different ones of a kind: then it is somebody of its own."""
    is_pinned: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether it stays with its customer whatever is said: by hand, or since two could not be joined."""
