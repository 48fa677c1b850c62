"""webhooks: connections and providers, and what became of an event

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import READERS, protect, unprotect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
PROVIDERS = "provider IN ('sendgrid', 'twilio', 'mailchimp', 'hubspot')"
MAX = 9007199254740991


def years(table: str, column: str) -> sa.CheckConstraint:
    rule = f"{column} >= '0001-01-01 00:00:00+00' AND {column} < '10000-01-01 00:00:00+00'"
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{column}_years"))


def count(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} BETWEEN 0 AND {MAX}", name=op.f(f"ck_{table}_{column}_long"))


def upgrade() -> None:
    op.create_table(
        "webhook_connection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("token", CODE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", INSTANT, nullable=True),
        sa.Column("status", CODE, nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("rotated_at", INSTANT, nullable=True),
        sa.Column("disconnected_at", INSTANT, nullable=True),
        sa.CheckConstraint(PROVIDERS, name=op.f("ck_webhook_connection_provider_known")),
        sa.CheckConstraint("status IN ('connected', 'disconnected')", name=op.f("ck_webhook_connection_status_known")),
        sa.CheckConstraint(
            "(previous_sealed IS NULL) = (previous_until IS NULL)",
            name=op.f("ck_webhook_connection_previous_secret_has_an_end"),
        ),
        years("webhook_connection", "previous_until"),
        years("webhook_connection", "created_at"),
        years("webhook_connection", "rotated_at"),
        years("webhook_connection", "disconnected_at"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_webhook_connection_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_connection")),
    )
    op.create_index("uq_webhook_connection_token", "webhook_connection", ["token"], unique=True)
    op.create_index(
        op.f("ix_webhook_connection_group_id_created_at_id"), "webhook_connection", ["group_id", "created_at", "id"]
    )
    op.create_index(
        op.f("ix_webhook_connection_provider_status_id"), "webhook_connection", ["provider", "status", "id"]
    )
    op.create_table(
        "webhook_provider",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("connections", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("events_received", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("events_ignored", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_event_at", INSTANT, nullable=True),
        sa.CheckConstraint(PROVIDERS, name=op.f("ck_webhook_provider_provider_known")),
        count("webhook_provider", "connections"),
        count("webhook_provider", "events_received"),
        count("webhook_provider", "events_ignored"),
        years("webhook_provider", "created_at"),
        years("webhook_provider", "last_event_at"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_webhook_provider_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_webhook_provider")),
        sa.UniqueConstraint("group_id", "provider", name=op.f("uq_webhook_provider_group_id_provider")),
    )
    for column, kind in (
        ("kind", CODE), ("channel", CODE), ("outcome", CODE),
        ("campaign_id", sa.BigInteger()), ("customer_id", sa.BigInteger()),
    ):  # fmt: skip
        op.add_column("event", sa.Column(column, kind, nullable=True))
    op.create_check_constraint(
        op.f("ck_event_outcome_known"), "event", "outcome IN ('applied', 'ignored')"
    )
    for column, target in (("campaign_id", "campaign"), ("customer_id", "customer")):
        op.create_foreign_key(
            op.f(f"fk_event_group_id_{column}"), "event", target,
            ["group_id", column], ["group_id", "id"], ondelete="CASCADE",
        )  # fmt: skip
        op.create_index(
            op.f(f"ix_event_group_id_{column}_received_at_id"), "event", ["group_id", column, "received_at", "id"]
        )
    op.create_index(op.f("ix_customer_group_id_phone_id"), "customer", ["group_id", "phone", "id"])
    protect(op.execute, "webhook_provider")
    op.execute("GRANT SELECT, INSERT, UPDATE ON webhook_connection TO gateway_app")
    op.execute("GRANT USAGE ON SEQUENCE webhook_connection_id_seq TO gateway_app")
    for role in READERS:
        op.execute(f"GRANT SELECT ON webhook_connection TO {role}")


def downgrade() -> None:
    op.drop_index(op.f("ix_customer_group_id_phone_id"), table_name="customer")
    for column in ("campaign_id", "customer_id"):
        op.drop_index(op.f(f"ix_event_group_id_{column}_received_at_id"), table_name="event")
        op.drop_constraint(op.f(f"fk_event_group_id_{column}"), "event", type_="foreignkey")
    op.drop_constraint(op.f("ck_event_outcome_known"), "event", type_="check")
    for column in ("customer_id", "campaign_id", "outcome", "channel", "kind"):
        op.drop_column("event", column)
    unprotect(op.execute, "webhook_provider")
    op.drop_table("webhook_provider")
    op.drop_table("webhook_connection")
