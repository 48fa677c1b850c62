"""Webhooks: which outside providers may send events to a group, and how much each has sent.

Source: Marketing & CRM API, "Webhook Integrations".
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, WORDS, TenantRow, counted, of_group, one_of
from app.values.numbers import MAX_SAFE_INTEGER


class Provider(StrEnum):
    """The providers that are understood. Source: "Supported Providers"."""

    SENDGRID = "sendgrid"
    TWILIO = "twilio"
    MAILCHIMP = "mailchimp"
    HUBSPOT = "hubspot"


class ConnectionStatus(StrEnum):
    """Whether a provider's deliveries are accepted. Source: "List Webhook Providers"."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class WebhookConnection(SQLModel, table=True):
    """A provider's way in: a directory row, since a delivery says who sends it before it says for which tenant.

    `token` is the last part of its own URL. It opens nothing by itself: every delivery is signed. The secrets it
    is signed with are sealed with SECRET_KEY.
    """

    __tablename__ = "webhook_connection"
    __table_args__ = (
        of_group(),
        one_of("provider", list(Provider)),
        one_of("status", list(ConnectionStatus)),
        CheckConstraint(
            "(previous_sealed IS NULL) = (previous_until IS NULL)", name="previous_secret_has_an_end"
        ),
        CheckConstraint("tolerance_s BETWEEN 1 AND 31536000", name="tolerance_within"),
        Index("uq_webhook_connection_token", "token", unique=True),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "provider", "status", "id"),
    )
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])
    group_id: int = Field(sa_type=BigInteger)
    provider: str = Field(sa_type=CODE)
    token: str = Field(sa_type=CODE)
    sealed: bytes = Field(sa_type=LargeBinary)
    """The current secrets, which deliveries are signed with."""
    previous_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The secrets before the last rotation, valid until `previous_until`."""
    previous_until: datetime | None = Field(default=None, sa_type=INSTANT)
    status: str = Field(default=ConnectionStatus.CONNECTED, sa_type=CODE)
    tolerance_s: int | None = Field(default=300, sa_column_kwargs={"server_default": "300"})
    """How far a signed timestamp may be from now, in seconds; NULL: any age."""
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    rotated_at: datetime | None = Field(default=None, sa_type=INSTANT)
    disconnected_at: datetime | None = Field(default=None, sa_type=INSTANT)


class WebhookProvider(TenantRow, table=True):
    """A group's totals for a provider: live connections, events, and the moment of the latest one."""

    __tablename__ = "webhook_provider"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "provider"),
        one_of("provider", list(Provider)),
        CheckConstraint(f"connections BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="connections_long"),
        CheckConstraint(f"events_received BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="events_received_long"),
        CheckConstraint(f"events_before BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="events_before_long"),
        CheckConstraint(f"events_ignored BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="events_ignored_long"),
    )
    provider: str = Field(sa_type=CODE)
    connections: int = counted()
    events_received: int = counted()
    """Each event counts once, however often it was delivered; ignored ones count too."""
    events_before: int = counted()
    """How many of them another system had received before."""
    events_ignored: int = counted()
    last_event_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """The latest moment that any event says it happened."""


class WebhookRefusal(TenantRow, table=True):
    """An element of an authentic delivery that could not be taken, or a whole body; the same one is here once."""

    __tablename__ = "webhook_refusal"
    __table_args__ = (
        of_group(),
        one_of("provider", list(Provider)),
        UniqueConstraint("group_id", "provider", "fingerprint"),
        CheckConstraint(f"times BETWEEN 1 AND {MAX_SAFE_INTEGER}", name="times_long"),
        CheckConstraint(f"size BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="size_long"),
        Index(None, "group_id", "received_at", "id"),
        Index(None, "group_id", "connection_id", "received_at", "id"),
    )
    provider: str = Field(sa_type=CODE)
    connection_id: int | None = Field(default=None, sa_type=BigInteger)
    """The endpoint it came through; none where somebody sent it by hand. Endpoints stay when a group moves."""
    fingerprint: str = Field(sa_type=CODE)
    """A digest of the provider, the media type, the query and the text."""
    reason: str = Field(sa_type=CODE)
    message: str = Field(sa_type=WORDS)
    body: str | None = Field(default=None, sa_type=WORDS)
    """The text, with escapes for what no text can hold; cut where it is longer than is kept."""
    size: int = Field(sa_type=BigInteger)
    """Bytes of the whole of it."""
    is_whole: bool
    """Whether all of it is kept, so that it can be taken again."""
    content_type: str = Field(default="", sa_type=WORDS, sa_column_kwargs={"server_default": ""})
    query: str = Field(default="", sa_type=WORDS, sa_column_kwargs={"server_default": ""})
    received_at: datetime = Field(sa_type=INSTANT)
    last_received_at: datetime = Field(sa_type=INSTANT)
    times: int = Field(default=1, sa_type=BigInteger, sa_column_kwargs={"server_default": "1"})
    taken_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When it was taken after all."""


__all__ = ["ConnectionStatus", "Provider", "WebhookConnection", "WebhookProvider", "WebhookRefusal"]
