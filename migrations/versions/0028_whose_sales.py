"""attribution: a group chooses its model, and a statistic of an event has the currency that the event says

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
CHOICES = (
    sa.Column("attribution_model", CODE, server_default="carried", nullable=False),
    sa.Column("attribution_window_days", sa.Integer(), server_default="30", nullable=False),
    sa.Column("attribution_half_life_days", sa.Integer(), server_default="7", nullable=False),
)
MODELS = "'carried', 'first_touch', 'last_touch', 'last_non_direct', 'linear', 'position_based', 'time_decay'"
RULES = {
    "attribution_model_known": f"attribution_model IN ({MODELS})",
    "attribution_window_days_within": "attribution_window_days BETWEEN 1 AND 3660",
    "attribution_half_life_days_within": "attribution_half_life_days BETWEEN 1 AND 3660",
}


def upgrade() -> None:
    for column in CHOICES:
        op.add_column("customer_group", column)
    for name, rule in RULES.items():
        op.execute(f"ALTER TABLE customer_group ADD CONSTRAINT ck_customer_group_{name} CHECK ({rule})")
    op.add_column("event_metric", sa.Column("currency", CODE, nullable=True))
    op.execute(
        "ALTER TABLE event_metric ADD CONSTRAINT ck_event_metric_currency_code CHECK (currency ~ '^[A-Z]{3}$')"
    )
    for table in ("event", "event_metric"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    # Escapes are left alone: some of them stand for what a text cannot hold.
    op.execute(
        "UPDATE event_metric m SET currency = said.currency"
        "  FROM (SELECT group_id, id,"
        "               CASE WHEN data::text NOT LIKE '%\\\\u%' THEN upper(btrim(data ->> 'currency')) END AS currency"
        "          FROM event WHERE status = 'processed' AND data::text LIKE '%\"currency\"%') said"
        " WHERE m.group_id = said.group_id AND m.event_id = said.id AND m.kind = 'statistic'"
        "   AND said.currency ~ '^[A-Z]{3}$'"
    )
    for table in ("event", "event_metric"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("event_metric", "currency")
    for column in CHOICES:
        op.drop_column("customer_group", column.name)
