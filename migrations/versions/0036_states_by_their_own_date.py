"""events: whether a state or statistic was told, and what its date counts as; projects say whose clocks are believed

Revision ID: 0036
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
# Whoever told a value is named in its history; what came with the event has nobody.
TOLD = """
UPDATE event_metric m SET is_told = true
 WHERE EXISTS (SELECT 1 FROM event_metric_change c
                WHERE c.group_id = m.group_id AND c.metric_id = m.id AND c.actor IS NOT NULL)
"""
# What came from elsewhere, or before transactions were noted, tells of the past.
DOUBTFUL = """
UPDATE event SET is_clock_doubtful = true
 WHERE occurred_at > received_at + interval '1 hour'
    OR (source = 'tracker' AND NOT is_vouched AND written_by IS NOT NULL
        AND occurred_at < received_at - interval '720 hours')
"""


def upgrade() -> None:
    for name in ("clock_ahead_s", "clock_behind_s"):
        op.add_column("project", sa.Column(name, sa.Integer(), nullable=True))
        op.execute(
            f"ALTER TABLE project ADD CONSTRAINT ck_project_{name}_within CHECK ({name} BETWEEN 60 AND 316224000)"
        )
    op.add_column("event", sa.Column("is_clock_doubtful", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("event_metric", sa.Column("decided_at", INSTANT, nullable=True))
    op.execute(
        "ALTER TABLE event_metric ADD CONSTRAINT ck_event_metric_decided_at_years"
        f" CHECK ({YEARS.format('decided_at')})"
    )
    op.add_column("event_metric", sa.Column("is_told", sa.Boolean(), server_default="false", nullable=False))
    for table in ("event", "event_metric", "event_metric_change"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(TOLD)
    op.execute(DOUBTFUL)
    for table in ("event", "event_metric", "event_metric_change"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


    # Edges that lead back: a project's identities, a partner's balances.
    op.create_index(
        op.f("ix_customer_identity_group_id_project_id_created_at_id"),
        "customer_identity",
        ["group_id", "project_id", "created_at", "id"],
    )
    op.create_index(
        op.f("ix_reward_balance_group_id_partner_id_created_at_id"),
        "reward_balance",
        ["group_id", "partner_id", "created_at", "id"],
    )
    op.drop_index(op.f("ix_reward_balance_group_id_partner_id_id"), "reward_balance")


def downgrade() -> None:
    op.create_index(
        op.f("ix_reward_balance_group_id_partner_id_id"), "reward_balance", ["group_id", "partner_id", "id"]
    )
    op.drop_index(op.f("ix_reward_balance_group_id_partner_id_created_at_id"), "reward_balance")
    op.drop_index(op.f("ix_customer_identity_group_id_project_id_created_at_id"), "customer_identity")
    op.drop_column("event", "is_clock_doubtful")
    for name in ("clock_ahead_s", "clock_behind_s"):
        op.drop_column("project", name)
    op.drop_column("event_metric", "is_told")
    op.drop_column("event_metric", "decided_at")
