"""events: whether a state or statistic was told, and what its date counts as; projects say whose clocks are believed

Revision ID: 0036
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0030"
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


def upgrade() -> None:
    op.add_column("event_metric", sa.Column("decided_at", INSTANT, nullable=True))
    op.execute(
        "ALTER TABLE event_metric ADD CONSTRAINT ck_event_metric_decided_at_years"
        f" CHECK ({YEARS.format('decided_at')})"
    )
    op.add_column("event_metric", sa.Column("is_told", sa.Boolean(), server_default="false", nullable=False))
    for table in ("event_metric", "event_metric_change"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(TOLD)
    for table in ("event_metric", "event_metric_change"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("event_metric", "is_told")
    op.drop_column("event_metric", "decided_at")
