"""contacts: what was said about writing to whom; webhooks: refused elements, each endpoint's tolerance; segments' reach

Revision ID: 0032
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
KINDS = (
    "'opted_in', 'subscribed', 'resubscribed', 'started', 'unblocked', 'opted_out', 'unsubscribed', 'stopped',"
    " 'spam_complaint', 'hard_bounce', 'cleaned', 'invalid_address', 'blocked', 'erased', 'moved'"
)
TABLES = ("contact_statement", "webhook_refusal")
READ = ("customer", "event", "contact_statement", "segment")
# What is known of consent so far: what forms and imports said, and what providers told of known customers.
SAID = """
INSERT INTO contact_statement (group_id, channel, subject, customer_id, kind, allows, of_address, source, first_said_at,
                               said_at, recorded_at)
SELECT group_id, '{channel}', 'cust_' || id, id, CASE WHEN {column} THEN 'opted_in' ELSE 'opted_out' END, {column},
       false, 'earlier', coalesce({column}_at, '1970-01-01 00:00:00+00'),
       coalesce({column}_at, '1970-01-01 00:00:00+00'), created_at
  FROM customer WHERE {column} OR {column}_at IS NOT NULL
"""
TOLD = """
INSERT INTO contact_statement (group_id, channel, subject, customer_id, kind, allows, of_address, source, first_said_at,
                               said_at, recorded_at)
SELECT group_id, CASE channel WHEN 'email' THEN 'email' ELSE 'sms' END, 'cust_' || customer_id, customer_id, kind,
       kind = 'subscribed', false, source, min(least(occurred_at, received_at)),
       max(least(occurred_at, received_at)), max(received_at)
  FROM event
 WHERE source LIKE 'webhook.%' AND outcome = 'applied' AND kind IN ('subscribed', 'unsubscribed')
   AND channel IN ('email', 'sms', 'mms') AND customer_id IS NOT NULL
 GROUP BY 1, 2, 3, 4, 5, 6, source
