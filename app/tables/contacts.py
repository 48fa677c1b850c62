"""What was said about writing to somebody: by forms, imports, providers, text messages and people of the group."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, WORDS, TenantRow, of_group, one_of


class ContactChannel(StrEnum):
    """The ways of writing to somebody that need their agreement."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"


class StatementKind(StrEnum):
    """What can be said about writing to somebody, and so why it may be done or not."""

    OPTED_IN = "opted_in"
    SUBSCRIBED = "subscribed"
    RESUBSCRIBED = "resubscribed"
    STARTED = "started"
    UNBLOCKED = "unblocked"
    OPTED_OUT = "opted_out"
    UNSUBSCRIBED = "unsubscribed"
    STOPPED = "stopped"
    SPAM_COMPLAINT = "spam_complaint"
    HARD_BOUNCE = "hard_bounce"
    CLEANED = "cleaned"
    INVALID_ADDRESS = "invalid_address"
    BLOCKED = "blocked"
    ERASED = "erased"
    MOVED = "moved"


ALLOWING = frozenset(
    {
        StatementKind.OPTED_IN,
        StatementKind.SUBSCRIBED,
        StatementKind.RESUBSCRIBED,
        StatementKind.STARTED,
        StatementKind.UNBLOCKED,
    }
)
"""After these one may write; after the others not."""
OF_ADDRESS = frozenset(
    {
        StatementKind.HARD_BOUNCE,
        StatementKind.CLEANED,
        StatementKind.INVALID_ADDRESS,
        StatementKind.BLOCKED,
        StatementKind.UNBLOCKED,
        StatementKind.ERASED,
        StatementKind.MOVED,
    }
)
"""These are about an address, whoever has it; the others are a person's word and go along to their next address."""


class ContactStatement(TenantRow, table=True):
    """One thing that was said about writing to an address or a customer, at the latest moment its source said it.

    Rows only ever move on to later moments, so any order of arrival ends in the same rows.
    """

    __tablename__ = "contact_statement"
    __table_args__ = (
        of_group(),
        one_of("channel", list(ContactChannel)),
        one_of("kind", list(StatementKind)),
        UniqueConstraint("group_id", "channel", "subject", "list", "kind", "source"),
        ForeignKeyConstraint(
            ["group_id", "customer_id"], ["customer.group_id", "customer.id"], ondelete="CASCADE"
        ),
        CheckConstraint("first_said_at <= said_at", name="said_in_order"),
        Index(None, "group_id", "customer_id", "said_at", "id"),
        Index(None, "group_id", "address_key", "said_at", "id"),
        Index(None, "group_id", "said_at", "id"),
        Index(None, "group_id", "recorded_at", "id"),
    )
    channel: str = Field(sa_type=CODE)
    subject: str = Field(sa_type=WORDS)
    """Whom it is about: the address's key, or `cust_5` where it is about a customer and not about an address."""
    address_key: str | None = Field(default=None, sa_type=WORDS)
    """The address as `values/contacts.py` compares it."""
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    """Whose word it is, as far as it is known."""
    list: str = Field(default="", sa_type=WORDS, sa_column_kwargs={"server_default": ""})
    """The list it is about, as its source calls it; empty: all of the channel."""
    kind: str = Field(sa_type=CODE)
    allows: bool
    """Whether one may write after it."""
    of_address: bool
    """Whether it is about the address, whoever has it."""
    source: str = Field(sa_type=CODE)
    """Who told: `webhook.sendgrid`, `graph`, `import`."""
    first_said_at: datetime = Field(sa_type=INSTANT)
    said_at: datetime = Field(sa_type=INSTANT)
    """By its own date, but never later than it came in."""
    recorded_at: datetime = Field(sa_type=INSTANT)
    """When it last came in."""
    detail: str | None = Field(default=None, sa_type=WORDS)
    """The source's own words: an error, a reason; of `moved` the next address."""


__all__ = ["ALLOWING", "OF_ADDRESS", "ContactChannel", "ContactStatement", "StatementKind"]