"""


def upgrade() -> None:
    op.create_table(
        "webhook_refusal",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("fingerprint", CODE, nullable=False),
        sa.Column("reason", CODE, nullable=False),
        sa.Column("message", WORDS, nullable=False),
        sa.Column("body", WORDS, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("content_type", WORDS, server_default="", nullable=False),
        sa.Column("query", WORDS, server_default="", nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("last_received_at", INSTANT, nullable=False),
        sa.Column("times", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("taken_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "created_at >= '0001-01-01 00:00:00+00' AND created_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_webhook_refusal_created_at_years"),
        ),
        sa.CheckConstraint(
            "last_received_at >= '0001-01-01 00:00:00+00' AND last_received_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_webhook_refusal_last_received_at_years"),
        ),
        sa.CheckConstraint(
            "provider IN ('sendgrid', 'twilio', 'mailchimp', 'hubspot')",
            name=op.f("ck_webhook_refusal_provider_known"),
        ),
        sa.CheckConstraint(
            "received_at >= '0001-01-01 00:00:00+00' AND received_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_webhook_refusal_received_at_years"),
        ),
        sa.CheckConstraint(
            "taken_at >= '0001-01-01 00:00:00+00' AND taken_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_webhook_refusal_taken_at_years"),
        ),
        sa.CheckConstraint("size BETWEEN 0 AND 9007199254740991", name=op.f("ck_webhook_refusal_size_long")),
        sa.CheckConstraint(
            "times BETWEEN 1 AND 9007199254740991", name=op.f("ck_webhook_refusal_times_long")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_webhook_refusal_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_webhook_refusal")),
        sa.UniqueConstraint(
            "group_id",
            "provider",
            "fingerprint",
            name=op.f("uq_webhook_refusal_group_id_provider_fingerprint"),
        ),
    )
    op.create_index(
        op.f("ix_webhook_refusal_group_id_received_at_id"),
        "webhook_refusal",
        ["group_id", "received_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_webhook_refusal_group_id_connection_id_received_at_id"),
        "webhook_refusal",
        ["group_id", "connection_id", "received_at", "id"],
        unique=False,
    )
    op.create_table(
        "contact_statement",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("channel", CODE, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("address_key", WORDS, nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("list", WORDS, server_default="", nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("allows", sa.Boolean(), nullable=False),
        sa.Column("of_address", sa.Boolean(), nullable=False),
        sa.Column("source", CODE, nullable=False),
        sa.Column("first_said_at", INSTANT, nullable=False),
        sa.Column("said_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("detail", WORDS, nullable=True),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'whatsapp')", name=op.f("ck_contact_statement_channel_known")
        ),
        sa.CheckConstraint(
            "created_at >= '0001-01-01 00:00:00+00' AND created_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_contact_statement_created_at_years"),
        ),
        sa.CheckConstraint(
            "first_said_at >= '0001-01-01 00:00:00+00' AND first_said_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_contact_statement_first_said_at_years"),
        ),
        sa.CheckConstraint(
            f"kind IN ({KINDS})",
            name=op.f("ck_contact_statement_kind_known"),
        ),
        sa.CheckConstraint(
            "recorded_at >= '0001-01-01 00:00:00+00' AND recorded_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_contact_statement_recorded_at_years"),
        ),
        sa.CheckConstraint(
            "said_at >= '0001-01-01 00:00:00+00' AND said_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_contact_statement_said_at_years"),
        ),
        sa.CheckConstraint("first_said_at <= said_at", name=op.f("ck_contact_statement_said_in_order")),
        sa.ForeignKeyConstraint(
            ["group_id", "customer_id"],
            ["customer.group_id", "customer.id"],
            name=op.f("fk_contact_statement_group_id_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["customer_group.id"],
            name=op.f("fk_contact_statement_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_contact_statement")),
        sa.UniqueConstraint(
            "group_id",
            "channel",
            "subject",
            "list",
            "kind",
            "source",
            name=op.f("uq_contact_statement_group_id_channel_subject_list_kind_source"),
        ),
    )
    op.create_index(
        op.f("ix_contact_statement_group_id_address_key_said_at_id"),
        "contact_statement",
        ["group_id", "address_key", "said_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_contact_statement_group_id_customer_id_said_at_id"),
        "contact_statement",
        ["group_id", "customer_id", "said_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_contact_statement_group_id_recorded_at_id"),
        "contact_statement",
        ["group_id", "recorded_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_contact_statement_group_id_said_at_id"),
        "contact_statement",
        ["group_id", "said_at", "id"],
        unique=False,
    )
    op.add_column("segment", sa.Column("reach_email", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("segment", sa.Column("reach_sms", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("segment", sa.Column("reached_at", INSTANT, nullable=True))
    op.add_column(
        "webhook_connection", sa.Column("tolerance_s", sa.Integer(), server_default="300", nullable=True)
    )
    for name in ("reach_email", "reach_sms"):
        op.create_check_constraint(
            op.f(f"ck_segment_{name}_long"), "segment", f"{name} BETWEEN 0 AND 9007199254740991"
        )
    op.create_check_constraint(
        op.f("ck_segment_reached_at_years"),
        "segment",
        "reached_at >= '0001-01-01 00:00:00+00' AND reached_at < '10000-01-01 00:00:00+00'",
    )
    op.create_check_constraint(
        op.f("ck_webhook_connection_tolerance_within"),
        "webhook_connection",
        "tolerance_s BETWEEN 1 AND 31536000",
    )
    for table in TABLES:
        protect(op.execute, table)
    # The owner sees rows only where its own policies do not bind it.
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(SAID.format(channel="email", column="email_consent"))
    op.execute(SAID.format(channel="sms", column="sms_consent"))
    op.execute(TOLD)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for name in ("reached_at", "reach_sms", "reach_email"):
        op.drop_column("segment", name)
    op.drop_column("webhook_connection", "tolerance_s")
    for table in TABLES:
        unprotect(op.execute, table)
        op.drop_table(table)
